/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_tables - the subcommands, by what they are about, each table ended by a row
 * without a name; command.c looks through them in this order, which is that of the help.
 */
#ifndef MOULT_COMMAND_TABLES_H
#define MOULT_COMMAND_TABLES_H

#include "command.h"

extern const struct command commands_host[];    /* what a host is, does and says */
extern const struct command commands_process[]; /* what runs in it, one by one */
extern const struct command commands_change[];  /* other versions of what runs */
extern const struct command commands_release[]; /* releases: OTP's release_handler */
extern const struct command commands_file[];    /* files, without a host; and help */

/* Of all commands that change versions. */
extern const struct option command_upgrade_options[];

#endif
