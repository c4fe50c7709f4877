/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - the running program: everything that `moult run` starts, and ends.
 */
#ifndef MOULT_HOST_H
#define MOULT_HOST_H

#include "config.h"

/*
 * Run until SIGTERM, SIGINT or the method `stop`, and shut down in order; SIGHUP has it
 * read its configuration anew.  `config`, which was gathered from `options`, and these are
 * borrowed.  The exit status of the program: 0, or 1 and a line on stderr why not.
 * [main thread]
 */
int host_run(struct config *config, const struct config_options *options);

#endif
