/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "statem.h"

/* What the struct of its first version had; it only grows. */
#define STATEM_SIZE_MIN sizeof(moult_statem)

const moult_statem_state *statem_find(const struct code *code, const char *name)
{
    const moult_statem_state *s = code->statem.states;

    while (s && s->name && strcmp(s->name, name) != 0)
        s++;
    return s && s->name ? s : NULL;
}

static const moult_field *find_field(const moult_schema *schema)
{
    for (const moult_field *f = schema ? schema->fields : NULL; f && f->key; f++)
        if (strcmp(f->key, "state") == 0)
            return f;
    return NULL;
}

static int check_callbacks(const struct code *code, struct fault *why)
{
    const moult_server *s = &code->server;

    if (s->statem->size < STATEM_SIZE_MIN)
        return fault(why, -EINVAL,
                     "the statem of server '%s' says it has %u bytes: begin it with "
                     ".size = sizeof(moult_statem)",
                     code->id, s->statem->size);
    if (s->handle_call || s->handle_cast || s->handle_info || s->handle_continue)
        return fault(why, -EINVAL,
                     "server '%s' has a statem and a handle_call, handle_cast, "
                     "handle_info or handle_continue: the statem gets all events",
                     code->id);
    if (!s->statem->states && !s->statem->handle_event)
        return fault(why, -EINVAL,
                     "the statem of server '%s' has neither states nor handle_event",
                     code->id);
    return 0;
}

static int check_listed(const struct code *code, struct fault *why)
{
    const moult_statem_state *s = code->statem.states;

    for (; s && s->name; s++) {
        if (strlen(s->name) >= code->state_field->size || !s->name[0])
            return fault(why, -EINVAL,
                         "state '%s' of server '%s' does not fit its field `state` of "
                         "%u bytes",
                         s->name, code->id, code->state_field->size);
        if (!s->handle && !code->statem.handle_event)
            return fault(why, -EINVAL,
                         "state '%s' of server '%s' has no function, and there is no "
                         "handle_event",
                         s->name, code->id);
        if (statem_find(code, s->name) != s)
            return fault(why, -EINVAL, "server '%s' lists state '%s' twice", code->id,
                         s->name);
    }
    return 0;
}

static int check_field(const struct code *code, struct fault *why)
{
    const moult_field *f = code->state_field;

    if (!f || f->kind != MOULT_KIND_CHARS || f->many != MOULT_ONE ||
        f->size > MOULT_STATE_NAME_MAX)
        return fault(why, -EINVAL,
                     "server '%s' has a statem, and its data no `char state[n]` of at "
                     "most %u bytes: give it one with MOULT_FIELD(state, .initial_text "
                     "= ...)",
                     code->id, MOULT_STATE_NAME_MAX);
    if (!f->initial_text || !f->initial_text[0] ||
        (code->statem.states && !statem_find(code, f->initial_text)))
        return fault(why, -EINVAL,
                     "server '%s' begins in state '%s', which is none of its states: "
                     "say which with .initial_text of its field `state`",
                     code->id, f->initial_text ? f->initial_text : "");
    return 0;
}

int statem_take(struct code *code, struct fault *why)
{
    const moult_statem *own = code->server.statem;
    int err = own ? check_callbacks(code, why) : 0;

    if (!own || err)
        return err;
    memcpy(&code->statem, own, sizeof(*own));
    code->state_field = find_field(code->schema);
    err = check_field(code, why);
    return err ? err : check_listed(code, why);
}

int statem_check_state(const struct code *code, const void *state, struct fault *why)
{
    const char *name = (const char *)state + code->state_field->offset;

    if (name[0] && (!code->statem.states || statem_find(code, name)))
        return 0;
    fault_where(why, NULL, NULL, code->id, code->state_field->key);
    return fault(why, -ENOTSUP,
                 "server '%s' is in state '%s', which %s does not have: keep it, or "
                 "raise the format and name another in code_change",
                 code->id, name, code->vsn);
}

bool statem_has_all(const struct code *from, const struct code *to)
{
    const moult_statem_state *s = from->statem.states;

    if (!to->statem.states)
        return true;
    for (; s && s->name; s++)
        if (!statem_find(to, s->name))
            return false;
    return from->statem.states != NULL;
}
