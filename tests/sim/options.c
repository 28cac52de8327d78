/* The simulator's command line and manual; see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char manual[] =
    "liftsim - lifts that ride, fail and report over MQTT as real terminals do\n"
    "\n"
    "usage: liftsim --devices FILE [options]\n"
    "       liftsim --generate N [options]\n"
    "\n"
    "One connection per device. A device subscribes to its 'down' topic, says it is present (its last will "
    "says\n"
    "it is not), publishes a reading at QoS 1 whenever something changes and at least every 30 s, and keeps "
    "its\n"
    "last readings in a bounded store. When liftd tells it up to where nothing is missing, it answers with "
    "a\n"
    "marker, goes on with live readings at once, and sends what it holds beyond that point beside them, "
    "oldest\n"
    "first, paced. For the same seed the lifts do the same things, at other times of the clock.\n"
    "\n"
    "Where to\n"
    "  --host NAME            the broker (127.0.0.1)\n"
    "  --port N               its port (18883)\n"
    "  --devices FILE         lines 'area device password [units]'; '#' begins a comment. More than one unit "
    "makes\n"
    "                         it a gateway: what its lifts report at the same time goes out as one array\n"
    "  --generate N           N devices named sim00001, sim00002, ..\n"
    "  --area NAME            area of generated devices (sim)\n"
    "  --password TEXT        password of generated devices (sim)\n"
    "  --gateway U            lifts behind each generated device (1)\n"
    "  --print-devices        print the devices as --devices reads them, and end\n"
    "\n"
    "How much\n"
    "  --lifts N              only the first N lifts\n"
    "  --rate R               every lift sends R readings a second instead of reporting changes\n"
    "  --total-rate R         all lifts together send R readings a second\n"
    "  --array K              collect K readings of a device into one message (1)\n"
    "  --idle S               longest time without a reading, s (30)\n"
    "  --seconds S            make readings for S seconds (0: until SIGINT or SIGTERM)\n"
    "  --gather               make nothing before every device is connected; times count from then\n"
    "  --drain S              then wait up to S seconds until everything is acknowledged by the broker (30)\n"
    "  --linger S             then stay connected for S seconds and answer resume points (0)\n"
    "  --window N             messages of one device in flight at once (100). A device with --rate makes no "
    "more\n"
    "                         readings while its window is full; one that reports changes sends them later\n"
    "  --seed X               seed of all randomness (1)\n"
    "\n"
    "The devices\n"
    "  --store N              readings kept per lift (4096); 0 is a device that keeps nothing\n"
    "  --no-store             the same as --store 0\n"
    "  --store-dir DIR        keep the stores in files, so that they outlive the simulator; boots then go "
    "on\n"
    "  --backlog-array N      readings in one message when catching up (50)\n"
    "  --backlog-every MS     one such message of a device every MS milliseconds (250)\n"
    "  --deaf N               the first N devices do not answer resume points\n"
    "  --reconnect-max MS     longest pause before connecting again, ms (5000); it doubles from 250 with "
    "jitter\n"
    "\n"
    "The lifts\n"
    "  --busy X               times as many calls as a block of flats has, about 120 a day (1)\n"
    "  --hour H               pin the time of day that calls depend on (0..23; else Asia/Shanghai's now)\n"
    "  --floors N             landings of each lift (6)\n"
    "\n"
    "Faults\n"
    "  --fault-rate F         F random faults per lift and hour (0)\n"
    "  --script FILE          faults at times, one a line: 't=SECONDS lift=N|* FAULT'. N counts lifts from 1 "
    "in the\n"
    "                         order of the devices; '*' is every lift. '#' begins a comment. FAULT is one "
    "of\n"
    "    trap S               stops between floors with people inside for S s; the button is pressed after "
    "20 s\n"
    "    stop_outside_zone S  the same without people\n"
    "    door_open_moving S   moves for S s with its front door not closed\n"
    "    code C S             message code C is on for S s (42 takes it out of service, 43 inspection, ..)\n"
    "    mains_lost S         code 41, on battery, no service for S s\n"
    "    inspection S         code 43 and mode 2 for S s\n"
    "    out_of_service S     code 42 and mode 0 for S s\n"
    "    button               code 90 for 5 s\n"
    "    test_call            code 100 for 5 s\n"
    "    mode M S             service mode M for S s\n"
    "    silent S             the device has no power for S s: nothing is sent and nothing is kept\n"
    "    offline S            the device has no network for S s: it keeps what it reads and sends it later\n"
    "    clock OFFSET [S]     the device's clock is off by OFFSET (+2h, -30m, 90s, +1d) for S s, or for "
    "good\n"
    "    reboot               the device starts again: boot + 1, seq from 1\n"
    "    boot_fall S          the device counts a boot less for S s, then one more than before\n"
    "    garbage              publishes bytes that are no reading\n"
    "    duplicate            publishes its last reading again\n"
    "\n"
    "Results\n"
    "  --ledger FILE          CSV of everything made: device,unit,boot,seq,ts,sha,codes,mode,kind\n"
    "  --report S             print rates to standard error every S s (10; 0: only at the end)\n"
    "  --help                 this page\n"
    "\n"
    "SIGINT or SIGTERM: no more faults; stop, drain, linger, end. A second one ends at once. Exit status: "
    "0, or 1 "
    "when\n"
    "something was left unacknowledged, 2 for a wrong command line or file.\n"
    "\n"
    "Example: 49 lifts of a busy house with random faults, and stores that outlive restarts\n"
    "  liftsim --devices var/devices --lifts 49 --busy 10 --fault-rate 0.5 --store-dir var/sim\n";

enum kind { TEXT, INTEGER, NUMBER, COUNT, FLAG };

struct rule {
    const char *name;
    enum kind kind;
    size_t offset;
    double lowest, highest;
};

#define RULE(name, kind, field, lowest, highest)                                                             \
    { name, kind, offsetof(struct options, field), lowest, highest }

static const struct rule rules[] = {
    RULE("host", TEXT, host, 0, 0),
    RULE("port", INTEGER, port, 1, 65535),
    RULE("devices", TEXT, devices_path, 0, 0),
    RULE("generate", INTEGER, generate, 1, 100000),
    RULE("area", TEXT, area, 0, 0),
    RULE("password", TEXT, password, 0, 0),
    RULE("gateway", INTEGER, units, 1, 256),
    RULE("print-devices", FLAG, print_devices, 0, 0),
    RULE("lifts", INTEGER, lifts, 1, 1000000),
    RULE("rate", NUMBER, rate, 0, 1000),
    RULE("total-rate", NUMBER, total_rate, 0, 1e6),
    RULE("seconds", NUMBER, seconds, 0, 1e9),
    RULE("gather", FLAG, gather, 0, 0),
    RULE("drain", NUMBER, drain_s, 0, 1e6),
    RULE("linger", NUMBER, linger_s, 0, 1e6),
    RULE("seed", COUNT, seed, 0, 1e18),
    RULE("array", INTEGER, array, 1, 512),
    RULE("idle", INTEGER, idle_s, 1, 86400),
    RULE("window", INTEGER, window, 1, 60000),
    RULE("store", COUNT, store, 0, 1e7),
    RULE("store-dir", TEXT, store_dir, 0, 0),
    RULE("backlog-array", INTEGER, backlog_array, 1, 512),
    RULE("backlog-every", INTEGER, backlog_every_ms, 1, 60000),
    RULE("deaf", INTEGER, deaf, 0, 1000000),
    RULE("busy", NUMBER, busy, 0.001, 10000),
    RULE("hour", INTEGER, hour, 0, 23),
    RULE("floors", INTEGER, floors, 2, 200),
    RULE("script", TEXT, script_path, 0, 0),
    RULE("fault-rate", NUMBER, fault_rate, 0, 3600),
    RULE("ledger", TEXT, ledger_path, 0, 0),
    RULE("report", NUMBER, report_s, 0, 1e6),
    RULE("reconnect-max", INTEGER, reconnect_max_ms, 250, 600000),
};
#define RULES (sizeof rules / sizeof rules[0])

static void wrong(const char *what, const char *about) {
    fprintf(stderr, "liftsim: %s: %s\nTry 'liftsim --help'.\n", about, what);
    exit(2);
}

static void take(struct options *o, const struct rule *rule, const char *text) {
    char *field = (char *)o + rule->offset;
    if (rule->kind == FLAG) {
        *(bool *)(void *)field = true;
        return;
    }
    if (rule->kind == TEXT) {
        *(const char **)(void *)field = text;
        return;
    }
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (*text == '\0' || *end || errno || !(value >= rule->lowest && value <= rule->highest))
        wrong("not a number in its bounds", text);
    if (rule->kind == NUMBER) {
        *(double *)(void *)field = value;
        return;
    }
    if (strspn(text, "0123456789") != strlen(text))
        wrong("not a whole number", text);
    if (rule->kind == COUNT)
        *(uint64_t *)(void *)field = strtoull(text, NULL, 10);
    else
        *(int *)(void *)field = (int)value;
}

static void defaults(struct options *o) {
    *o = (struct options){.host = "127.0.0.1",
                          .port = 18883,
                          .area = "sim",
                          .password = "sim",
                          .units = 1,
                          .drain_s = 30,
                          .seed = 1,
                          .array = 1,
                          .idle_s = 30,
                          .window = 100,
                          .store = 4096,
                          .backlog_array = 50,
                          .backlog_every_ms = 250,
                          .busy = 1,
                          .hour = -1,
                          .floors = 6,
                          .report_s = 10,
                          .reconnect_max_ms = 5000};
}

void options_read(struct options *o, int argc, char **argv) {
    struct option table[RULES + 3];
    memset(table, 0, sizeof table);
    for (size_t i = 0; i < RULES; i++)
        table[i] =
            (struct option){rules[i].name, rules[i].kind == FLAG ? no_argument : required_argument, NULL, 0};
    table[RULES] = (struct option){"help", no_argument, NULL, 'h'};
    table[RULES + 1] = (struct option){"no-store", no_argument, NULL, 'n'};
    defaults(o);
    for (int at, got; at = 0, (got = getopt_long(argc, argv, "h", table, &at)) != -1;) {
        if (got == 'h') {
            fputs(manual, stdout);
            exit(0);
        } else if (got == 'n') {
            o->store = 0;
        } else if (got == 0) {
            take(o, &rules[at], optarg);
        } else {
            fputs("Try 'liftsim --help'.\n", stderr);
            exit(2);
        }
    }
    if (optind < argc)
        wrong("not expected here", argv[optind]);
    if (!o->devices_path == !o->generate)
        wrong("give one of the two", "--devices FILE or --generate N");
    if (o->rate > 0 && o->total_rate > 0)
        wrong("give one of the two", "--rate or --total-rate");
}
