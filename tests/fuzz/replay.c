/* main() for a fuzz target without libFuzzer: feeds it every file of the directories named, reports in TAP.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int files;

/* Reads a whole file into a block of exactly its size. Ends the process when it can't. */
static uint8_t *file_read(const char *path, size_t *size) {
    struct stat st;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &st) != 0) {
        printf("Bail out! %s: %s\n", path, strerror(errno));
        exit(2);
    }
    *size = (size_t)st.st_size;
    uint8_t *data = malloc(*size > 0 ? *size : 1);
    if (data == NULL || fread(data, 1, *size, file) != *size) {
        printf("Bail out! %s: cannot be read\n", path);
        exit(2);
    }
    fclose(file);
    return data;
}

static void replay_file(const char *path) {
    size_t size;
    uint8_t *data = file_read(path, &size);
    fflush(stdout); /* a target that ends the process must leave the count of files before it */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    printf("ok %d - %s\n", ++files, path);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void replay_directory(const char *directory) {
    struct dirent **entries;
    int count = scandir(directory, &entries, is_visible, alphasort);
    if (count < 0) {
        printf("Bail out! %s: %s\n", directory, strerror(errno));
        exit(2);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        replay_file(path);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE|DIRECTORY...\nFeeds every file to the fuzz target.\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            replay_directory(argv[i]);
        else
            replay_file(argv[i]);
    }
    printf("1..%d\n", files);
    return files > 0 ? 0 : 1;
}
