/* The log: one clean line per event, levels, and a bound that errors don't share with chatter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../server/log.h"

static int real_stderr;
static FILE *file;

/* From here on stderr is a file of our own. */
static int capture(void **state) {
    (void)state;
    file = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    return file && real_stderr >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int release(void **state) {
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    return fclose(file);
}

/* Everything written so far. */
static const char *written(void) {
    static char text[256 * 1024];
    ssize_t bytes = pread(fileno(file), text, sizeof text - 1, 0);
    assert_true(bytes >= 0);
    text[bytes] = '\0';
    return text;
}

static int lines_with(const char *words) {
    int count = 0;
    for (const char *at = written(); (at = strstr(at, words)); at += strlen(words))
        count++;
    return count;
}

/* Waits for a second to begin, so that the whole test runs in one budget. */
static void wait_for_second(void) {
    struct timespec now;
    do {
        clock_gettime(CLOCK_REALTIME, &now);
        usleep(1000);
    } while (now.tv_nsec > 5000000);
}

static void test_a_line_is_time_level_event(void **state) {
    (void)state;
    log_info("landed rows=%d", 7);
    int year, month, day, hour, minute, second, ms, zone_hour, zone_minute, end = 0;
    char sign;
    sscanf(written(), "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c%2d:%2d info landed rows=7%n", &year, &month, &day, &hour,
           &minute, &second, &ms, &sign, &zone_hour, &zone_minute, &end);
    assert_true(end > 0);
    assert_string_equal(written() + end, "\n");
}

static void test_no_input_makes_a_second_line(void **state) {
    (void)state;
    log_warn("device said=%s", "x\nerror forged\r\x1b[2J\x7f");
    assert_non_null(strstr(written(), "said=x\\x0aerror forged\\x0d\\x1b[2J\\x7f\n"));
    assert_int_equal(lines_with("\n"), 1);
}

static void test_a_long_line_is_cut(void **state) {
    (void)state;
    char *text = malloc(5000);
    assert_non_null(text);
    memset(text, 'x', 4999);
    text[4999] = '\0';
    log_info("%s", text);
    free(text);
    size_t length = strlen(written());
    assert_true(length <= LOG_LINE_MAX_BYTES + 1);
    assert_string_equal(written() + length - 5, "x...\n");
}

static void test_levels(void **state) {
    (void)state;
    log_debug("one");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("two");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("three");
    log_error("four");
    assert_int_equal(lines_with("one") + lines_with("three"), 0);
    assert_int_equal(lines_with("debug two") + lines_with("error four"), 2);
}

static void test_chatter_is_bounded_and_errors_are_not_hidden(void **state) {
    (void)state;
    wait_for_second();
    for (int i = 0; i < 1000; i++)
        log_info("chatter");
    log_error("trouble");
    assert_true(lines_with("info chatter") <=
                2 * LOG_LINES_PER_SECOND); /* 2: a slow machine may need longer */
    assert_int_equal(lines_with("error trouble"), 1);
    sleep(1);
    log_info("calm");
    assert_int_equal(lines_with("log lines left out lines="), 1);
    assert_non_null(strstr(written(), "info calm\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line_is_time_level_event, capture, release),
        cmocka_unit_test_setup_teardown(test_no_input_makes_a_second_line, capture, release),
        cmocka_unit_test_setup_teardown(test_a_long_line_is_cut, capture, release),
        cmocka_unit_test_setup_teardown(test_levels, capture, release),
        cmocka_unit_test_setup_teardown(test_chatter_is_bounded_and_errors_are_not_hidden, capture, release),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
