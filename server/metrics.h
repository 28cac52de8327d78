/* What liftd counts, as one table, and its Prometheus text exposition. */
#ifndef LIFTD_METRICS_H
#define LIFTD_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The table: METRIC(id, kind, name, labels, help). Rows of one name stand together and differ in labels
 * ("" none, else name="value",..). Counters end in _total; units are base units. A histogram's buckets are
 * those of METRICS_BUCKETS. Whoever counts something adds a row here. */
#define METRICS_TABLE(METRIC)                                                                                \
    METRIC(INGEST_MESSAGES, COUNTER, "liftd_ingest_messages_total", "",                                      \
           "MQTT messages taken from the broker.")                                                           \
    METRIC(INGEST_BYTES, COUNTER, "liftd_ingest_bytes_total", "", "Payload bytes of those messages.")        \
    METRIC(INGEST_LIVE, COUNTER, "liftd_ingest_readings_total", "kind=\"live\"",                             \
           "Readings decoded, by what they were: newer than all before, filling a gap, or known already.")   \
    METRIC(INGEST_LATE, COUNTER, "liftd_ingest_readings_total", "kind=\"late\"", "")                         \
    METRIC(INGEST_DUPLICATE, COUNTER, "liftd_ingest_readings_total", "kind=\"duplicate\"", "")               \
    METRIC(INGEST_REFUSALS, COUNTER, "liftd_ingest_refusals_total", "",                                      \
           "Messages refused and kept with their reason.")                                                   \
    METRIC(INGEST_COMMITS, COUNTER, "liftd_ingest_commits_total", "", "Batches committed.")                  \
    METRIC(INGEST_COMMIT_FAILURES, COUNTER, "liftd_ingest_commit_failures_total", "",                        \
           "Batches whose transaction failed and was tried again.")                                          \
    METRIC(INGEST_COMMIT_SECONDS, HISTOGRAM, "liftd_ingest_commit_seconds", "",                              \
           "Time from sending a batch to its commit.")                                                       \
    METRIC(INGEST_LATENCY_SECONDS, HISTOGRAM, "liftd_ingest_latency_seconds", "",                            \
           "Time from a message's arrival to the commit that holds it, oldest message of each batch.")       \
    METRIC(INGEST_WINDOW, GAUGE, "liftd_ingest_window_messages", "",                                         \
           "Messages read and not yet acknowledged to the broker.")                                          \
    METRIC(INGEST_LIFTS, GAUGE, "liftd_ingest_lifts", "", "Lifts whose state is in memory.")                 \
    METRIC(ALARMS_RAISED, COUNTER, "liftd_alarms_raised_total", "", "Alarms the rules raised.")              \
    METRIC(ALARMS_CLEARED, COUNTER, "liftd_alarms_cleared_total", "", "Alarms the rules cleared.")           \
    METRIC(BROKER_UP, GAUGE, "liftd_broker_up", "", "1 while connected to the MQTT broker.")                 \
    METRIC(DATABASE_UP, GAUGE, "liftd_database_up", "role=\"writer\"",                                       \
           "1 while this part of liftd is connected to PostgreSQL.")                                         \
    METRIC(DATABASE_WEB_UP, GAUGE, "liftd_database_up", "role=\"gateway\"", "")                              \
    METRIC(DATABASE_LISTEN_UP, GAUGE, "liftd_database_up", "role=\"listen\"", "")                            \
    METRIC(HTTP_2XX, COUNTER, "liftd_http_requests_total", "class=\"2xx\"",                                  \
           "HTTP requests answered, by class of status; dropped: no answer could be given.")                 \
    METRIC(HTTP_3XX, COUNTER, "liftd_http_requests_total", "class=\"3xx\"", "")                              \
    METRIC(HTTP_4XX, COUNTER, "liftd_http_requests_total", "class=\"4xx\"", "")                              \
    METRIC(HTTP_5XX, COUNTER, "liftd_http_requests_total", "class=\"5xx\"", "")                              \
    METRIC(HTTP_DROPPED, COUNTER, "liftd_http_requests_total", "class=\"dropped\"", "")                      \
    METRIC(HTTP_DEADLINES, COUNTER, "liftd_http_deadlines_total", "",                                        \
           "Connections shut because a request took longer than its absolute deadline.")                     \
    METRIC(HTTP_CONNECTIONS, GAUGE, "liftd_http_connections", "", "Open HTTP connections.")                  \
    METRIC(HTTP_STREAMS, GAUGE, "liftd_http_streams", "", "Open event streams.")                             \
    METRIC(HTTP_STREAMS_DROPPED, COUNTER, "liftd_http_streams_dropped_total", "",                            \
           "Event streams closed because the client did not keep up.")                                       \
    METRIC(GATEWAY_SECONDS, HISTOGRAM, "liftd_gateway_call_seconds", "",                                     \
           "Time of a call of the API in PostgreSQL, waiting for a connection not included.")                \
    METRIC(GATEWAY_WAITING, GAUGE, "liftd_gateway_waiting_requests", "",                                     \
           "API requests waiting for a database connection.")                                                \
    METRIC(GATEWAY_REFUSED, COUNTER, "liftd_gateway_refused_total", "",                                      \
           "API requests answered 503 because the queue was full or the database away.")                     \
    METRIC(GATEWAY_PASSWORDS, COUNTER, "liftd_gateway_passwords_total", "", "Passwords hashed or verified.")

/* Upper bounds of the histogram's buckets, seconds; +Inf is added. */
#define METRICS_BUCKETS                                                                                      \
    { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0 }

#define METRICS_ID(id, kind, name, labels, help) METRIC_##id,
enum metric { METRICS_TABLE(METRICS_ID) METRIC_COUNT };
#undef METRICS_ID

/* All from the loop's thread only. The values live as long as the process. */

/* Adds to a counter. */
void metrics_add(enum metric metric, uint64_t amount);
/* Sets a gauge. */
void metrics_set(enum metric metric, double value);
/* Puts one observation, seconds, into a histogram; negative counts as 0. */
void metrics_observe(enum metric metric, double seconds);
/* The value of a counter or gauge, the number of observations of a histogram. */
double metrics_value(enum metric metric);

/* The exposition, text format 0.0.4, process metrics included: malloc'ed, NULL when out of memory. */
char *metrics_text(size_t *bytes);

#endif
