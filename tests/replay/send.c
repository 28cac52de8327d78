/* Plays a file of messages over MQTT: in order, at QoS 1, over a few connections, as fast as they are taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mosquitto.h>

#define CONNECTIONS_MAX 256
#define FRAME_HEADER_BYTES 6

static const char manual[] =
    "liftplay HOST PORT DEVICES MESSAGES WINDOW\n"
    "  DEVICES   lines 'area device password'; each is one connection, numbered from 0\n"
    "  MESSAGES  frames: connection (2 bytes, little-endian), length (4), then the payload for its `up` "
    "topic\n"
    "  WINDOW    at most so many messages of a connection are on their way to the broker\n"
    "Prints: messages, seconds from the first publish to the last PUBACK, UNIX time of the first publish.\n";

struct connection {
    struct mosquitto *mqtt;
    char topic[192];
    bool connected;
    int window; /* how many more may be on their way */
};

static struct connection connections[CONNECTIONS_MAX];
static size_t connections_count;
static uint64_t acked;

__attribute__((noreturn)) static void give_up(const char *what, const char *why) {
    fprintf(stderr, "liftplay: %s: %s\n", what, why);
    exit(1);
}

static void on_connect(struct mosquitto *mqtt, void *of, int code) {
    struct connection *c = of;
    (void)mqtt;
    if (code != 0)
        give_up(c->topic, mosquitto_connack_string(code));
    c->connected = true;
}

static void on_disconnect(struct mosquitto *mqtt, void *of, int code) {
    (void)mqtt;
    if (code != 0)
        give_up(((struct connection *)of)->topic, mosquitto_strerror(code));
}

static void on_publish(struct mosquitto *mqtt, void *of, int id) {
    (void)mqtt;
    (void)id;
    ((struct connection *)of)->window++;
    acked++;
}

static void check(const char *what, int status) {
    if (status != MOSQ_ERR_SUCCESS)
        give_up(what, status == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(status));
}

static void open_connection(const char *host, int port, int window, const char *area, const char *device,
                            const char *password) {
    if (connections_count == CONNECTIONS_MAX)
        give_up(device, "more connections than there is room for");
    struct connection *c = &connections[connections_count++];
    c->window = window;
    snprintf(c->topic, sizeof c->topic, "lift/v1/%s/%s/up", area, device);
    c->mqtt = mosquitto_new(device, true, c);
    if (!c->mqtt)
        give_up(device, strerror(errno));
    mosquitto_connect_callback_set(c->mqtt, on_connect);
    mosquitto_disconnect_callback_set(c->mqtt, on_disconnect);
    mosquitto_publish_callback_set(c->mqtt, on_publish);
    check(device, mosquitto_int_option(c->mqtt, MOSQ_OPT_SEND_MAXIMUM, window));
    check(device, mosquitto_int_option(c->mqtt, MOSQ_OPT_TCP_NODELAY, 1));
    check(device, mosquitto_username_pw_set(c->mqtt, device, password));
    check(device, mosquitto_connect(c->mqtt, host, port, 60));
}

static void open_connections(const char *path, const char *host, int port, int window) {
    char area[64], device[64], password[64];
    FILE *file = fopen(path, "r");
    if (!file)
        give_up(path, strerror(errno));
    while (fscanf(file, "%63s %63s %63s", area, device, password) == 3)
        open_connection(host, port, window, area, device, password);
    fclose(file);
}

/* Reads and writes whatever the sockets are ready for; waits for them at most `wait_ms`. */
static void turn(int wait_ms) {
    struct pollfd polled[CONNECTIONS_MAX];
    for (size_t i = 0; i < connections_count; i++) {
        polled[i].fd = mosquitto_socket(connections[i].mqtt);
        polled[i].events = (short)(POLLIN | (mosquitto_want_write(connections[i].mqtt) ? POLLOUT : 0));
    }
    if (poll(polled, connections_count, wait_ms) < 0 && errno != EINTR)
        give_up("poll", strerror(errno));
    for (size_t i = 0; i < connections_count; i++) {
        /* One packet a call; stop when the socket is dry. */
        for (int packets = 0; packets < 256 && polled[i].revents & POLLIN; packets++) {
            struct pollfd more = {.fd = polled[i].fd, .events = POLLIN};
            check(connections[i].topic, mosquitto_loop_read(connections[i].mqtt, 1));
            if (poll(&more, 1, 0) != 1)
                break;
        }
        if (polled[i].revents & POLLOUT)
            check(connections[i].topic, mosquitto_loop_write(connections[i].mqtt, 1));
        mosquitto_loop_misc(connections[i].mqtt);
    }
}

static bool all_connected(void) {
    for (size_t i = 0; i < connections_count; i++)
        if (!connections[i].connected)
            return false;
    return true;
}

/* Publishes one frame and returns its size; waits while its connection's window is full, so order is kept
 * across connections too. */
static size_t play(const uint8_t *frame, size_t left) {
    size_t number = left >= FRAME_HEADER_BYTES ? (size_t)(frame[0] | frame[1] << 8) : CONNECTIONS_MAX;
    size_t bytes = number < connections_count ? (size_t)frame[2] | (size_t)frame[3] << 8 |
                                                    (size_t)frame[4] << 16 | (size_t)frame[5] << 24
                                              : SIZE_MAX;
    if (bytes > left - FRAME_HEADER_BYTES)
        give_up("the file of messages", "it is broken");
    struct connection *c = &connections[number];
    while (c->window == 0)
        turn(1000);
    c->window--;
    check(c->topic,
          mosquitto_publish(c->mqtt, NULL, c->topic, (int)bytes, frame + FRAME_HEADER_BYTES, 1, false));
    return FRAME_HEADER_BYTES + bytes;
}

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const uint8_t *map_file(const char *path, size_t *bytes) {
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0)
        give_up(path, strerror(errno));
    *bytes = (size_t)about.st_size;
    if (*bytes == 0)
        give_up(path, "it is empty");
    const uint8_t *mapped = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED)
        give_up(path, strerror(errno));
    close(fd);
    return mapped;
}

int main(int argc, char **argv) {
    size_t bytes;
    uint64_t messages = 0;
    if (argc != 6 || atoi(argv[5]) < 1 || atoi(argv[5]) > 65535) {
        fputs(manual, stderr);
        return 2;
    }
    mosquitto_lib_init();
    const uint8_t *file = map_file(argv[4], &bytes);
    open_connections(argv[3], argv[1], atoi(argv[2]), atoi(argv[5]));
    if (connections_count == 0)
        give_up(argv[3], "it names no device");
    while (!all_connected())
        turn(1000);
    double since = seconds(CLOCK_REALTIME), from = seconds(CLOCK_MONOTONIC);
    for (size_t at = 0; at < bytes; messages++) {
        at += play(file + at, bytes - at);
        if (messages % 64 == 63)
            turn(0);
    }
    while (acked < messages)
        turn(1000);
    printf("%llu %.6f %.6f\n", (unsigned long long)messages, seconds(CLOCK_MONOTONIC) - from, since);
    for (size_t i = 0; i < connections_count; i++) {
        mosquitto_disconnect(connections[i].mqtt);
        mosquitto_destroy(connections[i].mqtt);
    }
    mosquitto_lib_cleanup();
    return 0;
}
