/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_command - `moult crash`: of the host, or when there is none, of its data folder.
 */
#ifndef MOULT_CRASH_COMMAND_H
#define MOULT_CRASH_COMMAND_H

#include "command.h"

int crash_command(const struct args *args, const struct screen *screen);

#endif
