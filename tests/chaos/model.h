/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model - what must be true of the host, by what it acknowledged.
 */
#ifndef MOULT_MODEL_H
#define MOULT_MODEL_H

#include "host_fixture.h"

/* The tallies: those that never fail, whose clients may go, and that fail when asked. */
enum { STEADY = 4, LOSSY = 2, FRAIL = 2, TALLIES = STEADY + LOSSY + FRAIL };

struct tally {
    json_int_t acked;    /* the sum of what was added and acknowledged */
    json_int_t doubtful; /* and of what may have been, or not; never negative */
    unsigned failures;   /* that it was asked for and that came */
    bool is_failing;     /* it was asked for one that has not come */
    bool is_up;          /* it has answered since the last of them */
};

struct model {
    struct tally tallies[TALLIES];
    bool has_baseline; /* of the host that runs now, for what follows */
    unsigned descriptors, threads, mappings;
    size_t resident_kb;
};

/* "steady.0", lent until eight more are made. */
const char *tally_name(unsigned tally);

static inline bool is_frail(unsigned tally)
{
    return tally >= STEADY + LOSSY;
}

/* A new host begins: nothing was added, and how it is at rest is not known yet. */
void model_begin(struct model *m);

/* The host is at rest: fail the test if something is not as it must be. */
void model_check(struct model *m, struct host *h);

#endif
