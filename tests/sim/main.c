/* The simulator: many terminals on one loop, a script of faults, a ledger, and rates. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "ledger.h"
#include "link.h"
#include "terminal.h"

#define TURN_MS 2 /* shortest time between two turns of the house */
#define CONNECTS_PER_SECOND 500
#define CALM_MS 2000

static struct {
    struct options options;
    struct totals totals, reported;
    struct terminal *terminals;
    size_t terminals_count;
    int lifts_count;
    struct script script;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t on_int, on_term;
    int64_t start_ms, calm_ms, restless_ms, stopped_ms, drained_ms, report_ms, flush_ms;
    bool failed;
} sim;

/* Adds one device; false: said on stderr. */
static bool add_device(const char *area, const char *name, const char *password, int units) {
    if (sim.options.lifts && sim.lifts_count + units > sim.options.lifts)
        units = sim.options.lifts - sim.lifts_count;
    if (units <= 0)
        return true;
    struct terminal *more = realloc(sim.terminals, (sim.terminals_count + 1) * sizeof *more);
    if (!more)
        return false;
    sim.terminals = more;
    struct terminal *t = &more[sim.terminals_count];
    memset(t, 0, sizeof *t);
    t->options = &sim.options;
    t->totals = &sim.totals;
    t->loop = &sim.loop;
    snprintf(t->area, sizeof t->area, "%s", area);
    snprintf(t->name, sizeof t->name, "%s", name);
    snprintf(t->password, sizeof t->password, "%s", password);
    t->deaf = sim.terminals_count < (size_t)sim.options.deaf;
    t->units_count = units;
    sim.terminals_count++;
    sim.lifts_count += units;
    return true;
}

static bool read_devices(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    char line[512], area[41], name[41], password[129];
    bool ok = true;
    for (int number = 1; ok && fgets(line, sizeof line, file); number++) {
        int units = 1, end = 0;
        line[strcspn(line, "#\r\n")] = '\0';
        if (line[strspn(line, " \t")] == '\0')
            continue;
        int fields = sscanf(line, " %40s %40s %128s %n%d %n", area, name, password, &end, &units, &end);
        if (fields < 3 || line[end] != '\0' || units < 1 || units > 256) {
            fprintf(stderr, "liftsim: %s:%d: expected 'area device password [units]'\n", path, number);
            ok = false;
        } else {
            ok = add_device(area, name, password, units);
        }
    }
    fclose(file);
    return ok;
}

static bool generate_devices(void) {
    for (int i = 1; i <= sim.options.generate; i++) {
        char name[41];
        snprintf(name, sizeof name, "sim%05d", i);
        if (!add_device(sim.options.area, name, sim.options.password, sim.options.units))
            return false;
    }
    return true;
}

static _Noreturn void print_devices_and_end(void) {
    for (size_t i = 0; i < sim.terminals_count; i++)
        printf("%s %s %s %d\n", sim.terminals[i].area, sim.terminals[i].name, sim.terminals[i].password,
               sim.terminals[i].units_count);
    exit(0);
}

static bool open_terminals(void) {
    double per_lift = sim.options.rate > 0 ? sim.options.rate : sim.options.total_rate / sim.lifts_count;
    int number = 1;
    for (size_t i = 0; i < sim.terminals_count; i++) {
        struct terminal *t = &sim.terminals[i];
        int units = t->units_count;
        t->units_count = 0;
        t->interval_ms = per_lift > 0 ? 1000.0 / per_lift : 0;
        if (!terminal_open(t, units, number, sim.start_ms + (int64_t)i * 1000 / CONNECTS_PER_SECOND))
            return false;
        number += units;
    }
    return true;
}

static void strike(const struct fault *fault, int64_t now_ms) {
    for (size_t i = 0; i < sim.terminals_count; i++)
        for (int u = 0; u < sim.terminals[i].units_count; u++)
            if (fault->lift == 0 || fault->lift == sim.terminals[i].units[u].number)
                terminal_fault(&sim.terminals[i], &sim.terminals[i].units[u], fault, now_ms);
}

