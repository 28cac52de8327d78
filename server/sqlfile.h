/* The SQL files of a directory as text: read in order, hashed, and an error's place turned into a line. */
#ifndef LIFTD_SQLFILE_H
#define LIFTD_SQLFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQLFILE_NAME_BYTES 256
#define SQLFILE_SHA256_BYTES 32
/* Largest file read, bytes. */
#define SQLFILE_MAX_BYTES (16 * 1024 * 1024)

struct sqlfile {
    char name[SQLFILE_NAME_BYTES]; /* below the root directory: "migrate/0001_meta.sql" */
    char *text;                    /* the contents, NUL-terminated, without NUL inside */
    size_t bytes;
    uint8_t sha256[SQLFILE_SHA256_BYTES]; /* of the contents */
};

/* Zero-initialise; sqlfile_set_fini frees. */
struct sqlfile_set {
    struct sqlfile *files;
    size_t count, capacity;
};

/* Reads one file `name` below `root` and appends it. false: *why says what is wrong, naming the file. */
bool sqlfile_read(struct sqlfile_set *set, const char *root, const char *name, char *why, size_t why_bytes);

/* Reads all *.sql directly in `root`/`directory`, sorted by name (bytes), and appends them. A directory that
 * doesn't exist holds no files. false: *why says what is wrong. */
bool sqlfile_read_directory(struct sqlfile_set *set, const char *root, const char *directory, char *why,
                            size_t why_bytes);

void sqlfile_set_fini(struct sqlfile_set *set);

/* SHA-256 over the names and hashes of all files, in order. */
void sqlfile_set_sha256(const struct sqlfile_set *set, uint8_t out[SQLFILE_SHA256_BYTES]);

/* Line (from 1) of the character `position` (from 1, counted in UTF-8 characters as PostgreSQL does). */
size_t sqlfile_line_at(const struct sqlfile *file, size_t position);

/* Line (from 1) at which statement `index` (from 0) begins; quotes, dollar quotes and comments are skipped as
 * PostgreSQL does. Past the last statement: the last line. */
size_t sqlfile_line_of_statement(const struct sqlfile *file, size_t index);

#endif
