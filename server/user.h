/* SHELL: `liftd user`: adds and changes the people who may sign in, from the server itself. */
#ifndef LIFTD_USER_H
#define LIFTD_USER_H

#include "config.h"

/* argv[0] is "user", argv[1] the verb. Connects with conninfo as admin_user. Returns the process's exit
 * status: 0 done, 1 not done (the sentence is on stderr), 2 a wrong command line. */
int user_main(const struct config *config, int argc, char **argv);

#endif
