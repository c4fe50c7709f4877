/* SPDX-License-Identifier: Apache-2.0 */
#include "builtin.h"

#include "params.h"
#include "protocol.h"
#include "session.h"

#define RECENT     100 /* events, unless asked for otherwise */
#define NAMES_MOST 64u /* that one asks for, and bytes of each */

static void ping(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        request_reply(request, json_string("pong"));
}

static void version(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        request_reply(request, json_pack("{s:s, s:i}", "version", MOULT_HOST_VERSION,
                                         "protocol", 1));
}

static void add_methods(json_t *list, const struct method *table)
{
    for (; table && table->name; table++) {
        const struct protocol_method *told = protocol_find(table->name);

        json_array_append_new(list, json_pack("{s:s, s:s}", "name", table->name,
                                              "summary", told ? told->summary : ""));
    }
}

static void methods(struct request *request, void *context)
{
    const struct control *control = context;
    struct params p = params_of(request);
    json_t *list;

    if (params_refused(&p, request))
        return;
    list = json_array();
    add_methods(list, control->methods);
    add_methods(list, builtin_methods);
    request_reply(request, list);
}

static void limit_names(struct params *p, const json_t *names)
{
    const json_t *name;
    size_t i;

    if (json_array_size(names) > NAMES_MOST)
        params_wrong(p, "'names' may hold at most %u names", NAMES_MOST);
    json_array_foreach(names, i, name)
    {
        if (json_string_length(name) > NAMES_MOST)
            params_wrong(p, "a name of an event has at most %u bytes", NAMES_MOST);
    }
}

/* What both ways of asking for events take. */
static struct event_filter filter_of(struct params *p)
{
    const char *word = params_text_or(p, "level", "debug");
    int level = stream_level(word);
    struct event_filter filter = {.names = params_find_texts(p, "names")};

    limit_names(p, filter.names);
    if (level < 0)
        params_wrong(p, "'level' must be \"debug\", \"info\", \"warn\" or \"error\"");
    else
        filter.level = (enum event_level)level;
    return filter;
}

static void events_subscribe(struct request *request, void *context)
{
    struct params p = params_of(request);
    struct event_filter filter = filter_of(&p);
    uint64_t now = event_next(), since = params_uint_or(&p, "since", now, 0, INT64_MAX);

    if (params_refused(&p, request))
        return;
    if (since > now) /* of a host that was restarted: nothing is in the ring yet */
        since = now;
    stream_ask(&request->session->stream, &filter,
               json_object_get(request->call, "params"), since);
    request_reply(request, json_pack("{s:I}", "next", (json_int_t)since));
}

static void events_unsubscribe(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (params_refused(&p, request))
        return;
    stream_stop(&request->session->stream);
    request_reply(request, json_null());
}

/* All events of the ring that pass, in order; the ring bounds them. */
static json_t *read_events(const struct event_filter *filter, uint64_t *next,
                           uint64_t *missed)
{
    uint64_t end = event_next();
    json_t *list = json_array(), *event;

    while (*next < end && (event = event_read(next, missed))) {
        if (stream_wants(filter, event))
            json_array_append(list, event);
        json_decref(event);
    }
    return list;
}

/* The last `count` of `list`, which is taken. */
static json_t *last_of(json_t *list, size_t count)
{
    size_t size = json_array_size(list);
    json_t *last;

    if (size <= count)
        return list;
    last = json_array();
    for (size_t i = size - count; i < size; i++)
        json_array_append(last, json_array_get(list, i));
    json_decref(list);
    return last;
}

static void events_recent(struct request *request, void *context)
{
    struct params p = params_of(request);
    struct event_filter filter = filter_of(&p);
    uint64_t since = params_uint_or(&p, "since", 0, 0, INT64_MAX), next = since,
             missed = 0;
    uint64_t count = params_uint_or(&p, "count", RECENT, 1, EVENT_RING);
    bool from_start = params_find(&p, "since") == NULL;
    json_t *list;

    if (params_refused(&p, request))
        return;
    list = last_of(read_events(&filter, &next, &missed), count);
    if (from_start) /* nothing was asked for that could have been missed */
        missed = 0;
    request_reply(request, json_pack("{s:o, s:I, s:I}", "events", list, "missed",
                                     (json_int_t)missed, "next", (json_int_t)next));
}

const struct method builtin_methods[] = {
    {"ping", ping},
    {"version", version},
    {"methods", methods},
    {"events.recent", events_recent},
    {"events.subscribe", events_subscribe},
    {"events.unsubscribe", events_unsubscribe},
    {0},
};
