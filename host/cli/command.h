/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - the table of subcommands.
 *
 * A command is a row: what it is called, how it is explained, and either the method
 * that it is a thin client of, with how its parameters are made and its result is
 * shown, or a function of its own.
 */
#ifndef MOULT_COMMAND_H
#define MOULT_COMMAND_H

#include <jansson.h>
#include <stddef.h>

#include "args.h"
#include "screen.h"

/* What the program ends with. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_HOST = 3 };

struct command {
    const char *name;
    const char *synopsis; /* what follows the name: "NAME JSON [--timeout MS]" */
    const char *summary;  /* one line, without a full stop */
    const char *details;  /* of its help: paragraphs and examples */
    const struct option *options; /* or NULL */
    int least, most;              /* words after the name; most < 0: any number */
    bool hidden;                  /* for the host itself */

    const char *method; /* of the host, or NULL */

    /* The parameters from the words: 0 and `*params` given, or -EINVAL.  NULL: none. */
    int (*params)(const struct args *args, json_t **params, struct fault *why);

    /* Show the result (borrowed), unless --json was given. */
    void (*show)(const struct screen *screen, const json_t *result);

    /* What takes the place of asking the method and showing its result; the status. */
    int (*run)(const struct args *args, const struct screen *screen);
};

/* The command at `index`; NULL past the last. */
const struct command *command_at(size_t index);

/* The command called `name`, or NULL. */
const struct command *command_find(const char *name);

#endif
