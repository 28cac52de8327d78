/* Passwords: what may be chosen, what verifies, and what a hash from elsewhere may cost. */
#include "../../server/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(s) s, sizeof(s) - 1

static void rules_for_choosing(void **state) {
    (void)state;
    static const struct {
        const char *password;
        size_t length;
        enum password_status status;
    } cases[] = {
        {TEXT(""), PASSWORD_TOO_SHORT},
        {TEXT("123456789"), PASSWORD_TOO_SHORT},
        {TEXT("1234567890"), PASSWORD_OK},
        {TEXT("          "), PASSWORD_OK},
        {TEXT("九个汉字是九个汉字"), PASSWORD_TOO_SHORT},
        {TEXT("十个汉字就是十个汉字"), PASSWORD_OK},
        {TEXT("\U0001F6D7\U0001F6D7\U0001F6D7\U0001F6D7\U0001F6D7\U0001F6D7\U0001F6D7\U0001F6D7\U0001F6D7"
              "\U0001F6D7"),
         PASSWORD_OK},
        {TEXT("123456789\n"), PASSWORD_NOT_TEXT},
        {TEXT("12345\00067890"), PASSWORD_NOT_TEXT},
        {TEXT("123456789\x7f"), PASSWORD_NOT_TEXT},
        {TEXT("1234567890\xff"), PASSWORD_NOT_TEXT},             /* no lead byte */
        {TEXT("1234567890\xc3"), PASSWORD_NOT_TEXT},             /* cut off */
        {TEXT("1234567890\xc3("), PASSWORD_NOT_TEXT},            /* no continuation */
        {TEXT("1234567890\xc0\xaf"), PASSWORD_NOT_TEXT},         /* overlong */
        {TEXT("1234567890\xe0\x80\xaf"), PASSWORD_NOT_TEXT},     /* overlong */
        {TEXT("1234567890\xed\xa0\x80"), PASSWORD_NOT_TEXT},     /* surrogate */
        {TEXT("1234567890\xf4\x90\x80\x80"), PASSWORD_NOT_TEXT}, /* beyond U+10FFFF */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(password_check(cases[i].password, cases[i].length), cases[i].status);
    char longest[PASSWORD_BYTES_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(password_check(longest, PASSWORD_BYTES_MAX), PASSWORD_OK);
    assert_int_equal(password_check(longest, PASSWORD_BYTES_MAX + 1), PASSWORD_TOO_LONG);
}

static void a_hash_verifies_its_password_only(void **state) {
    (void)state;
    char first[PASSWORD_HASH_SIZE], second[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(TEXT("correct horse"), first), PASSWORD_OK);
    assert_int_equal(password_hash(TEXT("correct horse"), second), PASSWORD_OK);
    assert_string_not_equal(first, second);
    assert_memory_equal(first, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_int_equal(password_verify(first, TEXT("correct horse")), PASSWORD_OK);
    assert_int_equal(password_verify(second, TEXT("correct horse")), PASSWORD_OK);
    assert_int_equal(password_verify(first, TEXT("correct horsf")), PASSWORD_WRONG);
    assert_int_equal(password_verify(first, TEXT("correct hors")), PASSWORD_WRONG);
    assert_int_equal(password_verify(first, TEXT("")), PASSWORD_WRONG);
    char longer[PASSWORD_BYTES_MAX + 1];
    memset(longer, 'a', sizeof longer);
    assert_int_equal(password_verify(first, longer, sizeof longer), PASSWORD_WRONG);
    assert_int_equal(password_hash(TEXT("short"), first), PASSWORD_TOO_SHORT);
}

static void hashes_from_elsewhere(void **state) {
    (void)state;
    char cut[PASSWORD_HASH_SIZE], oversize[2 * PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(TEXT("correct horse"), cut), PASSWORD_OK);
    cut[strlen(cut) - 1] = '\0';
    assert_int_equal(password_verify(cut, TEXT("correct horse")), PASSWORD_WRONG);
    memset(oversize, 'a', sizeof oversize);
    memcpy(oversize, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    oversize[sizeof oversize - 1] = '\0';
    static const char *const refused[] = {
        "",
        "plain",
        "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2Fs$aGFzaA",
        "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0c2Fs$aGFzaA",
        "$argon2id$v=19$m=19456,t=9999,p=1$c2FsdHNhbHRzYWx0c2Fs$aGFzaA",
        "$argon2id$v=19$m=19456,t=2,p=64$c2FsdHNhbHRzYWx0c2Fs$aGFzaA",
        "$argon2id$v=19$m=0,t=0,p=0$$",
        "$argon2id$v=19$m=99999999999999999999,t=1,p=1$a$b",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(password_verify(refused[i], TEXT("correct horse")), PASSWORD_BAD_HASH);
    assert_int_equal(password_verify(oversize, TEXT("correct horse")), PASSWORD_BAD_HASH);
}

/* The hash that stands in for accounts that aren't there (sql/auth/session.sql) must cost what a real one
 * does, so that the time of an answer doesn't tell names: it is well formed, and tried. */
static void the_stand_in_is_tried(void **state) {
    (void)state;
    FILE *file = fopen("sql/auth/session.sql", "r");
    assert_non_null(file);
    char line[512], hash[PASSWORD_HASH_SIZE] = "";
    while (fgets(line, sizeof line, file)) {
        char *start = strstr(line, "'$argon2id$");
        if (start)
            snprintf(hash, sizeof hash, "%.*s", (int)strcspn(start + 1, "'"), start + 1);
    }
    fclose(file);
    assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    char real[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(TEXT("correct horse"), real), PASSWORD_OK);
    assert_int_equal(strlen(hash), strlen(real));
    assert_int_equal(password_verify(hash, TEXT("correct horse")), PASSWORD_WRONG);
}

static void made_passwords(void **state) {
    (void)state;
    char made[64][PASSWORD_GENERATED_SIZE];
    for (size_t i = 0; i < 64; i++) {
        password_generate(made[i]);
        assert_int_equal(password_check(made[i], strlen(made[i])), PASSWORD_OK);
        assert_int_equal(strspn(made[i], "23456789abcdefghijkmnpqrstuvwxyz"), 20);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(made[i], made[k]);
    }
    password_wipe(made[0], sizeof made[0]);
    for (size_t i = 0; i < sizeof made[0]; i++)
        assert_int_equal(made[0][i], 0);
}

static void every_status_has_a_sentence(void **state) {
    (void)state;
    for (int status = PASSWORD_OK; status <= PASSWORD_NO_MEMORY; status++)
        assert_true(strlen(password_status_text((enum password_status)status)) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_for_choosing),    cmocka_unit_test(a_hash_verifies_its_password_only),
        cmocka_unit_test(hashes_from_elsewhere), cmocka_unit_test(the_stand_in_is_tried),
        cmocka_unit_test(made_passwords),        cmocka_unit_test(every_status_has_a_sentence),
    };
    if (!password_init())
        return 1;
    return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
