/* The settings file: defaults, bounds, sentences with file and line, and a reload that a bad file can't harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../server/config.h"

static char dir[] = "/tmp/liftd-test-config-XXXXXX";
static char path[64];
static struct config_errors errors;

static int make_dir(void **state) {
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/liftd.ini", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void write_bytes(const char *text, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *text) {
    write_bytes(text, strlen(text));
}

/* Loads a text as the settings file. */
static bool load(const char *text, struct config *out) {
    write_text(text);
    return config_load(path, out, &errors);
}

/* Whether some error is "path:line: ...words...". line 0: "path: ...words...". */
static bool complained(int line, const char *words) {
    char begin[96];
    snprintf(begin, sizeof begin, line ? "%s:%d: " : "%s: ", path, line);
    for (size_t i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++) {
        if (strncmp(errors.text[i], begin, strlen(begin)) == 0 &&
            strstr(errors.text[i] + strlen(begin), words))
            return true;
    }
    return false;
}

/* One error, at a line, with these words. */
static void refuses(const char *text, int line, const char *words) {
    struct config config, before;
    memset(&config, 0x5a, sizeof config);
    before = config;
    if (load(text, &config))
        fail_msg("accepted: %s", text);
    if (errors.count != 1 || !complained(line, words))
        fail_msg("%zu errors, the first: %s", errors.count, errors.text[0]);
    assert_memory_equal(&config, &before, sizeof config);
}

static void test_empty_file_is_all_defaults(void **state) {
    (void)state;
    struct config config;
    assert_true(load("", &config));
    assert_string_equal(config.database.conninfo, "");
    assert_string_equal(config.database.ingest_user, "liftd_ingest");
    assert_int_equal(config.database.web_connections, 4);
    assert_string_equal(config.broker.host, "127.0.0.1");
    assert_int_equal(config.broker.port, 18883);
    assert_int_equal(config.http.port, 8080);
    assert_int_equal(config.http.body_max_bytes, 1048576);
    assert_false(config.http.public_metrics);
    assert_int_equal(config.ingest.batch_max_messages, 8192);
    assert_int_equal(config.ingest.window_max_messages, 60000);
    assert_int_equal(config.ingest.retention_days, 90);
    assert_int_equal(config.alerts.silent_after_s, 300);
    assert_int_equal(config.alerts.trapped_hold_s, 90);
    assert_int_equal(config.log.level, LOG_LEVEL_INFO);
    assert_true(config.database.sql_dir[0] == '/');
    assert_true(config.http.console_dir[0] == '/');
}

static void test_values_of_each_type(void **state) {
    (void)state;
    struct config config;
    assert_true(
        load("# comment\n; comment\n[database]\nconninfo = host=/run/pg dbname=x ; why\n"
             "sql_dir = /usr/share/sql\n[http]\npublic_metrics = yes\nport=65535\r\n[log]\nlevel = debug\n",
             &config));
    assert_string_equal(config.database.conninfo, "host=/run/pg dbname=x");
    assert_string_equal(config.database.sql_dir, "/usr/share/sql");
    assert_true(config.http.public_metrics);
    assert_int_equal(config.http.port, 65535);
    assert_int_equal(config.log.level, LOG_LEVEL_DEBUG);
}

static void test_unknown_names(void **state) {
    (void)state;
    refuses("[http]\n\nprot = 80\n", 3, "unknown key \"prot\" in section [http]");
    refuses("[htpp]\nport = 80\n", 2, "unknown section");
    refuses("port = 80\n", 1, "a key before any [section]");
    refuses("[broker]\nbody_max_bytes = 2048\n", 2, "unknown key");
    refuses("[http]\nport\n", 2, "neither a [section] nor a key = value");
    refuses("[http\n", 1, "neither");
}

static void test_bad_values(void **state) {
    (void)state;
    refuses("[http]\nport = eighty\n", 2, "whole number from 1 to 65535");
    refuses("[http]\nport = 80x\n", 2, "\"80x\"");
    refuses("[http]\nport =\n", 2, "whole number");
    refuses("[http]\nport = 8.5\n", 2, "whole number");
    refuses("[http]\npublic_metrics = maybe\n", 2, "yes or no");
    refuses("[log]\nlevel = loud\n", 2, "error, warn, info or debug");
    refuses("[database]\ningest_user =\n", 2, "1 to 63 bytes");
    refuses("[broker]\nhost = a\x01z\n", 2, "without control characters");
}

