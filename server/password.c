/* Password rules and argon2id: thin, thread-safe wrappers round libsodium. */
#include "password.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../ingest/require.h"

/* OWASP's first choice for argon2id; measured at about 20 ms, so two at once leave a core for everybody else.
 */
#define COST_MEMORY_BYTES ((size_t)19 * 1024 * 1024)
#define COST_PASSES 2u
/* A stored hash names its own cost; these bounds keep a hash from elsewhere from taking the machine. */
#define VERIFY_MEMORY_KIB_MAX (256u * 1024u)
#define VERIFY_PASSES_MAX 8u

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "libsodium's hash must fit");

bool password_init(void) {
    return sodium_init() >= 0;
}

/* Length of the well-formed UTF-8 sequence at `s`, 0 when it is none (overlong forms, surrogates and values
 * above U+10FFFF included). */
static size_t sequence_length(const unsigned char *s, size_t left) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80                   ? 1
                    : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                    : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                    : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || length > left)
        return 0;
    if (length == 1)
        return 1;
    uint32_t point = s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (s[i] & 0x3fu);
    }
    if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    return length;
}

enum password_status password_check(const char *password, size_t length) {
    if (length > PASSWORD_BYTES_MAX)
        return PASSWORD_TOO_LONG;
    const unsigned char *bytes = (const unsigned char *)password;
    size_t characters = 0;
    for (size_t at = 0; at < length; characters++) {
        size_t step = sequence_length(bytes + at, length - at);
        if (step == 0 || bytes[at] < 0x20 || bytes[at] == 0x7f)
            return PASSWORD_NOT_TEXT;
        at += step;
    }
    return characters < PASSWORD_CHARACTERS_MIN ? PASSWORD_TOO_SHORT : PASSWORD_OK;
}

enum password_status password_hash(const char *password, size_t length, char hash[PASSWORD_HASH_SIZE]) {
    enum password_status status = password_check(password, length);
    if (status != PASSWORD_OK)
        return status;
    char made[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(made, password, length, COST_PASSES, COST_MEMORY_BYTES,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return PASSWORD_NO_MEMORY;
    REQUIRE(memchr(made, 0, sizeof made) != NULL);
    snprintf(hash, PASSWORD_HASH_SIZE, "%s", made);
    return PASSWORD_OK;
}

/* The memory `hash` asks for in KiB, or 0 when it is no argon2id hash within the bounds. */
static unsigned affordable_memory_kib(const char *hash) {
    unsigned memory_kib = 0;
    unsigned passes = 0;
    unsigned lanes = 0;
    if (strnlen(hash, PASSWORD_HASH_SIZE) >= PASSWORD_HASH_SIZE)
        return 0;
    if (sscanf(hash, "$argon2id$v=19$m=%8u,t=%8u,p=%8u$", &memory_kib, &passes, &lanes) != 3)
        return 0;
    if (memory_kib > VERIFY_MEMORY_KIB_MAX || passes == 0 || passes > VERIFY_PASSES_MAX || lanes != 1)
        return 0;
    return memory_kib;
}

enum password_status password_verify(const char *hash, const char *password, size_t length) {
    if (affordable_memory_kib(hash) == 0)
        return PASSWORD_BAD_HASH;
    if (length > PASSWORD_BYTES_MAX)
        return PASSWORD_WRONG;
    /* libsodium wants its full buffer, zeros after the text. */
    char stored[crypto_pwhash_STRBYTES] = {0};
    snprintf(stored, sizeof stored, "%s", hash);
    return crypto_pwhash_str_verify(stored, password, length) == 0 ? PASSWORD_OK : PASSWORD_WRONG;
}

void password_generate(char password[PASSWORD_GENERATED_SIZE]) {
    static const char alphabet[] = "23456789abcdefghijkmnpqrstuvwxyz";
    _Static_assert(sizeof alphabet - 1 == 32, "five bits a character");
    size_t length = 20;
    REQUIRE(length < PASSWORD_GENERATED_SIZE);
    for (size_t i = 0; i < length; i++)
        password[i] = alphabet[randombytes_uniform(sizeof alphabet - 1)];
    password[length] = 0;
}

const char *password_status_text(enum password_status status) {
    switch (status) {
    case PASSWORD_OK:
        return "the password is right";
    case PASSWORD_WRONG:
        return "the password is wrong";
    case PASSWORD_TOO_SHORT:
        return "a password needs at least 10 characters";
    case PASSWORD_TOO_LONG:
        return "a password may have at most 256 bytes";
    case PASSWORD_NOT_TEXT:
        return "a password must be plain UTF-8 text without control characters";
    case PASSWORD_BAD_HASH:
        return "the stored hash is no argon2id hash this program would try";
    case PASSWORD_NO_MEMORY:
        return "there is no memory for argon2id now";
    }
    return "unknown password status";
}

void password_wipe(void *secret, size_t size) {
    sodium_memzero(secret, size);
}
