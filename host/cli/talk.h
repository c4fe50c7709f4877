/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk - commands that ask the host something and show what it says.
 */
#ifndef MOULT_TALK_H
#define MOULT_TALK_H

#include "command.h"

/* Ask the command's method and show the result; the status. */
int talk_run(const struct args *args, const struct screen *screen);

/*
 * Ask for `method` (of a command that has several) with `params` (taken): CLI_DONE and
 * `*result` given; CLI_NO_HOST, and not a word; or what was complained about.
 */
int talk_ask(const struct args *args, const struct screen *screen, const char *method,
             json_t *params, json_t **result);

/* `moult ps`: and say so if there are more than were asked for. */
int talk_ps(const struct args *args, const struct screen *screen);

/* `moult events`: what happened, and with --follow what happens. */
int talk_trace(const struct args *args, const struct screen *screen);
int talk_events(const struct args *args, const struct screen *screen);

/* `moult stop`: ask, and wait until the host has gone. */
int talk_stop(const struct args *args, const struct screen *screen);

#endif