static void test_bounds(void **state) {
    (void)state;
    struct config config;
    assert_true(load("[ingest]\nretention_days = 1\n", &config));
    assert_true(load("[ingest]\nretention_days = 1000\n", &config));
    refuses("[ingest]\nretention_days = 0\n", 2, "1 to 1000 (days)");
    refuses("[ingest]\nretention_days = 1001\n", 2, "1 to 1000 (days)");
    refuses("[ingest]\nretention_days = -5\n", 2, "1 to 1000 (days)");
    refuses("[ingest]\nretention_days = 99999999999999999999\n", 2, "1 to 1000 (days)");
    refuses("[ingest]\nwindow_max_messages = 65536\n", 2, "1 to 65535");
    refuses("[database]\nweb_connections = 33\n", 2, "1 to 32");
}

static void test_keys_that_must_agree(void **state) {
    (void)state;
    refuses("[broker]\nreconnect_min_ms = 20000\n", 0, "reconnect_max_ms is below");
    refuses("[ingest]\nwindow_max_messages = 100\n", 0, "batch_max_messages is above");
    refuses("[http]\nconnections_max = 500\n", 0, "streams_max must be below");
}

static void test_duplicates(void **state) {
    (void)state;
    refuses("[http]\nport = 80\nport = 80\n", 3, "http.port is given a second time");
    refuses("[http]\nport = 80\n[log]\nlevel=info\n[http]\nport = 81\n", 6, "a second time");
}

static void test_all_errors_are_told(void **state) {
    (void)state;
    struct config config;
    assert_false(load("[http]\nport = 0\nprot = 1\n[log]\nlevel = x\n", &config));
    assert_int_equal(errors.count, 3);
    assert_true(complained(2, "port") && complained(3, "prot") && complained(5, "level"));
}

static void test_errors_are_bounded(void **state) {
    (void)state;
    struct config config;
    char text[40000] = "[http]\n";
    for (int i = 0; i < 2000; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "nope%d = 1\n", i);
    assert_false(load(text, &config));
    assert_int_equal(errors.count, 2000);
    FILE *out = tmpfile();
    assert_non_null(out);
    config_errors_print(&errors, out);
    rewind(out);
    char line[1024], last[1024] = "";
    int lines = 0;
    for (; fgets(line, sizeof line, out); lines++)
        memcpy(last, line, sizeof line);
    fclose(out);
    assert_int_equal(lines, CONFIG_ERRORS_MAX + 1);
    assert_string_equal(last, "and 1980 more\n");
}

static void test_not_a_text_file(void **state) {
    (void)state;
    struct config config;
    static char large[300 * 1024];
    memset(large, '\n', sizeof large);
    write_bytes(large, sizeof large);
    assert_false(config_load(path, &config, &errors));
    assert_true(complained(0, "is larger than"));
    write_bytes("[http]\nport = 8\0 0\n", 19);
    assert_false(config_load(path, &config, &errors));
    assert_true(complained(2, "a zero byte"));
    large[0] = '#';
    memset(large + 1, 'x', 3000);
    write_bytes(large, 4000);
    assert_false(config_load(path, &config, &errors));
    assert_true(complained(1, "a line of more than"));
}

