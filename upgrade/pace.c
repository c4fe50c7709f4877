/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

#define MANY 100u /* servers of an upgrade that says what one of them costs */

struct rate {
    uint64_t ns;
    bool measured;
};

/* As of 10,000 servers on two cores; orders of magnitude. */
#define ASSUMED_BASE_NS 250000u
static const uint64_t assumed_ns[PLAN_MOVES] = {
    [PLAN_POINTER] = 300, [PLAN_SCHEMA] = 2500, [PLAN_CODE_CHANGE] = 4000};

static struct rate base, rates[PLAN_MOVES]; /* the release handler's */

static uint64_t base_ns(void)
{
    return base.measured ? base.ns : ASSUMED_BASE_NS;
}

static uint64_t rate_ns(enum plan_move move)
{
    return rates[move].measured ? rates[move].ns : assumed_ns[move];
}

static bool is_server(enum plan_move move)
{
    return move <= PLAN_CODE_CHANGE;
}

void pace_note(const struct pace_counts *counts, uint64_t pause_ns)
{
    enum plan_move dearest = PLAN_POINTER;
    size_t servers = 0;

    for (enum plan_move move = PLAN_POINTER; is_server(move); move++) {
        servers += counts->moved[move];
        if (counts->moved[move])
            dearest = move;
    }
    if (servers < MANY) {
        base = (struct rate){pause_ns, true};
        return;
    }
    rates[dearest] = (struct rate){
        pause_ns > base_ns() ? (pause_ns - base_ns()) / servers : 0, true};
}

uint64_t pace_estimate_ns(const struct pace_counts *counts, bool *measured)
{
    uint64_t sum = base_ns();
    bool all = base.measured;

    for (enum plan_move move = PLAN_POINTER; is_server(move); move++) {
        sum += counts->moved[move] * rate_ns(move);
        if (counts->moved[move] >= MANY)
            all = rates[move].measured;
    }
    *measured = all;
    return sum;
}

void pace_forget(void)
{
    base = (struct rate){0};
    for (enum plan_move move = PLAN_POINTER; is_server(move); move++)
        rates[move] = (struct rate){0};
}
