/* Formats, cleans and bounds the log's lines. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int level_in_force = LOG_LEVEL_INFO;

/* What was written in the second under way; errors have a budget of their own. */
static struct {
    time_t second;
    int lines, errors;
    unsigned long left_out;
} budget;

const char *log_level_name(int level) {
    static const char *const names[] = {"error", "warn", "info", "debug"};
    return level >= LOG_LEVEL_ERROR && level <= LOG_LEVEL_DEBUG ? names[level] : "unknown";
}

void log_set_level(int level) {
    level_in_force = level;
}

int log_get_level(void) {
    return level_in_force;
}

/* Copies text with control bytes as \xNN, so that one event stays one line; what has no room is
 * cut off and shown as "...". Returns the bytes written. */
static size_t clean(char *out, size_t room, const char *text) {
    size_t used = 0;
    for (; *text && used + 5 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            used += (size_t)snprintf(out + used, room - used, "\\x%02x", c);
        else
            out[used++] = (char)c;
    }
    if (*text && used >= 3)
        memcpy(out + used - 3, "...", 3);
    out[used] = '\0';
    return used;
}

static void put(const struct timespec *now, int level, const char *text) {
    char line[LOG_LINE_MAX_BYTES + 8];
    struct tm local;
    localtime_r(&now->tv_sec, &local);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &local);
    used += (size_t)snprintf(line + used, sizeof line - used, ".%03ld", now->tv_nsec / 1000000);
    char zone[8];
    strftime(zone, sizeof zone, "%z", &local); /* +hhmm; RFC 3339 wants the colon */
    used += (size_t)snprintf(line + used, sizeof line - used, "%.3s:%.2s %s ", zone, zone + 3,
                             log_level_name(level));
    used += clean(line + used, LOG_LINE_MAX_BYTES - used, text);
    line[used++] = '\n';
    size_t written = 0;
    while (written < used) { /* one write a line: lines of several processes don't mix */
        ssize_t n = write(STDERR_FILENO, line + written, used - written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere left to say so */
        written += (size_t)n;
    }
}

/* True when this second still has room for a line of this level; tells what the last one left out. */
static bool admit(const struct timespec *now, int level) {
    if (now->tv_sec != budget.second) {
        unsigned long left_out = budget.left_out;
        budget.second = now->tv_sec;
        budget.lines = budget.errors = 0;
        budget.left_out = 0;
        if (left_out) {
            char text[64];
            snprintf(text, sizeof text, "log lines left out lines=%lu", left_out);
            put(now, LOG_LEVEL_WARN, text);
        }
    }
    int *used = level == LOG_LEVEL_ERROR ? &budget.errors : &budget.lines;
    if (*used >= LOG_LINES_PER_SECOND) {
        budget.left_out++;
        return false;
    }
    (*used)++;
    return true;
}

__attribute__((format(printf, 2, 0))) static void line(int level, const char *format, va_list arguments) {
    struct timespec now;
    char text[LOG_LINE_MAX_BYTES];
    int reason = errno;
    clock_gettime(CLOCK_REALTIME, &now);
    if (level <= level_in_force && admit(&now, level)) {
        vsnprintf(text, sizeof text, format, arguments); /* what this cuts, the line can't hold either */
        put(&now, level, text);
    }
    errno = reason;
}

#define LOG_FUNCTION(name, level)                                                                            \
    void name(const char *format, ...) {                                                                     \
        va_list arguments;                                                                                   \
        va_start(arguments, format);                                                                         \
        line(level, format, arguments);                                                                      \
        va_end(arguments);                                                                                   \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

const char *log_quote(const char *text, char *out, unsigned long out_bytes) {
    size_t used = 0;
    if (out_bytes < 8) {
        if (out_bytes)
            out[0] = '\0';
        return out;
    }
    out[used++] = '"';
    for (; *text && used + 9 < out_bytes; text++) { /* room for \xNN, "..." and the quote */
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            out[used++] = '\\';
        if (c < 0x20 || c == 0x7f)
            used += (size_t)snprintf(out + used, out_bytes - used, "\\x%02x", c);
        else
            out[used++] = (char)c;
    }
    if (*text && used + 5 <= out_bytes) {
        memcpy(out + used, "...", 3);
        used += 3;
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}
