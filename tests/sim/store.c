/* A device's own store of one unit's readings; see store.h. */
#include "store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../ingest/require.h"

static const char magic[8] = "liftsto1";

/* Maps a file of this many bytes, making it when it is new. MAP_FAILED: see errno. */
static void *map_file(const char *path, size_t bytes) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return MAP_FAILED;
    void *memory = MAP_FAILED;
    if (ftruncate(fd, (off_t)bytes) == 0)
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return memory;
}

bool store_open(struct store *s, const char *path, uint64_t capacity) {
    s->bytes = sizeof *s->header + (size_t)capacity * sizeof *s->ring;
    void *memory = path ? map_file(path, s->bytes)
                        : mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    s->header = memory;
    s->ring = (struct reading *)(s->header + 1);
    if (memcmp(s->header->magic, magic, sizeof magic) != 0 || s->header->record_bytes != sizeof *s->ring ||
        s->header->capacity != capacity) {
        memset(s->header, 0, sizeof *s->header);
        memcpy(s->header->magic, magic, sizeof magic);
        s->header->record_bytes = sizeof *s->ring;
        s->header->capacity = capacity;
    }
    return true;
}

void store_close(struct store *s) {
    if (s->header)
        munmap(s->header, s->bytes);
    s->header = NULL;
}

void store_append(struct store *s, const struct reading *reading) {
    if (s->header->capacity == 0)
        return;
    s->ring[s->header->appended % s->header->capacity] = *reading;
    s->header->appended++; /* after the record: a process killed in between has not appended */
}

uint64_t store_end(const struct store *s) {
    return s->header->appended;
}

uint64_t store_oldest(const struct store *s) {
    return s->header->appended > s->header->capacity ? s->header->appended - s->header->capacity : 0;
}

const struct reading *store_at(const struct store *s, uint64_t index) {
    REQUIRE(index >= store_oldest(s) && index < store_end(s));
    return &s->ring[index % s->header->capacity];
}

uint64_t store_after(const struct store *s, struct position position) {
    uint64_t low = store_oldest(s), high = store_end(s);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (position_compare(store_at(s, middle)->at, position) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t store_held(const struct store *s, struct held out[READING_HELD_MAX]) {
    size_t count = 0;
    for (uint64_t index = store_oldest(s); index < store_end(s);) {
        const struct reading *first = store_at(s, index);
        index = store_after(s, (struct position){.boot = first->at.boot, .seq = UINT64_MAX});
        if (count == READING_HELD_MAX)
            memmove(&out[0], &out[1], --count * sizeof out[0]);
        out[count++] = (struct held){
            .boot = first->at.boot, .oldest_seq = first->at.seq, .last_seq = store_at(s, index - 1)->at.seq};
    }
    return count;
}
