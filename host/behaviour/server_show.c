/* SPDX-License-Identifier: Apache-2.0 */
#include "server_show.h"

#include <string.h>

#include "event.h"
#include "facts.h"
#include "json.h"
#include "message.h"

#define SHOWN_MOST 1024u /* bytes of a message or a state that an event repeats */

static void put_hidden(moult_out *out)
{
    moult_put_text(out, "(hidden)");
}

/* Is it one whole item, as it is to be? */
static bool is_item(const moult_out *out)
{
    moult_in in = out_read(out);

    moult_skip(&in);
    return !in.error && in.at == in.end;
}

/*
 * Append what format_status makes of `in`.  It writes to a draft: if it never comes back
 * that goes with the process.
 */
static void put_formatted(struct process *p, int32_t what, moult_in in, moult_out *out)
{
    const struct server *s = p->data;
    moult_out *shown = moult_draft(&p->ctx);
    int error = s->code->server.format_status(what, &in, shown);

    if (error || in.error || shown->error || !is_item(shown))
        put_hidden(out);
    else
        moult_put_item(out, shown->bytes, shown->len);
    draft_drop(p, shown);
}

int server_show_state(struct process *p, moult_out *out, struct fault *why)
{
    const struct server *s = p->data;
    moult_out *whole;
    int error;

    if (!s->code->server.format_status)
        return server_save_shown(s, out, why);
    whole = moult_draft(&p->ctx);
    error = server_save_shown(s, whole, why);
    if (!error)
        put_formatted(p, MOULT_SHOW_STATE, out_read(whole), out);
    draft_drop(p, whole);
    return error;
}

void server_show_message(struct process *p, const struct envelope *e, bool in_callback,
                         moult_out *out)
{
    const struct server *s = p->data;

    if (!s->code->server.format_status)
        moult_put_item(out, e->out.bytes, e->out.len);
    else if (in_callback)
        put_hidden(out);
    else
        put_formatted(p, MOULT_SHOW_MESSAGE, out_read(&e->out), out);
}

/* What was written to `out`, a draft that is dropped. */
static json_t *as_json(struct process *p, moult_out *out)
{
    moult_in in = out_read(out);
    json_t *json = out->len > SHOWN_MOST ? json_sprintf("(%u bytes)", out->len)
                                         : json_from_cbor(&in, NULL);

    draft_drop(p, out);
    return json ? json : json_null();
}

json_t *server_shown(struct process *p, const struct envelope *e, bool in_callback)
{
    moult_out *out;

    if (!e || e->kind > ENVELOPE_CALL ||
        !e->out.len) /* an exit has words, no content */
        return json_null();
    out = moult_draft(&p->ctx);
    server_show_message(p, e, in_callback, out);
    return as_json(p, out);
}

static json_t *shown_state(struct process *p)
{
    moult_out *out = moult_draft(&p->ctx);

    if (server_show_state(p, out, NULL) < 0)
        out_reset(out);
    return as_json(p, out);
}

void server_report(struct process *p, int32_t reason, const char *text)
{
    const struct server *s = p->data;
    json_t *message, *state, *members;

    if (reason == MOULT_NORMAL || reason == MOULT_SHUTDOWN)
        return;
    text = text && *text ? text : moult_strerror(reason);
    message = server_shown(p, p->current, false);
    state = shown_state(p);
    members = json_pack("{s:s, s:s, s:s, s:s%}", "server", s->id, "app", s->code->app,
                        "vsn", s->code->vsn, "reason", text, strlen(text));
    facts_add(members, p);
    json_object_set_new(members, "message", message);
    json_object_set_new(members, "state", state);
    event_emit(EVENT_ERROR, "server.crash", "o", members);
}
