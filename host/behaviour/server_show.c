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

/* An exit has words, no content. */
static bool has_content(const struct envelope *e)
{
    return e && e->kind <= ENVELOPE_CALL && e->out.len;
}

json_t *server_shown(struct process *p, const struct envelope *e, bool in_callback)
{
    moult_out *out;

    if (!has_content(e))
        return json_null();
    out = moult_draft(&p->ctx);
    server_show_message(p, e, in_callback, out);
    return as_json(p, out);
}

/* What was written to `out`, a draft that is dropped, as the member `key`. */
static void add_shown(struct members *m, struct process *p, const char *key,
                      moult_out *out)
{
    char text[32];

    snprintf(text, sizeof(text), "(%u bytes)", out->len);
    if (out->len > SHOWN_MOST)
        members_text(m, key, text);
    else
        members_item(m, key, out->bytes, out->len);
    draft_drop(p, out);
}

static void add_message(struct members *m, struct process *p)
{
    moult_out *out;

    if (!has_content(p->current)) {
        members_text(m, "message", NULL);
        return;
    }
    out = moult_draft(&p->ctx);
    server_show_message(p, p->current, false, out);
    add_shown(m, p, "message", out);
}

static void add_state(struct members *m, struct process *p)
{
    moult_out *out = moult_draft(&p->ctx);

    if (server_show_state(p, out, NULL) < 0)
        out_reset(out);
    add_shown(m, p, "state", out);
}

void server_report(struct process *p, int32_t reason, const char *text)
{
    const struct server *s = p->data;
    struct members m;

    if (reason == MOULT_NORMAL || reason == MOULT_SHUTDOWN ||
        !event_wanted(EVENT_ERROR))
        return;
    members_begin(&m);
    members_text(&m, "server", s->id);
    members_text(&m, "app", s->code->app);
    members_text(&m, "vsn", s->code->vsn);
    members_text(&m, "reason", text && *text ? text : moult_strerror(reason));
    facts_add(&m, p);
    add_message(&m, p);
    add_state(&m, p);
    event_emit_members(EVENT_ERROR, "server.crash", &m);
}
