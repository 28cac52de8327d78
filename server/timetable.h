/* SHELL: the periodic SQL jobs, one table of them, run one at a time on a connection of their own.
 *
 * Jobs are idempotent functions of the database: partitions ahead, days past the retention, gaps and refusals
 * past the retention, expired sessions. Intervals are measured on the loop's clock, so a step of the wall
 * clock neither skips a job nor runs it twice; a job that came due several times while the database was away
 * runs once when it is back. How each run went is in meta.job. */
#ifndef LIFTD_TIMETABLE_H
#define LIFTD_TIMETABLE_H

#include <stdint.h>
#include <uv.h>

#include "config.h"

/* A job that failed, or whose outcome was lost with the connection, runs again after this long, s, if that is
 * sooner than its interval. */
#define TIMETABLE_RETRY_S 60

struct timetable;

struct timetable_options {
    uv_loop_t *loop;
    /* Must outlive the timetable; its retention and partitions ahead are read at every run, so a reload
     * counts from the next one. */
    const struct config *config;
    /* telemetry.reading has partitions for these days now (days since 1970-01-01, both included). */
    void (*partitions)(void *ctx, int32_t first_day, int32_t last_day);
    void *ctx;
};

/* Starts connecting as [database] ingest_user. 0, or a negative libuv error. */
int timetable_open(const struct timetable_options *options, struct timetable **out);

/* Closes; a job under way ends or not, as the database sees fit. `done` (may be NULL) is called when the
 * memory is freed. */
void timetable_close(struct timetable *t, void (*done)(void *ctx), void *ctx);

#endif
