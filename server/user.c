/* SHELL: `liftd user`: parses the command line, hashes the password, and calls the functions of schema auth.
 */
#include "user.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "../ingest/require.h"
#include "password.h"

#define CONNECT_TIMEOUT_S "10"
#define LIST_MAX 20
/* "{" and per entry two quotes, a comma and an escaped text. */
#define ARRAY_BYTES (LIST_MAX * (2 * 64 + 3) + 3)

static const char manual[] =
    "liftd user - the people who may sign in\n"
    "\n"
    "  liftd user [-c FILE] add NAME --role ROLE [--role ROLE]... [OPTIONS]\n"
    "  liftd user [-c FILE] password NAME [--password-stdin]\n"
    "  liftd user [-c FILE] disable NAME\n"
    "  liftd user [-c FILE] enable NAME\n"
    "  liftd user [-c FILE] list\n"
    "  liftd user roles\n"
    "\n"
    "A password is read from the first line of standard input with --password-stdin; without it one is made\n"
    "and printed, once. It has 10 characters at least and 256 bytes at most, plain UTF-8, kept as argon2id.\n"
    "Unicode is taken as typed: the same visible text in another normal form is another password.\n"
    "Setting a password and disabling an account end its sessions. Accounts are never deleted.\n"
    "\n"
    "OPTIONS of add\n"
    "  --display-name TEXT   the name other people see (default: NAME)\n"
    "  --language zh|en      default zh\n"
    "  --area CODE           limits the account to this area and all below it; may be repeated\n"
    "  --firm CODE           limits the account to the lifts this firm is responsible for on the day\n"
    "  --password-stdin      see above\n"
    "A planner or technician needs --firm or --area; an admin takes neither; others without them see all.\n";

static const char *const roles[][2] = {
    {"dispatcher", "acknowledges alarms, registers devices"},
    {"planner", "a firm's planner: its lifts and alarms"},
    {"technician", "a firm's technician: its lifts and alarms"},
    {"fund", "manages the money of buildings; reads lifts and alarms"},
    {"auditor", "reads everything, the audit trail included; changes nothing"},
    {"admin", "everything, accounts included"},
};

struct request {
    const char *verb, *name, *display_name, *language, *firm;
    const char *areas[LIST_MAX], *roles[LIST_MAX];
    size_t area_count, role_count;
    bool password_stdin;
};

static int misused(const char *what, const char *subject) {
    fprintf(stderr, "liftd user: %s%s%s; `liftd user --help` says how\n", what, subject ? " " : "",
            subject ? subject : "");
    return 2;
}

static bool push(const char **list, size_t *count, const char *value) {
    if (*count == LIST_MAX || strlen(value) > 64)
        return false;
    list[(*count)++] = value;
    return true;
}

/* Takes the option at argv[i] and says how many arguments it used; 0 after saying what is wrong. */
static int take_option(struct request *r, int left, char **argv) {
    const char *option = argv[0];
    if (strcmp(option, "--password-stdin") == 0) {
        r->password_stdin = true;
        return 1;
    }
    bool adds = strcmp(r->verb, "add") == 0;
    const char **single = strcmp(option, "--display-name") == 0 ? &r->display_name
                          : strcmp(option, "--language") == 0   ? &r->language
                          : strcmp(option, "--firm") == 0       ? &r->firm
                                                                : NULL;
    bool is_role = strcmp(option, "--role") == 0;
    bool is_area = strcmp(option, "--area") == 0;
    if (!adds || (!single && !is_role && !is_area)) {
        misused("unknown option", option);
        return 0;
    }
    if (left < 2) {
        misused("a value is missing after", option);
        return 0;
    }
    if (single)
        *single = argv[1];
    else if (!push(is_role ? r->roles : r->areas, is_role ? &r->role_count : &r->area_count, argv[1])) {
        misused("too many or too long:", option);
        return 0;
    }
    return 2;
}

