/* The simulator's ledger; see ledger.h. */
#include "ledger.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "wire.h"

static FILE *file;

bool ledger_open(const char *path) {
    if (!path)
        return true;
    file = fopen(path, "w");
    if (!file)
        return false;
    setvbuf(file, NULL, _IOFBF, 1 << 20);
    fputs("device,unit,boot,seq,ts,sha,codes,mode,kind\n", file);
    return true;
}

static void sha_hex(const void *bytes, size_t count, char out[17]) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, bytes, count);
    for (int i = 0; i < 8; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

void ledger_reading(const char *device, const struct reading *r, const char *kind) {
    if (!file)
        return;
    char text[400], sha[17], codes[READING_CODES_MAX * 6 + 1] = "";
    sha_hex(text, (size_t)wire_text(r, text), sha);
    for (int i = 0, n = 0; i < r->codes_count; i++)
        n += snprintf(codes + n, sizeof codes - (size_t)n, i ? "+%u" : "%u", r->codes[i]);
    fprintf(file, "%s,%u,%" PRIu32 ",%" PRIu64 ",%" PRId64 ",%s,%s,%u,%s\n", device, r->unit, r->at.boot,
            r->at.seq, r->ts_ms, sha, codes, r->mode, kind);
}

void ledger_garbage(const char *device, int64_t ts_ms, const void *bytes, size_t count) {
    if (!file)
        return;
    char sha[17];
    sha_hex(bytes, count, sha);
    fprintf(file, "%s,0,0,0,%" PRId64 ",%s,,0,garbage\n", device, ts_ms, sha);
}

void ledger_flush(void) {
    if (file)
        fflush(file);
}

bool ledger_close(void) {
    bool ok = true;
    if (file)
        ok = fclose(file) == 0;
    file = NULL;
    return ok;
}
