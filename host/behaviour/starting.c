/* SPDX-License-Identifier: Apache-2.0 */
#include "starting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "group.h"
#include "message.h"
#include "signals.h"

/* Of the init of a child that comes with a version: the release handler waits for it. */
#define ADDED_INIT_MS 60000u

/* -- args -- */

static void join_arrays(moult_in *a, moult_in *b, moult_out *out)
{
    moult_in *both[] = {a, b};
    size_t count[] = {moult_get_array(a), moult_get_array(b)};

    moult_put_array(out, count[0] + count[1]);
    for (int i = 0; i < 2; i++) {
        for (size_t n = 0; n < count[i]; n++) {
            size_t len;
            const void *item = moult_get_item(both[i], &len);

            moult_put_item(out, item, len);
        }
    }
}

/* Is `key`, encoded, one of `map`'s? */
static bool has_key(moult_in map, const void *key, size_t len)
{
    for (size_t left = moult_get_map(&map); left > 0 && !map.error; left--) {
        size_t other_len;
        const void *other = moult_get_item(&map, &other_len);

        if (other_len == len && memcmp(other, key, len) == 0)
            return true;
        moult_skip(&map);
    }
    return false;
}

/* The pairs of `map` whose key `other` (may be NULL) has not, to `out` (may be NULL). */
static size_t put_pairs(moult_in map, const moult_in *other, moult_out *out)
{
    size_t pairs = 0;

    for (size_t left = moult_get_map(&map); left > 0 && !map.error; left--) {
        size_t key_len, len;
        const void *key = moult_get_item(&map, &key_len);
        const void *value = moult_get_item(&map, &len);

        if (other && has_key(*other, key, key_len))
            continue;
        pairs++;
        if (!out)
            continue;
        moult_put_item(out, key, key_len);
        moult_put_item(out, value, len);
    }
    return pairs;
}

int args_join(moult_in a, moult_in b, moult_out *out)
{
    int32_t kinds[] = {moult_peek(&a), moult_peek(&b)};
    bool a_is_none = kinds[0] == MOULT_NULL || kinds[0] == MOULT_NOTHING;
    bool b_is_none = kinds[1] == MOULT_NULL || kinds[1] == MOULT_NOTHING;
    moult_in *alone = a_is_none ? &b : b_is_none ? &a : NULL;

    if (a_is_none && kinds[1] == MOULT_NOTHING)
        moult_put_null(out);
    else if (alone)
        moult_put_item(out, alone->at, (size_t)(alone->end - alone->at));
    else if (kinds[0] == MOULT_ARRAY && kinds[1] == MOULT_ARRAY)
        join_arrays(&a, &b, out);
    else if (kinds[0] == MOULT_MAP && kinds[1] == MOULT_MAP) {
        moult_put_map(out, put_pairs(a, &b, NULL) + put_pairs(b, NULL, NULL));
        put_pairs(a, &b, out);
        put_pairs(b, NULL, out);
    } else {
        return -EINVAL;
    }
    return out->error;
}

/* -- one -- */

static int start_server(struct process *p, struct supervisor *s, struct child *c,
                        const char *id, const char *name, moult_pid *pid)
{
    struct server_spec spec = {.code = c->code,
                               .id = id,
                               .name = name,
                               .args = c->code->args,
                               .args_len = c->code->args_len};
    int error = 0;

    if (p->current && p->current->kind == ENVELOPE_SYSTEM &&
        p->current->code == SYSTEM_ADD)
        spec.timeout_ms = ADDED_INIT_MS;
    if (c->given && c->given->args) {
        spec.args = c->given->args;
        spec.args_len = c->given->args_len;
    }
    out_reset(&s->joined);
    if (s->branch.args) { /* as they are now: another version may have others */
        error = args_join(moult_in_over(s->branch.args, s->branch.args_len),
                          moult_in_over(spec.args, spec.args_len), &s->joined);
        spec.args = s->joined.bytes;
        spec.args_len = s->joined.len;
    }
    return error ? process_fail(p, error,
                                "its args are of another kind than its supervisor's")
                 : server_start(p, &spec, pid);
}

static int start_supervisor(struct process *p, struct supervisor *s, struct child *c,
                            const char *id, const char *name, moult_pid *pid)
{
    struct supervisor_spec spec = {.branch = *c->code->branch,
                                   .code = c->code,
                                   .id = id,
                                   .name = name,
                                   .app = s->app,
                                   .group = p->group};

    return supervisor_start(p, &spec, pid);
}

/* Put `text` at `to`, cut to end before `end`; where it ends. */
static char *append(char *to, const char *end, const char *text)
{
    size_t len = strlen(text), room = (size_t)(end - to) - 1;

    len = len < room ? len : room;
    memcpy(to, text, len);
    to[len] = 0;
    return to + len;
}

/* What a process of it is called: below what its supervisor is. */
static void make_label(struct supervisor *s, const struct child *c, char *text,
                       size_t size)
{
    const char *above = s->code ? s->id : "", *slash = s->code ? "/" : "";
    char id[CHILD_ID], *end = text + size;

    if (child_has_id(c))
        append(append(append(text, end, above), end, slash), end, child_id(c, id));
    else
        snprintf(text, size, "%s%s%s.%" PRIu64, above, slash, child_spec(c)->id,
                 ++s->started);
}

int child_start(struct process *p, struct supervisor *s, struct child *c)
{
    char name[NAME_MAX_LEN + 1], label[512];
    moult_pid pid = {0};
    int error;

    make_label(s, c, label, sizeof(label));
    child_name(c, name);
    if (child_spec(c)->backoff_ms)
        c->started_s = (uint32_t)(clock_ns() / 1000000000u);
    c->killed = false;
    error = (child_is_supervisor(c) ? start_supervisor : start_server)(
        p, s, c, label, name[0] ? name : NULL, &pid);
    if (error)
        return error;
    if (children_set(&s->children, c, pid.bits ? CHILD_RUNNING : CHILD_STOPPED, pid) <
        0) {
        signal_exit(p, pid, MOULT_KILL, NULL);
        return process_fail(p, -ENOMEM, "no memory to know the child by its pid");
    }
    return 0;
}

/* -- several -- */

int children_start(struct process *p, struct supervisor *s, struct child *c,
                   struct child **failed)
{
    struct child *next;

    for (; c; c = next) {
        int error = c->state == CHILD_RUNNING ? 0 : child_start(p, s, c);

        next = c->next;
        *failed = c;
        if (error)
            return error;
        if (c->state == CHILD_STOPPED && child_spec(c)->restart == MOULT_TEMPORARY)
            children_remove(&s->children, c);
    }
    return 0;
}

void start_error_text(struct process *p, const struct child *c, char *text, size_t size)
{
    char id[CHILD_ID];

    snprintf(text, size, "child '%s' failed to start: %s",
             child_has_id(c) ? child_id(c, id) : child_spec(c)->id,
             moult_call_text(&p->ctx));
}
