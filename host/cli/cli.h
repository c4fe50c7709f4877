/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli - the program `moult`: one entry, a table of subcommands.
 */
#ifndef MOULT_CLI_H
#define MOULT_CLI_H

#include "screen.h"

/* Run `moult` with these arguments; its exit status (0, 1, 2 usage, 3 no host). */
int cli_main(int argc, char **argv);

/* The same on another screen. */
int cli_run(int argc, char **argv, const struct screen *screen);

#endif
