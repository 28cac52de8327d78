/* The console's files, read once at start and served from memory. */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    size_t count, bytes;
    struct file list[FILES_MAX]; /* sorted by path once all are read */
};

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".jpg", "image/jpeg"},
    {".woff2", "font/woff2"},
    {".wav", "audio/wav"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".txt", "text/plain; charset=utf-8"},
};

static bool ends_with(const char *text, const char *ending) {
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && !strcasecmp(text + n - m, ending);
}

static const char *type_of(const char *path) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (ends_with(path, types[i].ending))
            return types[i].type;
    return "application/octet-stream";
}

/* Whether the name carries the hash of its content, as the bundler writes it ("app-5XQ2KZ3A.js"): such a file
 * never changes. */
static bool is_hashed(const char *path) {
    const char *name = strrchr(path, '/') + 1;
    for (const char *dash = strchr(name, '-'); dash; dash = strchr(dash + 1, '-'))
        if (strspn(dash + 1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 8 && dash[9] == '.')
            return true;
    return false;
}

bool files_secure(struct MHD_Response *r, bool page) {
    const char *policy =
        page ? "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
               "font-src 'self'; media-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
               "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
             : "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    return MHD_add_response_header(r, "Content-Security-Policy", policy) &&
           MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") &&
           MHD_add_response_header(r, "X-Frame-Options", "DENY") &&
           MHD_add_response_header(r, "Referrer-Policy", "no-referrer") &&
           MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin") &&
           MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
}

/* Takes content over (malloc'ed, freed with the response). */
static struct MHD_Response *make_response(const struct file *file, void *content, size_t bytes, bool gzip) {
    enum MHD_ResponseMemoryMode mode = content ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
    struct MHD_Response *r = MHD_create_response_from_buffer(bytes, content ? content : "", mode);
    if (!r) {
        free(content);
        return NULL;
    }
    char weak[sizeof file->etag + 2]; /* the same tag stands for both forms, compressed and plain */
    snprintf(weak, sizeof weak, "W/%s", file->etag);
    const char *cache = is_hashed(file->path) ? "public, max-age=31536000, immutable" : "no-cache";
    bool ok = files_secure(r, ends_with(file->path, ".html")) && MHD_add_response_header(r, "ETag", weak) &&
              MHD_add_response_header(r, "Cache-Control", cache) &&
              MHD_add_response_header(r, "Vary", "Accept-Encoding") &&
              MHD_add_response_header(r, "Content-Type", type_of(file->path)) &&
              (!gzip || MHD_add_response_header(r, "Content-Encoding", "gzip"));
    if (ok)
        return r;
    MHD_destroy_response(r);
    return NULL;
}

/* The whole of a regular file, malloc'ed, at most `room` bytes; NULL with errno. */
static void *read_whole(const char *path, size_t room, size_t *bytes) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    char *content = NULL;
    *bytes = 0;
    if (fstat(fd, &info) || !S_ISREG(info.st_mode)) {
        errno = EINVAL;
    } else if (info.st_size < 0 || (size_t)info.st_size > room) {
        errno = EFBIG;
    } else if ((content = malloc((size_t)info.st_size + 1))) {
        ssize_t n = 1;
        while (*bytes < (size_t)info.st_size &&
               (n = read(fd, content + *bytes, (size_t)info.st_size - *bytes)) > 0)
            *bytes += (size_t)n;
        if (n < 0) {
            free(content);
            content = NULL;
        }
    }
    close(fd);
    return content;
}

static void make_etag(struct file *file, const void *content, size_t bytes) {
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash(digest, sizeof digest, content, bytes, NULL, 0);
    file->etag[0] = '"';
    sodium_bin2hex(file->etag + 1, sizeof digest * 2 + 1, digest, sizeof digest);
    strcat(file->etag, "\"");
}

static bool fail(char *why, size_t why_bytes, const char *path, const char *reason) {
    snprintf(why, why_bytes, "the console's file %s cannot be served: %s", path, reason);
    return false;
}

