/* SHELL: a terminal's MQTT connection on the loop: connect, subscribe, present, publish, lose, connect again.
 */
#ifndef LIFTSIM_LINK_H
#define LIFTSIM_LINK_H

#include "terminal.h"

/* Tries to connect now. What fails is tried again later with a growing pause. */
void link_connect(struct terminal *t, int64_t now_ms);

/* Keepalive; call about once a second. */
void link_misc(struct terminal *t);

/* Cuts the connection: the broker publishes the will. forget: the messages in flight are lost with it. */
void link_cut(struct terminal *t, bool forget);

/* Publishes packed bytes on the terminal's `up` or `presence` topic at QoS 1. false: it is not connected. */
bool link_publish(struct terminal *t, const char *leaf, const void *bytes, size_t count, bool retain);

/* Defined in terminal.c: what the link reports. */
void terminal_up(struct terminal *t);
void terminal_heard(struct terminal *t, const struct down *down);

#endif
