/* SHELL: one telemetry terminal: its connection to the broker, its lifts, their stores, and catching up. */
#ifndef LIFTSIM_TERMINAL_H
#define LIFTSIM_TERMINAL_H

#include <mosquitto.h>
#include <uv.h>

#include "options.h"
#include "ride.h"
#include "script.h"
#include "store.h"
#include "wire.h"

/* What all terminals count together. */
struct totals {
    uint64_t readings, messages, acked, late, deferred, cut, resumed, acknowledged, refused;
    bool gathering; /* no readings are made yet */
    bool calm;      /* no more faults strike */
    bool stopped;   /* no more readings are made */
};

/* One lift behind a terminal. */
struct unit {
    struct ride ride;
    struct store store;
    struct reading last; /* made last; present 0 before the first */
    uint64_t seq;
    int64_t made_ms;            /* when that was */
    int64_t sample_ms;          /* with a rate: when the next one is due */
    int64_t random_ms;          /* when the next random fault comes */
    uint64_t late_at, late_end; /* indexes in the store still to be sent beside the live ones */
    int number;                 /* from 1 over all terminals, as scripts name it */
    uint8_t unit;               /* key 3 */
};

enum link { LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct terminal {
    const struct options *options;
    struct totals *totals;
    uv_loop_t *loop;
    char name[41], area[41], password[129];
    bool deaf;
    struct unit *units;
    int units_count;
    struct dice dice;

    struct mosquitto *client;
    uv_poll_t *poll; /* closes with the connection and frees itself */
    int events;
    enum link link;
    int unacked;
    int backoff_ms;
    int64_t connect_ms; /* when to connect again */
    int64_t misc_ms;    /* when libmosquitto's keepalive is looked after */

    uint32_t boot;
    int64_t heard;
    int64_t clock_off_ms, clock_until_ms;
    int64_t away_until_ms;   /* no network */
    int64_t silent_until_ms; /* no power */
    int64_t fallen_until_ms; /* boot counts one less; 0: it does not */
    double interval_ms;      /* between readings of a lift; 0: on change */

    struct reading *pending; /* collected for the next message */
    int pending_count, pending_room;
    int64_t pending_ms;
    int64_t late_ms; /* when the next message of late readings may go */
};

/* The wall clock, ms since 1970. */
int64_t terminal_now_ms(void);

/* Opens the stores and puts its lifts in place; connects at connect_ms. first_number: of its first lift.
 * false: said on stderr. */
bool terminal_open(struct terminal *t, int units, int first_number, int64_t connect_ms);

/* Does what is due; returns when something is due next. */
int64_t terminal_turn(struct terminal *t, int64_t now_ms);

/* A fault strikes one of its lifts. */
void terminal_fault(struct terminal *t, struct unit *u, const struct fault *fault, int64_t now_ms);

/* True while it is connected and sends nothing late. */
bool terminal_caught_up(const struct terminal *t);

/* True when everything made is with the broker. */
bool terminal_drained(const struct terminal *t);

/* Cuts the connection as a power cut does, and frees everything; the loop must run once more. */
void terminal_close(struct terminal *t);

#endif
