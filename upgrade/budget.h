/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget - how long an upgrade may hold things up, and who took the longest.
 */
#ifndef MOULT_BUDGET_H
#define MOULT_BUDGET_H

#include <stdbool.h>

#include "fault.h"
#include "terms.h"

#define BUDGET_NAMED 5u /* servers, when it is exceeded */

/* One pause.  All zero has no end. */
struct budget {
    struct terms terms;
    uint64_t end_ns; /* on the monotonic clock; 0: none */
};

/* From `now_ns` on. */
struct budget budget_begin(const struct terms *terms, uint64_t now_ns);

/* Is the whole over?  [any] */
bool budget_is_over(const struct budget *b);

/* How long something may take that may take `most_ms`: 1 at least. */
uint32_t budget_patience(const struct budget *b, uint32_t most_ms);

/* 0; or -ETIMEDOUT and `why`: that is too long for the move of server `id`. */
int budget_check_move(const struct budget *b, uint64_t took_ns, const char *id,
                      struct fault *why);

/* Who took longest, the first the most. */
struct slowest {
    struct {
        const char *name; /* borrowed */
        uint32_t us;
    } list[BUDGET_NAMED];
    unsigned count;
};

/* `name` took so long; 0 is nothing to tell. */
void slowest_add(struct slowest *s, const char *name, uint32_t us);

/* -ETIMEDOUT and `why`, which names them. */
int budget_exceeded(const struct budget *b, const struct slowest *slowest,
                    struct fault *why);

#endif
