/* The one place where rooms meet: broker, rules, database, gateway and consoles, one turn per loop iteration.
 */
#ifndef LIFTD_PIPELINE_H
#define LIFTD_PIPELINE_H

#include "config.h"

/* Runs the server until SIGTERM or SIGINT. SIGHUP reads config_path again. Returns the exit status: 0 after
 * an orderly end (everything read is committed and acknowledged, or the database was away and nothing of it
 * was acknowledged), 1 when it could not start or must not go on (the log says why). */
int pipeline_serve(const struct config *config, const char *config_path);

#endif
