/* CSV records from a plain or gzipped file, fed to libcsv line by line so that each record knows its line. */
#include "import_file.h"

#include <csv.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "../ingest/require.h"

struct reader {
    const struct import_file_handler *handler;
    struct csv_parser csv;
    long line;         /* number of the line being fed */
    long record_line;  /* where the record being read began */
    bool in_record;    /* a record goes on on the next line */
    bool ended_record; /* the line being fed ended one */
    bool has_header;
    bool stopped; /* a handler said false */
    bool too_large;
    size_t count;
    size_t used;                        /* bytes in text */
    size_t at[IMPORT_FIELDS_MAX];       /* where each field begins in text */
    char text[IMPORT_RECORD_MAX_BYTES]; /* the fields, each with a NUL */
    const char *problem;
};

/* Length of the UTF-8 sequence at s, 0 when it is not one. */
static size_t utf8_sequence(const unsigned char *s, size_t bytes) {
    static const struct {
        unsigned char lead_min, lead_max, second_min, second_max;
        unsigned char length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (s[0] < forms[i].lead_min || s[0] > forms[i].lead_max)
            continue;
        size_t length = forms[i].length;
        if (length > bytes || (length > 1 && (s[1] < forms[i].second_min || s[1] > forms[i].second_max)))
            return 0;
        for (size_t k = 2; k < length; k++)
            if (s[k] < 0x80 || s[k] > 0xbf)
                return 0;
        return length;
    }
    return 0;
}

bool import_file_is_utf8(const char *text, size_t bytes) {
    const unsigned char *s = (const unsigned char *)text;
    while (bytes > 0) {
        size_t length = utf8_sequence(s, bytes);
        if (length == 0)
            return false;
        s += length;
        bytes -= length;
    }
    return true;
}

static void on_field(void *data, size_t bytes, void *user) {
    struct reader *r = user;
    if (r->count == IMPORT_FIELDS_MAX || r->used + bytes + 1 > sizeof r->text) {
        r->too_large = true;
        return;
    }
    if (!import_file_is_utf8(data, bytes))
        r->problem = "is not UTF-8 (iconv -f GB18030 -t UTF-8 converts a file written on a Chinese Windows)";
    r->at[r->count++] = r->used;
    if (bytes > 0)
        memcpy(r->text + r->used, data, bytes);
    r->used += bytes;
    r->text[r->used++] = '\0';
}

static void on_record(int separator, void *user) {
    (void)separator;
    struct reader *r = user;
    r->ended_record = true;
    if (!r->stopped && !r->too_large) {
        const char *field[IMPORT_FIELDS_MAX];
        for (size_t i = 0; i < r->count; i++)
            field[i] = r->text + r->at[i];
        struct import_record record = {
            .line = r->record_line, .count = r->count, .field = field, .problem = r->problem};
        bool (*handle)(const struct import_record *, void *) =
            r->has_header ? r->handler->record : r->handler->header;
        r->has_header = true;
        r->stopped = !handle(&record, r->handler->user);
    }
    r->count = r->used = 0;
    r->problem = NULL;
}

static bool is_blank(const char *line, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (line[i] != ' ' && line[i] != '\r' && line[i] != '\n' && line[i] != '\t')
            return false;
    return true;
}

/* The separator is whichever of comma and semicolon the header has more of. */
static unsigned char separator_of(const char *line, size_t bytes) {
    size_t commas = 0, semicolons = 0;
    for (size_t i = 0; i < bytes; i++) {
        commas += line[i] == ',';
        semicolons += line[i] == ';';
    }
    return semicolons > commas ? ';' : ',';
}

/* Feeds one line with its line end, or a piece of one too long for the buffer (is_start false: goes on). */
static bool feed(struct reader *r, const char *line, size_t bytes, bool is_start, char *error,
                 size_t error_bytes) {
    r->line += is_start;
    if (r->line == 1 && is_start) {
        if (bytes >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
            line += 3;
            bytes -= 3;
        }
        csv_set_delim(&r->csv, separator_of(line, bytes));
    }
    if (!r->in_record)
        r->record_line = r->line;
    r->ended_record = false;
    if (csv_parse(&r->csv, line, bytes, on_field, on_record, r) != bytes) {
        snprintf(error, error_bytes, "line %ld: %s", r->line, csv_strerror(csv_error(&r->csv)));
        return false;
    }
    if (r->ended_record)
        r->in_record = false;
    else if (!is_blank(line, bytes))
        r->in_record = true;
    if (r->too_large || csv_get_buffer_size(&r->csv) > 4 * IMPORT_RECORD_MAX_BYTES) {
        snprintf(error, error_bytes,
                 "line %ld: a record of more than %d fields or %d bytes; is a quote not closed?",
                 r->record_line, IMPORT_FIELDS_MAX, IMPORT_RECORD_MAX_BYTES);
        return false;
    }
    return !r->stopped;
}

/* Feeds the whole file. gzgets cannot say how long a line with a NUL is, so lines are cut out of blocks. */
static bool feed_all(struct reader *r, gzFile file, char *error, size_t error_bytes) {
    static char block[IMPORT_RECORD_MAX_BYTES];
    bool at_start = true;
    int got;
    while ((got = gzread(file, block, sizeof block)) > 0) {
        for (size_t at = 0; at < (size_t)got;) {
            const char *newline = memchr(block + at, '\n', (size_t)got - at);
            size_t end = newline != NULL ? (size_t)(newline - block) + 1 : (size_t)got;
            if (!feed(r, block + at, end - at, at_start, error, error_bytes))
                return false;
            at_start = newline != NULL;
            at = end;
        }
    }
    int code = Z_OK;
    const char *words = gzerror(file, &code);
    if (got < 0 || code == Z_BUF_ERROR) {
        snprintf(error, error_bytes, "%s",
                 code == Z_ERRNO       ? strerror(errno)
                 : code == Z_BUF_ERROR ? "the gzipped file is cut short"
                                       : words);
        return false;
    }
    return true;
}

static bool finish(struct reader *r, char *error, size_t error_bytes) {
    /* Only strict parsing tells of a quote left open, and strict parsing refuses quotes inside fields: so it
     * is asked for just here. */
    csv_set_opts(&r->csv, CSV_STRICT | CSV_STRICT_FINI);
    if (csv_fini(&r->csv, on_field, on_record, r) != 0) {
        snprintf(error, error_bytes, "line %ld: the file ends inside quotes", r->record_line);
        return false;
    }
    if (!r->has_header) {
        snprintf(error, error_bytes, "the file is empty: its first line must name the columns");
        return false;
    }
    return !r->stopped;
}

bool import_file_read(const char *path, const struct import_file_handler *handler, char *error,
                      size_t error_bytes) {
    error[0] = '\0';
    errno = 0;
    gzFile file = strcmp(path, "-") == 0 ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rb");
    if (file == NULL) {
        snprintf(error, error_bytes, "%s", errno != 0 ? strerror(errno) : "out of memory");
        return false;
    }
    gzbuffer(file, 256 * 1024);
    struct reader *r = calloc(1, sizeof *r);
    REQUIRE(r != NULL);
    r->handler = handler;
    REQUIRE(csv_init(&r->csv, 0) == 0);
    bool ok = feed_all(r, file, error, error_bytes) && finish(r, error, error_bytes);
    if (gzclose(file) == Z_BUF_ERROR && ok) {
        snprintf(error, error_bytes, "the gzipped file is cut short");
        ok = false;
    }
    csv_free(&r->csv);
    free(r);
    return ok;
}
