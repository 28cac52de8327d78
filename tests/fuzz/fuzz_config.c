/* Fuzz target: settings files. Whatever the file, it is accepted whole or every complaint names a line. */
#define _GNU_SOURCE
#include "../../ingest/require.h"
#include "../../server/config.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What config.h promises of a file that was accepted. */
static void check_accepted(const struct config *c) {
    REQUIRE(c->database.sql_dir[0] != '\0' && c->http.console_dir[0] != '\0');
    REQUIRE(c->broker.reconnect_min_ms <= c->broker.reconnect_max_ms);
    REQUIRE(c->http.streams_max < c->http.connections_max);
    REQUIRE(c->ingest.batch_max_messages <= c->ingest.window_max_messages);
    REQUIRE(c->http.port > 0 && c->http.port < 65536 && c->broker.port > 0 && c->broker.port < 65536);
    REQUIRE(memchr(c->database.conninfo, '\0', sizeof c->database.conninfo) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct config config, running;
    static struct config_errors errors;
    static struct config_changes changes;
    int fd = memfd_create("config", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, size) == (ssize_t)size) {
        memset(&errors, 0, sizeof errors);
        memset(&config, 0x5a, sizeof config);
        if (config_load(path, &config, &errors)) {
            REQUIRE(errors.count == 0);
            check_accepted(&config);
            config_defaults(&running);
            config_apply(&running, &config, &changes);
            REQUIRE(changes.applied_count <= CONFIG_KEYS_MAX && changes.waiting_count <= CONFIG_KEYS_MAX);
        } else {
            REQUIRE(errors.count > 0 && errors.text[0][0] != '\0');
            REQUIRE(config.broker.port == 0x5a5a5a5a); /* untouched */
        }
    }
    close(fd);
    return 0;
}
