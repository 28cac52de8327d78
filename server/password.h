/* Password rules and argon2id in one place, for `liftd user` and for the gateway's thread pool. */
#ifndef LIFTD_PASSWORD_H
#define LIFTD_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

/* Shortest password a person may choose, in Unicode characters. */
#define PASSWORD_CHARACTERS_MIN 10
/* Longest password, in bytes of UTF-8: argon2 reads all of it, so it is bounded before any work is done. */
#define PASSWORD_BYTES_MAX 256
/* Room for a stored hash ("$argon2id$v=19$m=19456,t=2,p=1$salt$digest") with its terminating zero. */
#define PASSWORD_HASH_SIZE 128
/* Room for a generated password with its terminating zero. */
#define PASSWORD_GENERATED_SIZE 24

enum password_status {
    PASSWORD_OK = 0,
    PASSWORD_WRONG,     /* password_verify: it is not this password */
    PASSWORD_TOO_SHORT, /* fewer than PASSWORD_CHARACTERS_MIN characters */
    PASSWORD_TOO_LONG,  /* more than PASSWORD_BYTES_MAX bytes */
    PASSWORD_NOT_TEXT,  /* control characters, or not well-formed UTF-8 */
    PASSWORD_BAD_HASH,  /* password_verify: the stored text is no argon2id hash, or one too costly to try */
    PASSWORD_NO_MEMORY, /* argon2 could not get its 19 MiB */
};

/* Must succeed once, on the main thread, before anything else here; false when the system gives no
 * randomness. */
bool password_init(void);

/* Whether `password` may be chosen: length and plain text, nothing else. A list of forbidden words would be a
 * false comfort; throttled sign-in is what protects. Unicode is taken byte for byte: the same visible text in
 * another normal form is another password, as the same keyboard sends the same form every time. */
enum password_status password_check(const char *password, size_t length);

/* Hashes with argon2id, 19 MiB and 2 passes (about 20 ms of one core), into `hash`. Applies password_check
 * first. Thread-safe; the caller bounds how many run at once. */
enum password_status password_hash(const char *password, size_t length, char hash[PASSWORD_HASH_SIZE]);

/* PASSWORD_OK when `password` is the one `hash` was made of, whatever its length and the hash's cost (up to
 * 256 MiB, 8 passes: a hash from elsewhere that would cost more is PASSWORD_BAD_HASH and is not tried).
 * Compares in constant time. Thread-safe. */
enum password_status password_verify(const char *hash, const char *password, size_t length);

/* Twenty random characters of an alphabet without look-alikes (100 bits), such as
 * "mq7gk2vw9r4tznbp3xhd". */
void password_generate(char password[PASSWORD_GENERATED_SIZE]);

/* One English sentence without a full stop, for logs and problem details. Never NULL. */
const char *password_status_text(enum password_status status);

/* Overwrites `size` bytes so that the compiler can't drop it: for buffers that held a password. */
void password_wipe(void *secret, size_t size);

#endif