/* Reads the command line; 0 when it is good. */
static int parse(struct request *r, int argc, char **argv) {
    static const char *const verbs[] = {"add", "password", "disable", "enable", "list", "roles"};
    memset(r, 0, sizeof *r);
    r->verb = argc > 1 ? argv[1] : "";
    size_t known = 0;
    while (known < sizeof verbs / sizeof verbs[0] && strcmp(verbs[known], r->verb) != 0)
        known++;
    if (known == sizeof verbs / sizeof verbs[0])
        return misused(r->verb[0] ? "unknown verb" : "say what to do", r->verb[0] ? r->verb : NULL);
    bool named = known < 4;
    for (int i = 2; i < argc;) {
        if (strncmp(argv[i], "--", 2) != 0 && named && !r->name) {
            r->name = argv[i++];
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0 || known > 1)
            return misused("not expected:", argv[i]);
        int used = take_option(r, argc - i, argv + i);
        if (used == 0)
            return 2;
        i += used;
    }
    if (named && !r->name)
        return misused("a NAME is missing", NULL);
    if (known == 0 && r->role_count == 0)
        return misused("add needs at least one --role", NULL);
    return 0;
}

static PGconn *connect_admin(const struct config *config) {
    const char *user = config->database.admin_user;
    const char *names[] = {"dbname", "connect_timeout", "application_name", user[0] ? "user" : NULL, NULL};
    const char *values[] = {config->database.conninfo, CONNECT_TIMEOUT_S, "liftd user", user, NULL};
    PGconn *connection = PQconnectdbParams(names, values, 1);
    if (connection && PQstatus(connection) == CONNECTION_OK)
        return connection;
    fprintf(stderr, "liftd user: no database: %s", connection ? PQerrorMessage(connection) : "no memory\n");
    PQfinish(connection);
    return NULL;
}

/* Runs one statement; NULL after printing PostgreSQL's sentence (what auth's functions refuse is one). */
static PGresult *ask(PGconn *connection, const char *sql, int count, const char *const *values) {
    PGresult *result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return result;
    const char *sentence = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    fprintf(stderr, "liftd user: %s\n", sentence ? sentence : PQerrorMessage(connection));
    PQclear(result);
    return NULL;
}

