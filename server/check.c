/* Each check is one function that prints one or two sentences and tells whether liftd could start. */
#include "check.h"

#include <errno.h>
#include <getopt.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "migrate.h"

/* How long the database and the broker may take to answer. */
#define CHECK_TIMEOUT_S 5

/* Connects as a user ("": as conninfo says). NULL: libpq has no memory; else look at PQstatus. */
static PGconn *connect_as(const struct config *config, const char *user) {
    char timeout[8];
    snprintf(timeout, sizeof timeout, "%d", CHECK_TIMEOUT_S);
    const char *names[] = {"dbname", "connect_timeout", "application_name", user[0] ? "user" : NULL, NULL};
    const char *values[] = {config->database.conninfo, timeout, "liftd check", user, NULL};
    return PQconnectdbParams(names, values, 1);
}

/* libpq's sentence without its line end. */
static const char *reason(const PGconn *connection) {
    static char text[512];
    snprintf(text, sizeof text, "%s", connection ? PQerrorMessage(connection) : "no memory left");
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* Connects as one role and says how that went. */
static bool check_role(const struct config *config, const char *user, const char *key) {
    PGconn *connection = connect_as(config, user);
    bool good = connection && PQstatus(connection) == CONNECTION_OK;
    if (good)
        printf("database: PostgreSQL %s answers, database %s, as %s (%s)\n",
               PQparameterStatus(connection, "server_version"), PQdb(connection), PQuser(connection), key);
    else
        printf("database: no connection as %s (%s): %s\n", user[0] ? user : "conninfo's user", key,
               reason(connection));
    PQfinish(connection);
    return good;
}

/* Compares the database with the SQL files this program would use. */
static bool check_schema(const struct config *config) {
    char sentence[1024];
    enum migrate_state state =
        migrate_current(config, config->database.admin_user, sentence, sizeof sentence);
    printf("schema: %s\n", sentence);
    return state == MIGRATE_CURRENT;
}

/* Opens and closes a TCP connection. 0, or an errno. */
static int try_connect(const struct addrinfo *address) {
    int fd =
        socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);
    if (fd < 0)
        return errno;
    int failure = 0;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        failure = errno;
    if (failure == EINPROGRESS) {
        struct pollfd waiting = {.fd = fd, .events = POLLOUT};
        socklen_t length = sizeof failure;
        int ready = poll(&waiting, 1, CHECK_TIMEOUT_S * 1000);
        if (ready == 0)
            failure = ETIMEDOUT;
        else if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0)
            failure = errno;
    }
    close(fd);
    return failure;
}

/* Whether somebody listens at the broker's address. A login is not tried: with liftd's client id it would
 * throw a running liftd out. */
static bool check_broker(const struct config *config) {
    const struct config_broker *broker = &config->broker;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%d", broker->port);
    int status = getaddrinfo(broker->host, port, &hints, &found);
    if (status != 0) {
        printf("broker: the name %s can't be resolved: %s\n", broker->host, gai_strerror(status));
        return false;
    }
    int failure = 0;
    for (const struct addrinfo *address = found; address; address = address->ai_next) {
        failure = try_connect(address);
        if (failure == 0)
            break;
    }
    freeaddrinfo(found);
    if (failure != 0) {
        printf("broker: nobody answers at %s port %d: %s\n", broker->host, broker->port, strerror(failure));
        return false;
    }
    printf("broker: something answers at %s port %d\n", broker->host, broker->port);
    return true;
}

static bool check_password(const struct config *config) {
    char password[256];
    if (!config->broker.password_file[0])
        return true;
    bool good = config_password(config->broker.password_file, password, sizeof password);
    if (!good)
        printf("broker: password_file %s: %s\n", config->broker.password_file,
               errno == EINVAL ? "its first line is empty" : strerror(errno));
    explicit_bzero(password, sizeof password);
    return good;
}

static bool check_console(const struct config *config) {
    char page[CONFIG_PATH_BYTES + 16];
    snprintf(page, sizeof page, "%s/index.html", config->http.console_dir);
    bool good = access(page, R_OK) == 0;
    if (good)
        printf("console: %s\n", config->http.console_dir);
    else
        printf("console: %s can't be read: %s; `make` builds it\n", page, strerror(errno));
    return good;
}

int check_main(const char *config_path, int argc, char **argv) {
    static const struct option options[] = {{"print-defaults", no_argument, NULL, 'd'}, {0}};
    bool defaults = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option != 'd')
            return 2;
        defaults = true;
    }
    if (optind < argc) {
        fprintf(stderr, "liftd check: unexpected %s\n", argv[optind]);
        return 2;
    }
    if (defaults) {
        config_print_manual(stdout);
        return 0;
    }
    struct config config;
    static struct config_errors errors;
    if (!config_load(config_path, &config, &errors)) {
        config_errors_print(&errors, stdout);
        return 2;
    }
    printf("settings: %s is good\n", config_path);
    bool good = check_role(&config, config.database.admin_user, "admin_user");
    good &= check_role(&config, config.database.ingest_user, "ingest_user");
    good &= check_role(&config, config.database.web_user, "web_user");
    good &= check_schema(&config);
    good &= check_broker(&config);
    good &= check_password(&config);
    good &= check_console(&config);
    printf(good ? "liftd can start\n" : "liftd would not work as it is\n");
    return good ? 0 : 1;
}
