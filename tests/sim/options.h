/* What the simulator was asked to do: its command line and its manual. */
#ifndef LIFTSIM_OPTIONS_H
#define LIFTSIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *host;
    int port;
    const char *devices_path; /* NULL: generated names */
    int generate;             /* devices to generate; 0: none */
    const char *area;         /* of generated devices */
    const char *password;     /* of generated devices */
    int units;                /* units behind each generated device */
    bool print_devices;       /* write the devices to standard output and end */
    int lifts;                /* at most so many lifts; 0: all */
    double rate;              /* readings a second and lift; 0: on change */
    double total_rate;        /* readings a second of all together; 0: see rate */
    double seconds;           /* how long readings are made; 0: until a signal */
    bool gather;              /* make nothing before every device is connected */
    double drain_s, linger_s;
    uint64_t seed;
    int array;
    int idle_s;
    int window;
    uint64_t store;
    const char *store_dir;
    int backlog_array, backlog_every_ms;
    int deaf;
    double busy;
    int hour;
    int floors;
    const char *script_path;
    double fault_rate;
    const char *ledger_path;
    double report_s;
    int reconnect_max_ms;
};

/* Reads the command line. Prints the manual or what is wrong and ends the process where there is nothing to
 * run. */
void options_read(struct options *o, int argc, char **argv);

#endif
