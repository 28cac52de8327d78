/* One line per event on stderr: time with offset, level, event, key=value. Rate bounded, never a secret. */
#ifndef LIFTD_LOG_H
#define LIFTD_LOG_H

/* Ordered: a line is written when its level is at or below the one set. */
enum log_level { LOG_LEVEL_ERROR = 0, LOG_LEVEL_WARN = 1, LOG_LEVEL_INFO = 2, LOG_LEVEL_DEBUG = 3 };

/* Longest line, bytes; what is longer is cut and ends in "...". */
#define LOG_LINE_MAX_BYTES 1024
/* Lines written in one second; what comes beyond is counted, and the count is told in the next second that
 * has room. Errors have this many of their own on top, so that chatter can't hide them. */
#define LOG_LINES_PER_SECOND 50

/* How to call it: an event in a few words, then key=value pairs; quote what comes from outside with
 * log_quote: log_info("batch committed messages=%zu took_ms=%lld", n, ms); Control bytes in a line are
 * written as \xNN, so that no input can forge a second line. Never pass passwords, tokens or connection
 * strings. Call from the loop's thread only. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sets the level in force; LOG_LEVEL_INFO at start. */
void log_set_level(int level);
/* The level in force, to skip costly preparations. */
int log_get_level(void);
/* "error", "warn", "info", "debug". */
const char *log_level_name(int level);

/* Writes text as a double-quoted value with quotes, backslashes and control bytes escaped, cut to fit;
 * returns out. For key=%s of what a device, a user or a server sent. */
const char *log_quote(const char *text, char *out, unsigned long out_bytes);

#endif
