/* Reads a CSV file, plain or gzipped, record by record with line numbers: the file side of `liftd import`. */
#ifndef LIFTD_IMPORT_FILE_H
#define LIFTD_IMPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Most fields in one record, and the longest record in bytes: a quote that is never closed ends there. */
#define IMPORT_FIELDS_MAX 256
#define IMPORT_RECORD_MAX_BYTES (64 * 1024)

/* One record. Fields are NUL-terminated, valid during the call, without leading and trailing spaces unless
 * quoted. */
struct import_record {
    long line;           /* where it begins, from 1 */
    size_t count;        /* fields; may be more or fewer than the header has */
    const char **field;  /* each valid UTF-8 without NUL where problem is NULL */
    const char *problem; /* why this record can't be used ("is not UTF-8"); NULL when it can */
};

struct import_file_handler {
    /* Called for each record but the first; false ends the reading. */
    bool (*record)(const struct import_record *record, void *user);
    /* Called once, for the first record: the names of the columns. false ends the reading. */
    bool (*header)(const struct import_record *record, void *user);
    void *user;
};

/* Reads the file ("-": standard input) to its end. Comma or semicolon, whichever the first line has more of,
 * separates; a byte order mark is skipped; empty lines are, too. false: it can't be opened or read, is cut
 * short, has no header or a record beyond the bounds above (error then says so), or a handler said false
 * (error then is empty). */
bool import_file_read(const char *path, const struct import_file_handler *handler, char *error,
                      size_t error_bytes);

/* True when these bytes are UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF, no NUL. */
bool import_file_is_utf8(const char *text, size_t bytes);

#endif
