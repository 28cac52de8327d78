/* The console's files, read once at start and served from memory. */
#ifndef LIFTD_FILES_H
#define LIFTD_FILES_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* Most files, and most bytes of all of them together. */
#define FILES_MAX 512
#define FILES_BYTES_MAX ((size_t)32 << 20)
/* Deepest folder below the directory. */
#define FILES_DEPTH_MAX 5

struct files;

/* One answer ready to be queued any number of times. */
struct file {
    char *path;    /* as in the address: "/index.html" */
    char etag[40]; /* quoted; sent as a weak one */
    struct MHD_Response *plain;
    struct MHD_Response *gzip;      /* of the file's ".gz" beside it; NULL none */
    struct MHD_Response *unchanged; /* for 304 */
};

/* Reads a directory: regular files without a leading dot, folders included. A "name.gz" beside "name" becomes
 * its compressed form. On failure NULL with a sentence in why: unreadable, too many, too large. */
struct files *files_open(const char *dir, char *why, size_t why_bytes);

/* The file at a path, NULL none. */
const struct file *files_find(const struct files *files, const char *path);

/* NULL allowed. */
void files_close(struct files *files);

/* Puts the headers that every answer of liftd carries on a response: what browsers must not do with it. A
 * page may load scripts, styles and data from liftd only; anything else may load nothing at all. */
bool files_secure(struct MHD_Response *response, bool page);

#endif
