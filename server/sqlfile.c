/* The SQL files of a directory as text: read in order, hashed, and an error's place turned into a line. */
#include "sqlfile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SQLFILE_SHA256_BYTES == crypto_hash_sha256_BYTES, "one SHA-256");

/* Reads all of `in` into memory; NULL with a reason in *why. */
static char *read_all(FILE *in, size_t *bytes, const char **why) {
    size_t capacity = 16384, used = 0;
    char *text = malloc(capacity);
    while (text) {
        used += fread(text + used, 1, capacity - used - 1, in);
        if (used < capacity - 1)
            break;
        if (capacity > SQLFILE_MAX_BYTES) {
            *why = "larger than any SQL file should be";
            free(text);
            return NULL;
        }
        char *larger = realloc(text, capacity *= 2);
        if (!larger)
            free(text);
        text = larger;
    }
    *why = !text                   ? "out of memory"
           : ferror(in)            ? strerror(errno)
           : memchr(text, 0, used) ? "contains a NUL byte"
                                   : NULL;
    if (*why) {
        free(text);
        return NULL;
    }
    text[used] = '\0';
    *bytes = used;
    return text;
}

bool sqlfile_read(struct sqlfile_set *set, const char *root, const char *name, char *why, size_t why_bytes) {
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? set->capacity * 2 : 32;
        struct sqlfile *files = realloc(set->files, capacity * sizeof *files);
        if (!files) {
            snprintf(why, why_bytes, "out of memory");
            return false;
        }
        set->files = files;
        set->capacity = capacity;
    }
    struct sqlfile *file = &set->files[set->count];
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", root, name);
    if (length < 0 || (size_t)length >= sizeof path || strlen(name) >= sizeof file->name) {
        snprintf(why, why_bytes, "%s/%s: the name is too long", root, name);
        return false;
    }
    const char *reason = NULL;
    FILE *in = fopen(path, "re");
    file->text = in ? read_all(in, &file->bytes, &reason) : NULL;
    if (!in)
        reason = strerror(errno);
    else
        fclose(in);
    if (!file->text) {
        snprintf(why, why_bytes, "%s: %s", path, reason);
        return false;
    }
    snprintf(file->name, sizeof file->name, "%s", name);
    crypto_hash_sha256(file->sha256, (const unsigned char *)file->text, file->bytes);
    set->count++;
    return true;
}

static int is_sql(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".sql") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

bool sqlfile_read_directory(struct sqlfile_set *set, const char *root, const char *directory, char *why,
                            size_t why_bytes) {
    char path[4096], name[SQLFILE_NAME_BYTES + 256];
    struct dirent **entries = NULL;
    snprintf(path, sizeof path, "%s/%s", root, directory);
    int count = scandir(path, &entries, is_sql, by_bytes);
    if (count < 0) {
        snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
        return errno == ENOENT;
    }
    bool good = true;
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/%s", directory, entries[i]->d_name);
        good = good && sqlfile_read(set, root, name, why, why_bytes);
        free(entries[i]);
    }
    free(entries);
    return good;
}

void sqlfile_set_fini(struct sqlfile_set *set) {
    for (size_t i = 0; i < set->count; i++)
        free(set->files[i].text);
    free(set->files);
    *set = (struct sqlfile_set){0};
}

void sqlfile_set_sha256(const struct sqlfile_set *set, uint8_t out[SQLFILE_SHA256_BYTES]) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < set->count; i++) {
        const struct sqlfile *f = &set->files[i];
        crypto_hash_sha256_update(&state, (const unsigned char *)f->name, strlen(f->name) + 1);
        crypto_hash_sha256_update(&state, f->sha256, sizeof f->sha256);
    }
    crypto_hash_sha256_final(&state, out);
}

static size_t lines_before(const char *text, const char *end) {
    size_t lines = 1;
    for (const char *c = text; c < end; c++)
        lines += *c == '\n';
    return lines;
}

size_t sqlfile_line_at(const struct sqlfile *file, size_t position) {
    const char *c = file->text;
    for (size_t characters = 1; *c && characters < position; c++)
        characters += (c[1] & 0xC0) != 0x80; /* the next byte begins a character */
    return lines_before(file->text, c);
}

static bool is_identifier(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* After a string or quoted name whose opening quote is at c. A doubled quote ends one and opens the next,
 * which comes to the same; backslashes escape only in E'...'. */
static const char *after_quoted(const char *c, bool backslashes) {
    char quote = *c++;
    while (*c && *c != quote)
        c += backslashes && *c == '\\' && c[1] ? 2 : 1;
    return *c ? c + 1 : c;
}

static const char *after_block_comment(const char *c) {
    size_t depth = 0;
    do {
        if (c[0] == '/' && c[1] == '*') {
            depth++;
            c += 2;
        } else if (c[0] == '*' && c[1] == '/') {
            depth--;
            c += 2;
        } else {
            c++;
        }
    } while (depth && *c);
    return c;
}

/* After $tag$ ... $tag$, or after the dollar sign when it opens no such string. */
static const char *after_dollar(const char *c) {
    const char *end = c + 1;
    if (isdigit((unsigned char)*end))
        return end;
    while (is_identifier(*end))
        end++;
    if (*end != '$')
        return c + 1;
    size_t length = (size_t)(end + 1 - c);
    for (end++; *end; end++)
        if (strncmp(end, c, length) == 0)
            return end + length;
    return end;
}

/* After the white space and comments at c. */
static const char *after_blank(const char *c) {
    for (;;) {
        if (isspace((unsigned char)*c))
            c++;
        else if (c[0] == '-' && c[1] == '-')
            c += strcspn(c, "\n");
        else if (c[0] == '/' && c[1] == '*')
            c = after_block_comment(c);
        else
            return c;
    }
}

/* After whatever begins at c: a quoted thing, an identifier or one character. */
static const char *after_token(const char *c) {
    if (*c == '\'' || *c == '"')
        return after_quoted(c, false);
    if ((*c == 'E' || *c == 'e') && c[1] == '\'')
        return after_quoted(c + 1, true);
    if (*c == '$')
        return after_dollar(c);
    if (!is_identifier(*c))
        return c + 1;
    while (is_identifier(*c) || *c == '$')
        c++;
    return c;
}

size_t sqlfile_line_of_statement(const struct sqlfile *file, size_t index) {
    const char *c = after_blank(file->text);
    while (*c) {
        if (*c == ';') { /* an empty statement counts for nothing */
            c = after_blank(c + 1);
            continue;
        }
        if (index-- == 0)
            break;
        while (*c && *c != ';')
            c = after_blank(after_token(c));
        c = after_blank(*c ? c + 1 : c);
    }
    return lines_before(file->text, c);
}