/* Writes a PostgreSQL array literal of the texts. */
static void array_literal(char out[ARRAY_BYTES], const char *const *list, size_t count) {
    size_t n = 0;
    out[n++] = '{';
    for (size_t i = 0; i < count; i++) {
        if (i)
            out[n++] = ',';
        out[n++] = '"';
        for (const char *c = list[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                out[n++] = '\\';
            out[n++] = *c;
        }
        out[n++] = '"';
        REQUIRE(n + 2 < ARRAY_BYTES);
    }
    out[n++] = '}';
    out[n] = '\0';
}

/* Reads the first line of standard input as the password. Its length, or -1 after saying what is wrong. */
static int read_password(char *out, size_t out_bytes) {
    if (!fgets(out, (int)out_bytes, stdin)) {
        fprintf(stderr, "liftd user: no password on standard input\n");
        return -1;
    }
    size_t length = strcspn(out, "\r\n");
    if (out[length] == '\0' && length + 1 == out_bytes) {
        fprintf(stderr, "liftd user: %s\n", password_status_text(PASSWORD_TOO_LONG));
        return -1;
    }
    out[length] = '\0';
    return (int)length;
}

/* Reads or makes the password and hashes it; a made one stays in `made` for printing, else that is "". */
static bool take_password(const struct request *r, char hash[PASSWORD_HASH_SIZE],
                          char made[PASSWORD_GENERATED_SIZE]) {
    char typed[PASSWORD_BYTES_MAX + 3];
    made[0] = '\0';
    if (!password_init()) {
        fprintf(stderr, "liftd user: the system gives no random numbers\n");
        return false;
    }
    enum password_status status;
    if (r->password_stdin) {
        int length = read_password(typed, sizeof typed);
        status = length < 0 ? PASSWORD_WRONG : password_hash(typed, (size_t)length, hash);
        password_wipe(typed, sizeof typed);
        if (length < 0)
            return false;
    } else {
        password_generate(made);
        status = password_hash(made, strlen(made), hash);
    }
    if (status != PASSWORD_OK)
        fprintf(stderr, "liftd user: %s\n", password_status_text(status));
    return status == PASSWORD_OK;
}

static void say_made(const struct request *r, char made[PASSWORD_GENERATED_SIZE]) {
    if (made[0])
        printf("password of %s: %s\n", r->name, made);
    password_wipe(made, PASSWORD_GENERATED_SIZE);
}

static int add(PGconn *connection, const struct request *r) {
    char hash[PASSWORD_HASH_SIZE], made[PASSWORD_GENERATED_SIZE], role_list[ARRAY_BYTES],
        area_list[ARRAY_BYTES];
    if (!take_password(r, hash, made))
        return 1;
    array_literal(role_list, r->roles, r->role_count);
    array_literal(area_list, r->areas, r->area_count);
    const char *values[] = {r->name, r->display_name, role_list, hash, r->language, area_list, r->firm};
    PGresult *result =
        ask(connection, "select auth.create_user($1, $2, $3::text[], $4, $5, $6::text[], $7)", 7, values);
    if (result) {
        printf("added %s\n", r->name);
        say_made(r, made);
    }
    password_wipe(made, sizeof made);
    PQclear(result);
    return result ? 0 : 1;
}

/* Applies {"disabled": ..} or {"hash": ..} to the account named. */
static int change(PGconn *connection, const struct request *r, const char *field, const char *value,
                  const char *done) {
    const char *values[] = {r->name, field, value};
    PGresult *result = ask(connection,
                           "select auth.change_user(u.id, jsonb_build_object($2::text, $3::text))"
                           " from auth.user_account u where lower(u.name) = lower($1)",
                           3, values);
    int count = result ? PQntuples(result) : -1;
    PQclear(result);
    if (count == 0)
        fprintf(stderr, "liftd user: there is no account %s\n", r->name);
    else if (count > 0)
        printf("%s %s\n", done, r->name);
    return count > 0 ? 0 : 1;
}

static int set_password(PGconn *connection, const struct request *r) {
    char hash[PASSWORD_HASH_SIZE], made[PASSWORD_GENERATED_SIZE];
    if (!take_password(r, hash, made))
        return 1;
    int status = change(connection, r, "hash", hash, "new password for");
    if (status == 0)
        say_made(r, made);
    password_wipe(made, sizeof made);
    return status;
}

static int list(PGconn *connection) {
    PGresult *result = ask(
        connection,
        "select u.name, u.display_name, array_to_string(u.roles, ','),"
        " concat_ws(' ', (select 'areas ' || string_agg(a.code, ',' order by a.code) from auth.user_area x"
        " join registry.area a on a.id = x.area_id where x.user_id = u.id),"
        " (select 'firm ' || p.code from auth.user_firm x join registry.party p on p.id = x.party_id"
        " where x.user_id = u.id), case when u.disabled_at is not null then 'disabled' end)"
        " from auth.user_account u order by lower(u.name)",
        0, NULL);
    if (!result)
        return 1;
    for (int i = 0; i < PQntuples(result); i++)
        printf("%s\t%s\t%s\t%s\n", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
               PQgetvalue(result, i, 2), PQgetvalue(result, i, 3));
    PQclear(result);
    return 0;
}

static int list_roles(void) {
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        printf("%-12s%s\n", roles[i][0], roles[i][1]);
    return 0;
}

int user_main(const struct config *config, int argc, char **argv) {
    struct request r;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(manual, stdout);
        return 0;
    }
    int status = parse(&r, argc, argv);
    if (status != 0)
        return status;
    if (strcmp(r.verb, "roles") == 0)
        return list_roles();
    PGconn *connection = connect_admin(config);
    if (!connection)
        return 1;
    status = strcmp(r.verb, "add") == 0        ? add(connection, &r)
             : strcmp(r.verb, "password") == 0 ? set_password(connection, &r)
             : strcmp(r.verb, "disable") == 0  ? change(connection, &r, "disabled", "true", "disabled")
             : strcmp(r.verb, "enable") == 0   ? change(connection, &r, "disabled", "false", "enabled")
                                               : list(connection);
    PQfinish(connection);
    return status;
}
