/* The ceiling of the bench: a subscriber that does nothing but count, on libmosquitto's own loop with its own
 * acknowledgements. Usage: bench_bare_subscriber PORT USER PASSWORD CLIENT_ID; prints "milliseconds messages"
 * ten times a second, and ends when its standard input does. */
#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned long long messages;

static void on_connect(struct mosquitto *client, void *ctx, int code) {
    (void)ctx;
    if (code) {
        fprintf(stderr, "bench_bare_subscriber: %s\n", mosquitto_connack_string(code));
        exit(1);
    }
    mosquitto_subscribe(client, NULL, "lift/v1/+/+/up", 1);
}

static void on_message(struct mosquitto *client, void *ctx, const struct mosquitto_message *message) {
    (void)client, (void)ctx, (void)message;
    messages++;
}

static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int input_ended(void) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fputs("usage: bench_bare_subscriber PORT USER PASSWORD CLIENT_ID\n", stderr);
        return 2;
    }
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(argv[4], false, NULL);
    if (!client)
        return 1;
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_message_callback_set(client, on_message);
    mosquitto_username_pw_set(client, argv[2], argv[3]);
    if (mosquitto_connect(client, "127.0.0.1", atoi(argv[1]), 60) != MOSQ_ERR_SUCCESS) {
        fputs("bench_bare_subscriber: no broker\n", stderr);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (long long told_ms = 0; mosquitto_loop(client, 20, 100) == MOSQ_ERR_SUCCESS;) {
        long long at_ms = now_ms();
        if (at_ms - told_ms < 100)
            continue;
        told_ms = at_ms;
        printf("%lld %llu\n", at_ms, messages);
        if (input_ended())
            break;
    }
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
    return 0;
}
