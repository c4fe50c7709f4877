/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stragglers - whom an upgrade waits for and what they do, as it is told.
 */
#ifndef MOULT_STRAGGLERS_H
#define MOULT_STRAGGLERS_H

#include <jansson.h>

#include "process.h"

#define STRAGGLERS_TELL_MS  500u /* after which whom one waits for is told */
#define STRAGGLERS_AGAIN_MS 1000u
#define STRAGGLERS_NAMED    5u /* processes; of the others only how many there are */

struct straggler {
    moult_pid pid;
    bool waits; /* inside its callback, for another */
    char name[64], doing[256];
};

/* All zero is none. */
struct stragglers {
    struct straggler list[STRAGGLERS_NAMED];
    unsigned count;  /* of all */
    const char *app; /* of the first */
};

/* Who is told, as `upgrade.waits` is, with the members of that event (borrowed). */
struct stragglers_listener {
    void (*tell)(void *context, const char *step, const json_t *waits); /* or NULL */
    void *context;
};

/* One more; NULL: it is only counted. */
struct straggler *stragglers_add(struct stragglers *all, moult_pid pid,
                                 const char *name);

/* "'a', waits inside handle_call; 'b', in spin (spins.c:12) of spins 1.0.0; and 3 more" */
void stragglers_describe(const struct stragglers *all, char *text, size_t size);

/* Tell that `step` waits for them, `ms` after it began; if there are any. */
void stragglers_tell(const struct stragglers *all, const char *step, uint64_t ms,
                     const struct stragglers_listener *listener);

#endif
