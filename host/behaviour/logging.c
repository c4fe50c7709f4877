/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logging - the functions of abi/moult/log.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "barrier.h"
#include "group.h"
#include "json.h"
#include "message.h"

#define TEXT_MOST   1000  /* bytes */
#define FIELDS_MOST 4096u /* bytes of the map; thousands of events are kept */

static const enum event_level levels[] = {EVENT_DEBUG, EVENT_INFO, EVENT_WARN,
                                          EVENT_ERROR};

bool moult_log_allows(moult_ctx *ctx, int32_t level)
{
    return log_gate_allows(&process_of(ctx)->group->log, levels[level & 3]);
}

/* May it be said?  What was dropped before is told first. */
static bool passes(struct process *p, int32_t level)
{
    uint32_t dropped = 0;
    bool pass = log_gate_allows(&p->group->log, levels[level & 3]) &&
                log_gate_pass(&p->group->log, &dropped);

    if (dropped)
        event_emit(EVENT_WARN, "log.dropped", "{s:s, s:i}", "app", p->group->name,
                   "count", (int)dropped);
    return pass;
}

void moult_log(moult_ctx *ctx, int32_t level, const char *format, ...)
{
    struct process *p = process_of(ctx);
    struct barrier_whose whose;
    char text[TEXT_MOST + 1];
    va_list args;

    if (!passes(p, level))
        return;
    whose = barrier_whose(p);
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    event_record(levels[level & 3], "plugin.log",
                 json_pack("{s:s?, s:s?, s:s}", "server", whose.server, "app",
                           whose.app, "text", text));
}

/* All of `said` that `all` (taken) has not; NULL: no memory. */
static json_t *add_all(json_t *all, json_t *said)
{
    const char *key;
    json_t *value;

    json_object_foreach(said, key, value)
    {
        if (json_object_get(all, key) || json_object_set(all, key, value) == 0)
            continue;
        json_decref(all);
        return NULL;
    }
    return all;
}

/* What the fields say, and whose they are; NULL: no memory. */
static json_t *members(struct process *p, const moult_out *fields)
{
    struct barrier_whose whose = barrier_whose(p);
    json_t *all = json_pack("{s:s?, s:s?}", "server", whose.server, "app", whose.app),
           *said;
    moult_in in;

    if (!fields || !all)
        return all;
    if (fields->len > FIELDS_MOST) {
        json_object_set_new(all, "error",
                            json_sprintf("its fields have %u bytes, and may have %u",
                                         fields->len, FIELDS_MOST));
        return all;
    }
    in = out_read(fields);
    said = fields->error || moult_peek(&in) != MOULT_MAP ? NULL
                                                         : json_from_cbor(&in, NULL);
    if (said)
        all = add_all(all, said);
    else
        json_object_set_new(all, "error", json_string("its fields are no whole map"));
    json_decref(said);
    return all;
}

void moult_log_event(moult_ctx *ctx, int32_t level, const char *event,
                     moult_out *fields)
{
    struct process *p = process_of(ctx);
    struct barrier_whose whose = barrier_whose(p);
    char name[128];

    if (passes(p, level)) {
        snprintf(name, sizeof(name), "%s.%s", whose.app ? whose.app : "plugin", event);
        event_record(levels[level & 3], name, members(p, fields));
    }
    if (fields)
        draft_drop(p, fields);
}
