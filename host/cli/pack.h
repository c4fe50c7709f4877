/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack - the command that makes a package of a release file and its plugins.
 */
#ifndef MOULT_PACK_H
#define MOULT_PACK_H

#include "command.h"

/* As struct command's run. */
int pack_run(const struct args *args, const struct screen *screen);

#endif
