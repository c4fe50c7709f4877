/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help - how the program explains itself.
 */
#ifndef MOULT_HELP_H
#define MOULT_HELP_H

#include "command.h"

/* Something that help explains beside the commands.  The first line is its heading. */
struct help_topic {
    const char *name, *summary;
    void (*print)(FILE *out);
};

/* The topic at `index`; NULL past the last. */
const struct help_topic *help_topic_at(size_t index);

/* The commands, a line each. */
void help_overview(FILE *out);

/* One command: synopsis, options, details and examples. */
void help_command(const struct command *command, FILE *out);

/* `moult help [TOPIC]`: a command or one of the topics beside them; the status. */
int help_run(const struct args *args, const struct screen *screen);

#endif
