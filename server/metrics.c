/* What liftd counts, as one table, and its Prometheus text exposition. */
#include "metrics.h"

#include "../ingest/require.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct row {
    enum kind kind;
    const char *name, *labels, *help;
};

#define METRICS_ROW(id, kind, name, labels, help) {kind, name, labels, help},
static const struct row rows[] = {METRICS_TABLE(METRICS_ROW)};
#undef METRICS_ROW

static const double bounds[] = METRICS_BUCKETS;
#define BOUNDS (sizeof bounds / sizeof *bounds)

static struct value {
    uint64_t count; /* counters; observations of a histogram */
    double sum;     /* gauges; sum of a histogram */
    uint64_t buckets[BOUNDS + 1];
} values[METRIC_COUNT];

void metrics_add(enum metric metric, uint64_t amount) {
    REQUIRE(rows[metric].kind == COUNTER);
    values[metric].count += amount;
}

void metrics_set(enum metric metric, double value) {
    REQUIRE(rows[metric].kind == GAUGE);
    values[metric].sum = value;
}

void metrics_observe(enum metric metric, double seconds) {
    REQUIRE(rows[metric].kind == HISTOGRAM);
    struct value *v = &values[metric];
    size_t i = 0;
    if (seconds < 0)
        seconds = 0;
    while (i < BOUNDS && seconds > bounds[i])
        i++;
    v->buckets[i]++;
    v->count++;
    v->sum += seconds;
}

double metrics_value(enum metric metric) {
    return rows[metric].kind == GAUGE ? values[metric].sum : (double)values[metric].count;
}

static void print_histogram(FILE *out, const struct row *row, const struct value *v) {
    uint64_t below = 0;
    const char *comma = *row->labels ? "," : "";
    for (size_t i = 0; i <= BOUNDS; i++) {
        below += v->buckets[i];
        fprintf(out, "%s_bucket{%s%sle=\"", row->name, row->labels, comma);
        if (i < BOUNDS)
            fprintf(out, "%g\"} %llu\n", bounds[i], (unsigned long long)below);
        else
            fprintf(out, "+Inf\"} %llu\n", (unsigned long long)below);
    }
    const char *open = *row->labels ? "{" : "", *close = *row->labels ? "}" : "";
    fprintf(out, "%s_sum%s%s%s %.9g\n", row->name, open, row->labels, close, v->sum);
    fprintf(out, "%s_count%s%s%s %llu\n", row->name, open, row->labels, close, (unsigned long long)v->count);
}

static void print_row(FILE *out, const struct row *row, const struct value *v) {
    const char *open = *row->labels ? "{" : "", *close = *row->labels ? "}" : "";
    if (row->kind == HISTOGRAM)
        print_histogram(out, row, v);
    else if (row->kind == COUNTER)
        fprintf(out, "%s%s%s%s %llu\n", row->name, open, row->labels, close, (unsigned long long)v->count);
    else
        fprintf(out, "%s%s%s%s %.17g\n", row->name, open, row->labels, close, v->sum);
}

static void print_one(FILE *out, const char *name, const char *type, const char *help, double value) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, value);
}

/* Seconds since 1970 at which this process started: its age by the system's clock, taken from now. */
static double start_time(void) {
    static double started;
    struct timespec up, now;
    unsigned long long ticks = 0;
    FILE *stat = started > 0 ? NULL : fopen("/proc/self/stat", "r");
    char line[1024];
    if (!stat)
        return started;
    const char *end = fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
    if (end &&
        sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) == 1 &&
        !clock_gettime(CLOCK_BOOTTIME, &up) && !clock_gettime(CLOCK_REALTIME, &now))
        started = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)up.tv_sec -
                  (double)up.tv_nsec / 1e9 + (double)ticks / (double)sysconf(_SC_CLK_TCK);
    fclose(stat);
    return started;
}

static double resident_bytes(void) {
    unsigned long long total = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm)
        return 0;
    if (fscanf(statm, "%llu %llu", &total, &resident) != 2)
        resident = 0;
    fclose(statm);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void) {
    DIR *dir = opendir("/proc/self/fd");
    double count = -3; /* ".", ".." and the directory itself */
    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void print_process(FILE *out) {
    struct rusage usage;
    struct rlimit files;
    double cpu = 0, files_max = 0;
    if (!getrusage(RUSAGE_SELF, &usage))
        cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
              (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    if (!getrlimit(RLIMIT_NOFILE, &files))
        files_max = (double)files.rlim_cur;
    print_one(out, "process_cpu_seconds_total", "counter", "Processor time used, user and system.", cpu);
    print_one(out, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes());
    print_one(out, "process_open_fds", "gauge", "Open files and sockets.", open_files());
    print_one(out, "process_max_fds", "gauge", "Most of them allowed.", files_max);
    print_one(out, "process_start_time_seconds", "gauge", "When liftd started, since 1970.", start_time());
}

char *metrics_text(size_t *bytes) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    if (!out)
        return NULL;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct row *row = &rows[i];
        if (!i || strcmp(row->name, rows[i - 1].name))
            fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, types[row->kind]);
        print_row(out, row, &values[i]);
    }
    print_process(out);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