static void report(const char *what, int64_t now_ms, int64_t since_ms, const struct totals *before) {
    const struct totals *t = &sim.totals;
    size_t up = 0, unacked = 0;
    for (size_t i = 0; i < sim.terminals_count; i++) {
        up += sim.terminals[i].link == LINK_UP;
        unacked += (size_t)sim.terminals[i].unacked;
    }
    double seconds = (double)(now_ms - since_ms) / 1000.0;
    if (seconds <= 0)
        seconds = 0.001;
    fprintf(stderr,
            "liftsim: %s connected=%zu/%zu readings=%" PRIu64 " (%.0f/s) messages=%" PRIu64
            " (%.0f/s) acked=%" PRIu64 " (%.0f/s) unacked=%zu late=%" PRIu64 " deferred=%" PRIu64
            " cuts=%" PRIu64 " resumes=%" PRIu64 " acknowledged=%" PRIu64 "\n",
            what, up, sim.terminals_count, t->readings, (double)(t->readings - before->readings) / seconds,
            t->messages, (double)(t->messages - before->messages) / seconds, t->acked,
            (double)(t->acked - before->acked) / seconds, unacked, t->late, t->deferred, t->cut, t->resumed,
            t->acknowledged);
}

static void finish(bool drained) {
    sim.failed = !drained;
    uv_stop(&sim.loop);
}

static void stop_making(int64_t now_ms) {
    static const struct totals zero;
    if (sim.totals.stopped)
        return;
    sim.totals.stopped = sim.totals.calm = true;
    sim.stopped_ms = now_ms;
    report("made everything:", now_ms, sim.start_ms, &zero);
    ledger_flush();
}

static bool all_drained(void) {
    for (size_t i = 0; i < sim.terminals_count; i++)
        if (!terminal_drained(&sim.terminals[i]))
            return false;
    return true;
}

/* Asked to stop: no more faults. Where somebody waits for the outcome (linger), readings go on until
 * everybody is connected and has caught up for a while, so that each lift's last reading is a live one. */
static void calm_down(int64_t now_ms) {
    sim.totals.calm = true;
    sim.calm_ms = sim.restless_ms = now_ms;
    if (sim.options.linger_s <= 0)
        stop_making(now_ms);
}

static void stay_calm(int64_t now_ms) {
    for (size_t i = 0; i < sim.terminals_count; i++)
        if (!terminal_caught_up(&sim.terminals[i]))
            sim.restless_ms = now_ms;
    if (now_ms - sim.restless_ms >= CALM_MS || (double)(now_ms - sim.calm_ms) >= sim.options.drain_s * 1000.0)
        stop_making(now_ms);
}

/* After the last reading: drain, then linger, then end. */
static void wind_down(int64_t now_ms) {
    bool drained = all_drained();
    if (drained && !sim.drained_ms) {
        sim.drained_ms = now_ms;
        fputs("liftsim: everything is acknowledged by the broker\n", stderr);
    }
    double since_stop_s = (double)(now_ms - sim.stopped_ms) / 1000.0;
    if (sim.drained_ms && (double)(now_ms - sim.drained_ms) / 1000.0 >= sim.options.linger_s)
        finish(drained || sim.options.linger_s > 0);
    else if (!sim.drained_ms && since_stop_s >= sim.options.drain_s)
        finish(false);
}

/* Everybody is here: times count from now. */
static void gather(int64_t now_ms) {
    for (size_t i = 0; i < sim.terminals_count; i++)
        if (sim.terminals[i].link != LINK_UP)
            return;
    sim.totals.gathering = false;
    sim.start_ms = sim.report_ms = now_ms;
}

