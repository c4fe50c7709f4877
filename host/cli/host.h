/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - the running program: everything that `moult run` starts, and ends.
 */
#ifndef MOULT_HOST_H
#define MOULT_HOST_H

#include "config.h"

/*
 * Run until SIGTERM, SIGINT or the method `stop`, and shut down in order.  `config` is
 * borrowed.  The exit status of the program: 0, or 1 and a line on stderr why not.
 * [main thread]
 */
int host_run(const struct config *config);

#endif