static void test_missing_file(void **state) {
    (void)state;
    struct config config;
    assert_false(config_load("/nonexistent/liftd.ini", &config, &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.text[0], "/nonexistent/liftd.ini: can't be opened: No such file or directory");
    assert_false(config_load(dir, &config, &errors));
    assert_int_equal(errors.count, 1);
}

static void test_conninfo_goes_on(void **state) {
    (void)state;
    struct config config;
    assert_true(load("[database]\nconninfo = host=a,b\n  port=5432,5433\n\tdbname=liftd\n", &config));
    assert_string_equal(config.database.conninfo, "host=a,b port=5432,5433 dbname=liftd");
    refuses("[http]\naddress = 127.0.0.1\n  port = 80\n", 3, "continues the one before");
    assert_true(load("[http]\n  port = 81\n", &config));
    assert_int_equal(config.http.port, 81);
}

static void test_paths_count_from_the_file(void **state) {
    (void)state;
    struct config config;
    char expected[CONFIG_PATH_BYTES];
    assert_true(load("[broker]\npassword_file = secrets/mqtt\n", &config));
    snprintf(expected, sizeof expected, "%s/secrets/mqtt", dir);
    assert_string_equal(config.broker.password_file, expected);
}

static void test_manual_is_the_defaults(void **state) {
    (void)state;
    struct config printed, defaults;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    config_print_manual(file);
    fclose(file);
    assert_true(config_load(path, &printed, &errors));
    assert_true(load("", &defaults));
    assert_memory_equal(&printed, &defaults, sizeof printed);
}

static void test_reload(void **state) {
    (void)state;
    struct config running;
    struct config_changes changes;
    assert_true(load("[alerts]\nsilent_after_s = 60\n", &running));
    write_text("[alerts]\nsilent_after_s = 120\n[http]\nport = 81\n[log]\nlevel = warn\n");
    assert_true(config_reload(&running, path, &changes, &errors));
    assert_int_equal(running.alerts.silent_after_s, 120);
    assert_int_equal(running.log.level, LOG_LEVEL_WARN);
    assert_int_equal(running.http.port, 8080);
    assert_int_equal(changes.applied_count, 2);
    assert_string_equal(changes.applied[0], "alerts.silent_after_s");
    assert_string_equal(changes.applied[1], "log.level");
    assert_int_equal(changes.waiting_count, 1);
    assert_string_equal(changes.waiting[0], "http.port");
}

static void test_bad_reload_keeps_all(void **state) {
    (void)state;
    struct config running, before;
    struct config_changes changes;
    assert_true(load("[alerts]\nsilent_after_s = 60\n", &running));
    before = running;
    write_text("[alerts]\nsilent_after_s = 120\ntrapped_hold_s = no\n");
    assert_false(config_reload(&running, path, &changes, &errors));
    assert_true(complained(3, "trapped_hold_s"));
    assert_memory_equal(&running, &before, sizeof running);
    assert_int_equal(changes.applied_count, 0);
    unlink(path);
    assert_false(config_reload(&running, path, &changes, &errors));
    assert_memory_equal(&running, &before, sizeof running);
}

static void test_password_file(void **state) {
    (void)state;
    char password[16];
    write_bytes("hunter2\r\nsecond line\n", 21);
    assert_true(config_password(path, password, sizeof password));
    assert_string_equal(password, "hunter2");
    write_bytes("no line end", 11);
    assert_true(config_password(path, password, sizeof password));
    assert_string_equal(password, "no line end");
    write_bytes("\n", 1);
    assert_false(config_password(path, password, sizeof password));
    write_bytes("0123456789abcdef", 16);
    assert_false(config_password(path, password, sizeof password));
    assert_false(config_password("/nonexistent", password, sizeof password));
}

static void test_log_quote(void **state) {
    (void)state;
    char out[32];
    assert_string_equal(log_quote("plain", out, sizeof out), "\"plain\"");
    assert_string_equal(log_quote("a\"b\\c\n", out, sizeof out), "\"a\\\"b\\\\c\\x0a\"");
    assert_string_equal(log_quote("0123456789012345678901234567890123456789", out, sizeof out),
                        "\"0123456789012345678901...\"");
    assert_string_equal(log_quote("x", out, 4), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_file_is_all_defaults),
        cmocka_unit_test(test_values_of_each_type),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_keys_that_must_agree),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_all_errors_are_told),
        cmocka_unit_test(test_errors_are_bounded),
        cmocka_unit_test(test_not_a_text_file),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_conninfo_goes_on),
        cmocka_unit_test(test_paths_count_from_the_file),
        cmocka_unit_test(test_manual_is_the_defaults),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_bad_reload_keeps_all),
        cmocka_unit_test(test_password_file),
        cmocka_unit_test(test_log_quote),
    };
    return cmocka_run_group_tests_name("config", tests, make_dir, remove_dir);
}
