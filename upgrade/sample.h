/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample - copies of live states, and of messages that wait: each server is asked for its
 * own at a turn boundary of its own, and nothing is held up.
 *
 * On the release handler's thread, since nobody else changes what servers run.
 */
#ifndef MOULT_SAMPLE_H
#define MOULT_SAMPLE_H

#include "group.h"
#include "server.h"

#define SAMPLE_ASK_MS 1000u /* a server that is busy longer is left out */
#define SAMPLE_BATCH  1000u /* servers that are asked at a time */

struct sampling;

struct sample {
    struct sampling *sampling; /* while it is asked */
    moult_pid pid;
    const struct code *code;
    char id[128];    /* for messages; cut */
    moult_out state; /* a map; empty if it was busy, or has ended */
    moult_out mail;  /* as mail_copy() writes it, if it was asked for; or empty */
};

/* Begin with the first three, the rest zero. */
struct sampling {
    bool (*wants)(void *context, const struct code *code); /* NULL: all servers */
    void *context;
    uint32_t mail; /* messages that wait for each, at most */
    struct sample *samples;
    size_t count, room;
    size_t first, end;    /* that have been asked, of the last batch */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t done;
    struct fault failed; /* the save of one did */
    size_t waits;        /* states that were asked for and did not come yet */
};

/*
 * Choose servers of `group`: `most` of those that are wanted, from the first to the last.
 * 0 or -ENOMEM; sampling_finish() it either way.
 */
int sampling_choose(struct sampling *all, struct group *group, size_t most);

/*
 * Take the states of the next SAMPLE_BATCH, from `first` to before `end`; those before are
 * dropped.  False when there are no more.
 */
bool sampling_next(struct sampling *all);

void sampling_finish(struct sampling *all);

#endif
