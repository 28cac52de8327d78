/* SHELL: the second MQTT client: what liftd says to devices, apart from the subscription whose writes would
 * let held acknowledgements out. */
#ifndef LIFTD_PUBLISHER_H
#define LIFTD_PUBLISHER_H

#include "position.h"

#include <stdbool.h>
#include <stddef.h>

/* Messages handed to the client and not yet acknowledged by the broker; one more is refused, and the device
 * asks again by connecting again. */
#define PUBLISHER_INFLIGHT_MAX 2000
/* Largest message on `down`, bytes. */
#define PUBLISHER_DOWN_MAX_BYTES 64

struct publisher;

/* Starts a client with a thread of its own (libmosquitto's), clean session, reconnecting by itself between
 * the two bounds. NULL: out of memory. Texts are copied. */
struct publisher *publisher_open(const char *host, int port, const char *username, const char *password,
                                 const char *client_id, unsigned reconnect_min_ms, unsigned reconnect_max_ms);

/* Publishes at QoS 1, not retained. false: not connected, or PUBLISHER_INFLIGHT_MAX reached: nothing sent. */
bool publisher_send(struct publisher *p, const char *topic, const void *payload, size_t bytes);

bool publisher_is_connected(const struct publisher *p);

/* Ends the thread and frees. Blocks for the time of one disconnect. */
void publisher_close(struct publisher *p);

/* PURE: the resume answer of the wire contract, {0: 2, 1: boot, 2: seq, 3: unit, 4: number}: up to `position`
 * nothing is missing ({0, 0}: nothing is known). Returns the bytes written. */
size_t publisher_resume(uint8_t out[PUBLISHER_DOWN_MAX_BYTES], struct position position, uint8_t unit,
                        uint64_t number);

/* PURE: 'help is coming', {0: 1, 1: boot, 2: seq, 3: unit, 4: number, 5: minutes}: a dispatcher has
 * acknowledged a passenger's alarm; `position` is the unit's newest reading that is recorded, `minutes` when
 * help is expected. The car may light it (EN 81-28); it moves nothing. Returns the bytes written. */
size_t publisher_help(uint8_t out[PUBLISHER_DOWN_MAX_BYTES], struct position position, uint8_t unit,
                      uint64_t number, uint64_t minutes);

#endif