static void on_timer(uv_timer_t *timer) {
    int64_t now_ms = terminal_now_ms(), next_ms = now_ms + 200;
    if (sim.totals.gathering)
        gather(now_ms);
    if (sim.options.seconds > 0 && !sim.totals.gathering &&
        (double)(now_ms - sim.start_ms) >= sim.options.seconds * 1000.0)
        stop_making(now_ms);
    for (const struct fault *fault;
         (fault = script_due(&sim.script,
                             sim.totals.gathering || sim.totals.calm ? -1 : now_ms - sim.start_ms)) != NULL;)
        strike(fault, now_ms);
    for (size_t i = 0; i < sim.terminals_count; i++) {
        int64_t due_ms = terminal_turn(&sim.terminals[i], now_ms);
        if (due_ms < next_ms)
            next_ms = due_ms;
    }
    if (sim.options.report_s > 0 && (double)(now_ms - sim.report_ms) >= sim.options.report_s * 1000.0) {
        report("", now_ms, sim.report_ms, &sim.reported);
        sim.reported = sim.totals;
        sim.report_ms = now_ms;
    }
    if (now_ms - sim.flush_ms >= 1000) {
        ledger_flush();
        sim.flush_ms = now_ms;
    }
    if (sim.totals.stopped)
        wind_down(now_ms);
    else if (sim.totals.calm)
        stay_calm(now_ms);
    int64_t wait_ms = next_ms - terminal_now_ms();
    uv_timer_start(timer, on_timer, (uint64_t)(wait_ms > TURN_MS ? wait_ms : TURN_MS), 0);
}

static void on_signal(uv_signal_t *handle, int number) {
    (void)handle, (void)number;
    if (!sim.totals.calm)
        calm_down(terminal_now_ms());
    else if (!sim.totals.stopped)
        stop_making(terminal_now_ms());
    else if (sim.drained_ms)
        sim.options.linger_s = 0; /* the next turn ends it */
    else
        finish(false);
}

static void allow_many_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool set_up(void) {
    if (!(sim.options.devices_path ? read_devices(sim.options.devices_path) : generate_devices()))
        return false;
    if (sim.lifts_count == 0) {
        fputs("liftsim: there are no devices\n", stderr);
        return false;
    }
    if (sim.options.print_devices)
        print_devices_and_end();
    if (!script_read(&sim.script, sim.options.script_path))
        return false;
    if (!ledger_open(sim.options.ledger_path)) {
        perror(sim.options.ledger_path);
        return false;
    }
    sim.start_ms = sim.report_ms = terminal_now_ms();
    sim.totals.gathering = sim.options.gather;
    return open_terminals();
}

static void tear_down(void) {
    for (size_t i = 0; i < sim.terminals_count; i++)
        terminal_close(&sim.terminals[i]);
    uv_close((uv_handle_t *)&sim.timer, NULL);
    uv_close((uv_handle_t *)&sim.on_int, NULL);
    uv_close((uv_handle_t *)&sim.on_term, NULL);
    uv_run(&sim.loop, UV_RUN_DEFAULT);
    uv_loop_close(&sim.loop);
    free(sim.terminals);
    script_free(&sim.script);
    mosquitto_lib_cleanup();
}

int main(int argc, char **argv) {
    static const struct totals zero;
    options_read(&sim.options, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    allow_many_files();
    if (sodium_init() < 0 || mosquitto_lib_init() != MOSQ_ERR_SUCCESS || uv_loop_init(&sim.loop) != 0)
        return 2;
    if (!set_up())
        return 2;
    uv_timer_init(&sim.loop, &sim.timer);
    uv_signal_init(&sim.loop, &sim.on_int);
    uv_signal_init(&sim.loop, &sim.on_term);
    uv_signal_start(&sim.on_int, on_signal, SIGINT);
    uv_signal_start(&sim.on_term, on_signal, SIGTERM);
    uv_timer_start(&sim.timer, on_timer, 0, 0);
    uv_run(&sim.loop, UV_RUN_DEFAULT);
    report("ended:", terminal_now_ms(), sim.start_ms, &zero);
    tear_down();
    if (!ledger_close()) {
        perror("liftsim: ledger");
        sim.failed = true;
    }
    return sim.failed ? 1 : 0;
}
