/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <string.h>

#define EVENTS_A_TURN 512 /* of one client, so that others get theirs */

int stream_level(const char *word)
{
    enum event_level level;

    if (!word || event_level_of(word, &level) < 0 || level == EVENT_NONE)
        return -EINVAL;
    return (int)level;
}

/* Whether `name` is `wanted`, or goes on after it with a dot. */
static bool begins_with(const char *name, const char *wanted)
{
    size_t len = strlen(wanted);

    return strncmp(name, wanted, len) == 0 && (name[len] == 0 || name[len] == '.');
}

bool stream_wants(const struct event_filter *filter, const json_t *event)
{
    int level = stream_level(json_string_value(json_object_get(event, "level")));
    const char *name = json_string_value(json_object_get(event, "event"));
    const json_t *wanted;
    size_t i;

    if (level >= 0 && level < (int)filter->level)
        return false;
    if (json_array_size(filter->names) == 0)
        return true;
    json_array_foreach(filter->names, i, wanted)
    {
        if (name && json_is_string(wanted) &&
            begins_with(name, json_string_value(wanted)))
            return true;
    }
    return false;
}

void stream_ask(struct stream *stream, const struct event_filter *filter,
                json_t *params, uint64_t next)
{
    json_incref(params);
    stream_stop(stream);
    stream->state = STREAM_ASKED;
    stream->next = next;
    stream->filter = *filter;
    stream->params = params;
}

static void tell_missed(struct session *session, uint64_t missed)
{
    json_t *params = json_pack("{s:I}", "count", (json_int_t)missed);

    session_send(session, rpc_call(NULL, "events.missed", params));
    json_decref(params);
}

bool stream_pump(struct session *session)
{
    struct stream *stream = &session->stream;

    for (int n = 0; n < EVENTS_A_TURN; n++) {
        uint64_t missed = 0;
        json_t *event;

        if (stream->state != STREAM_ON || session->closing ||
            session_is_crowded(session))
            return false;
        event = event_read(&stream->next, &missed);
        if (missed > 0)
            tell_missed(session, missed);
        if (!event)
            return false;
        if (stream_wants(&stream->filter, event))
            session_send(session, rpc_call(NULL, "event", event));
        json_decref(event);
    }
    return true;
}

void stream_stop(struct stream *stream)
{
    json_decref(stream->params);
    *stream = (struct stream){0};
}
