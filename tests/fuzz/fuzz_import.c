/* Fuzz target: a mapping file and a CSV file, parted by the first line "%%", as `liftd import` reads them. */
#define _GNU_SOURCE
#include "../../ingest/require.h"
#include "../../server/import_file.h"
#include "../../server/import_map.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct state {
    struct import_map *map;
    const struct import_target *targets;
    size_t targets_count, header_count;
    long line;
};

static bool on_header(const struct import_record *record, void *user) {
    static const char *const known[] = {"code", "name_zh", "stage", "floors", "in_service_on"};
    char error[300];
    struct state *s = user;
    s->header_count = record->count;
    s->line = record->line;
    if (record->problem != NULL)
        return false;
    bool ok = import_map_bind(s->map, "lifts", known, sizeof known / sizeof *known, record, &s->targets,
                              &s->targets_count, error, sizeof error);
    REQUIRE(ok ? s->targets_count <= sizeof known / sizeof *known : error[0] != '\0');
    return ok;
}

static bool on_record(const struct import_record *record, void *user) {
    struct state *s = user;
    REQUIRE(record->line > s->line ||
            record->line == s->line); /* CR alone ends records without ending lines */
    s->line = record->line;
    if (record->problem != NULL)
        return true;
    for (size_t i = 0; i < record->count; i++)
        REQUIRE(import_file_is_utf8(record->field[i], strlen(record->field[i])));
    if (record->count != s->header_count)
        return true;
    import_map_begin(s->map, record);
    for (size_t i = 0; i < s->targets_count; i++) {
        struct import_fault fault;
        const char *value = import_map_value(s->map, i, &fault);
        REQUIRE(strlen(value) < IMPORT_VALUE_MAX_BYTES);
        REQUIRE(fault.reason == NULL || (value[0] == '\0' && fault.sentence[0] != '\0'));
    }
    return true;
}

/* Writes bytes to a file in memory and names it. */
static int file_of(const uint8_t *data, size_t size, char path[32]) {
    int fd = memfd_create("import", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char map_path[32], csv_path[32], error[300];
    const uint8_t *part = size > 0 ? memmem(data, size, "%%\n", 3) : NULL;
    size_t map_size = part != NULL ? (size_t)(part - data) : 0;
    size_t csv_at = part != NULL ? map_size + 3 : 0;
    int map_fd = file_of(data, map_size, map_path), csv_fd = file_of(data + csv_at, size - csv_at, csv_path);
    struct state s = {.map =
                          part != NULL ? import_map_open(map_path, error, sizeof error) : import_map_plain()};
    REQUIRE(s.map != NULL || error[0] != '\0');
    if (s.map != NULL) {
        struct import_file_handler handler = {.record = on_record, .header = on_header, .user = &s};
        import_file_read(csv_path, &handler, error, sizeof error);
        import_map_close(s.map);
    }
    close(map_fd);
    close(csv_fd);
    return 0;
}
