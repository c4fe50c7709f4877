/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moving - what a plan says to people of how a server moves, and why.
 */
#ifndef MOULT_MOVING_H
#define MOULT_MOVING_H

#include <jansson.h>

#include "plan.h"

/* "its state has another format", "it is new" */
const char *moving_why(const struct plan_child *child);

/*
 * "'counter' moves by code_change: its state has another format (1 -> 2), with extra {...};
 * what waits for it by message_change (0 -> 1); it has other args from its next start on",
 * of one that both versions have; given.
 */
json_t *moving_text(const struct plan_child *child);

#endif