static bool add_gzip(struct files *files, struct file *file, const char *disk, char *why, size_t why_bytes) {
    char beside[1024];
    size_t bytes;
    if (snprintf(beside, sizeof beside, "%s.gz", disk) >= (int)sizeof beside || access(beside, R_OK))
        return true;
    void *content = read_whole(beside, FILES_BYTES_MAX - files->bytes, &bytes);
    if (!content)
        return fail(why, why_bytes, beside, strerror(errno));
    files->bytes += bytes;
    file->gzip = make_response(file, content, bytes, true);
    return file->gzip ? true : fail(why, why_bytes, beside, "out of memory");
}

static bool add_file(struct files *files, const char *disk, const char *path, char *why, size_t why_bytes) {
    size_t bytes;
    if (files->count == FILES_MAX)
        return fail(why, why_bytes, disk, "there are more than 512 files");
    void *content = read_whole(disk, FILES_BYTES_MAX - files->bytes, &bytes);
    if (!content)
        return fail(why, why_bytes, disk,
                    errno == EFBIG ? "all files together exceed 32 MiB" : strerror(errno));
    struct file *file = &files->list[files->count++];
    files->bytes += bytes;
    file->path = strdup(path);
    if (!file->path) {
        free(content);
        return fail(why, why_bytes, disk, "out of memory");
    }
    make_etag(file, content, bytes);
    file->plain = make_response(file, content, bytes, false);
    file->unchanged = make_response(file, NULL, 0, false);
    if (!file->plain || !file->unchanged)
        return fail(why, why_bytes, disk, "out of memory");
    return add_gzip(files, file, disk, why, why_bytes);
}

/* "x.gz" is not served by itself when "x" is there. */
static bool is_compressed_form(const char *disk) {
    char plain[1024];
    size_t n = strlen(disk);
    if (!ends_with(disk, ".gz") || n >= sizeof plain)
        return false;
    memcpy(plain, disk, n - 3);
    plain[n - 3] = 0;
    return !access(plain, R_OK);
}

static bool add_folder(struct files *files, const char *disk, const char *path, int depth, char *why,
                       size_t why_bytes) {
    DIR *dir = opendir(disk);
    struct dirent *entry;
    bool ok = true;
    if (!dir)
        return fail(why, why_bytes, disk, strerror(errno));
    while (ok && (entry = readdir(dir))) {
        char disk_name[1024], name[1024];
        struct stat info;
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(disk_name, sizeof disk_name, "%s/%s", disk, entry->d_name) >= (int)sizeof disk_name ||
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name)
            ok = fail(why, why_bytes, disk, "its name is too long");
        else if (stat(disk_name, &info))
            ok = fail(why, why_bytes, disk_name, strerror(errno));
        else if (S_ISDIR(info.st_mode))
            ok = depth < FILES_DEPTH_MAX ? add_folder(files, disk_name, name, depth + 1, why, why_bytes)
                                         : fail(why, why_bytes, disk_name, "it is nested too deep");
        else if (S_ISREG(info.st_mode) && !is_compressed_form(disk_name))
            ok = add_file(files, disk_name, name, why, why_bytes);
    }
    closedir(dir);
    return ok;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

struct files *files_open(const char *dir, char *why, size_t why_bytes) {
    struct files *files = calloc(1, sizeof *files);
    if (!files) {
        snprintf(why, why_bytes, "out of memory");
        return NULL;
    }
    if (!add_folder(files, dir, "", 0, why, why_bytes)) {
        files_close(files);
        return NULL;
    }
    qsort(files->list, files->count, sizeof *files->list, by_path);
    return files;
}

const struct file *files_find(const struct files *files, const char *path) {
    struct file key = {.path = (char *)path};
    return bsearch(&key, files->list, files->count, sizeof *files->list, by_path);
}

void files_close(struct files *files) {
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++) {
        struct file *f = &files->list[i];
        struct MHD_Response *all[] = {f->plain, f->gzip, f->unchanged};
        for (size_t j = 0; j < sizeof all / sizeof *all; j++)
            if (all[j])
                MHD_destroy_response(all[j]);
        free(f->path);
    }
    free(files);
}
