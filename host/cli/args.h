/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args - the words of a command line: which command, its options, its arguments.
 *
 * Options may stand anywhere after `moult`; `--name value` and `--name=value` are the
 * same; `--` ends them.  A word that begins like a negative number is no option.
 */
#ifndef MOULT_ARGS_H
#define MOULT_ARGS_H

#include <stdbool.h>

#include "fault.h"

#define ARGS_OPTIONS_MAX 12 /* of one command */

/* An option.  A table of them ends with a NULL name. */
struct option {
    const char *name;  /* without the dashes */
    const char *value; /* what stands for its value in help, or NULL if it has none */
    const char *about; /* one line */
    bool many;         /* it may be given more than once: see struct args */
};

struct command;

/* All of it is lent by argv. */
struct args {
    const struct command *command; /* NULL if none was given */
    const char **words;            /* after the command; given, see args_finish() */
    int count;
    const char *values[ARGS_OPTIONS_MAX]; /* of the command's options, in their order */
    const char **many; /* of the one that may be given more than once; ends with NULL */
    const char *socket; /* --socket */
    bool json, help, version;
};

/* The options that every command takes. */
extern const struct option args_everywhere[];

/* 0, or -EINVAL with `why`, which is phrased for who typed it. */
int args_parse(int argc, char **argv, struct args *out, struct fault *why);

void args_finish(struct args *args);

/*
 * The value of the command's option `name`; "" for one without a value; NULL: not
 * given.
 */
const char *args_value(const struct args *args, const char *name);

#endif
