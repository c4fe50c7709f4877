/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "utf8.h"

#define NS_PER_MS 1000000u

struct budget budget_begin(const struct terms *terms, uint64_t now_ns)
{
    struct budget b = {.terms = *terms};

    if (terms->max_pause_ms)
        b.end_ns = now_ns + (uint64_t)terms->max_pause_ms * NS_PER_MS;
    return b;
}

bool budget_is_over(const struct budget *b)
{
    return b->end_ns && clock_ns() >= b->end_ns;
}

uint32_t budget_patience(const struct budget *b, uint32_t most_ms)
{
    uint64_t now = b->end_ns ? clock_ns() : 0, left;

    if (b->terms.max_move_ms && b->terms.max_move_ms < most_ms)
        most_ms = b->terms.max_move_ms;
    if (!b->end_ns)
        return most_ms;
    left = now < b->end_ns ? (b->end_ns - now) / NS_PER_MS + 1 : 1;
    return left < most_ms ? (uint32_t)left : most_ms;
}

int budget_check_move(const struct budget *b, uint64_t took_ns, const char *id,
                      struct fault *why)
{
    uint32_t most_ms = b->terms.max_move_ms;

    if (!most_ms || took_ns <= (uint64_t)most_ms * NS_PER_MS)
        return 0;
    fault_where(why, NULL, NULL, id, NULL);
    return fault(why, -ETIMEDOUT,
                 "to move server '%s' took %.1f ms, and each may take %u ms", id,
                 (double)took_ns / NS_PER_MS, most_ms);
}

void slowest_add(struct slowest *s, const char *name, uint32_t us)
{
    unsigned at = s->count;

    while (at > 0 && us > s->list[at - 1].us)
        at--;
    if (!us || at == BUDGET_NAMED)
        return;
    if (s->count < BUDGET_NAMED)
        s->count++;
    memmove(&s->list[at + 1], &s->list[at], (s->count - 1 - at) * sizeof(s->list[0]));
    s->list[at].name = name;
    s->list[at].us = us;
}

int budget_exceeded(const struct budget *b, const struct slowest *slowest,
                    struct fault *why)
{
    char names[256] = "";
    size_t used = 0;

    for (unsigned i = 0; i < slowest->count && used < sizeof(names) - 1; i++) {
        snprintf(names + used, sizeof(names) - used, "%s'%s' %.1f ms",
                 i ? ", " : "; the slowest were ", slowest->list[i].name,
                 slowest->list[i].us / 1000.0);
        used = strlen(names);
    }
    utf8_trim(names);
    return fault(why, -ETIMEDOUT, "the pause would be longer than %u ms%s",
                 b->terms.max_pause_ms, names);
}
