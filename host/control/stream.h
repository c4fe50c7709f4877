/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - the events that a client asked to be told of.
 *
 * It is a place in the ring of event.h, and nothing is queued for a slow client: it
 * falls behind, and is told how many it missed.  Loop only.
 */
#ifndef MOULT_STREAM_H
#define MOULT_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "event.h"

struct session;

/* Which events are wanted.  All zero is all of them. */
struct event_filter {
    enum event_level level; /* and above */
    const json_t *names;    /* an array of names and their beginnings, or NULL */
};

enum stream_state {
    STREAM_OFF,
    STREAM_ASKED, /* the answer to the subscription goes first */
    STREAM_ON
};

struct stream {
    enum stream_state state;
    uint64_t next; /* sequence number */
    struct event_filter filter;
    json_t *params; /* held, for the filter's names */
};

/* The level called `word`, or -EINVAL. */
int stream_level(const char *word);

/*
 * Whether `event` passes: a name "upgrade" lets "upgrade" and "upgrade.commit" through.
 */
bool stream_wants(const struct event_filter *filter, const json_t *event);

/* Begin, once the answers now on their way are sent.  `params` is held. */
void stream_ask(struct stream *stream, const struct event_filter *filter,
                json_t *params, uint64_t next);

/* Send what has happened, as far as the client keeps up.  True if there is more. */
bool stream_pump(struct session *session);

void stream_stop(struct stream *stream);

#endif
