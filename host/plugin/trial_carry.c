/* SPDX-License-Identifier: Apache-2.0 */
#include "trial_carry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctx.h"
#include "manager.h"
#include "out.h"
#include "server.h"
#include "trial_spot.h"

/* A function of `code` failed: that is where. */
static void blame(const struct code *code, const struct fault *why)
{
    const moult_server *s = &code->server;
    const void *function = NULL;

    if (strcmp(why->field, "code_change") == 0)
        memcpy(&function, &s->code_change, sizeof(function));
    else if (strcmp(why->field, "load") == 0)
        memcpy(&function, &s->load, sizeof(function));
    else if (strcmp(why->field, "save") == 0)
        memcpy(&function, &s->save, sizeof(function));
    if (function)
        trial_spot_set(function);
}

/*
 * Load the map in `from` (NULL: initial values), which `writer` describes if it isn't
 * NULL, with `code`, and save it to `to`.
 */
static int load_and_save(const struct code *code, const moult_schema *writer,
                         const moult_out *from, moult_out *to, struct fault *why)
{
    struct moult_ctx ctx = {0};
    struct server server = {.code = code};
    moult_in in = {0};
    int err;

    heap_init(&ctx.heap, NULL);
    trial_spot_set(NULL);
    if (from)
        in = out_read(from);
    trial_note("loading a state", code->id);
    err = state_load(&ctx, code, writer, from ? &in : NULL, &server.state, why);
    if (!err) {
        trial_note("saving a state", code->id);
        err = server_save(&server, to, why);
    }
    heap_finish(&ctx.heap);
    if (!err && !carry_is_map(to)) {
        fault_where(why, NULL, NULL, code->id, "save");
        err = fault(
            why, -EBADMSG,
            "save of server '%s' does not write one map: begin with moult_put_map",
            code->id);
    }
    if (err)
        blame(code, why);
    return err;
}

int trial_check_initial(const struct code *code, struct fault *why)
{
    moult_out first, second;
    int err;

    out_init(&first, NULL, 0);
    out_init(&second, NULL, 0);
    err = load_and_save(code, NULL, NULL, &first, why);
    if (!err)
        err = load_and_save(code, code->schema, &first, &second, why);
    if (!err && (first.len != second.len ||
                 memcmp(first.bytes, second.bytes, first.len) != 0)) {
        fault_where(why, NULL, NULL, NULL, code->server.save ? "save" : NULL);
        err =
            fault(why, -EBADMSG,
                  "the state of server '%s' is another after it was saved and loaded: "
                  "save and load must agree",
                  code->id);
        blame(code, why);
    }
    out_release(&first);
    out_release(&second);
    return err;
}

static struct trial_legs legs_of(const struct journey *journey, const char *module)
{
    struct trial_legs legs = {0};

    if (journey->count)
        legs.count = journey_passages(journey, module, legs.list);
    return legs;
}

static int translate(const struct passage *by, const moult_out *from, moult_out *to,
                     struct fault *why)
{
    char what[96];
    int err;

    snprintf(what, sizeof(what), "code_change from format %u to %u",
             by->from->server.format, by->to->server.format);
    trial_spot_set(NULL);
    trial_note(what, by->from->id);
    err = carry_translate(by, from, to, why);
    if (err)
        blame(carry_translator(by->from, by->to), why);
    return err;
}

/* The same for those of a manager's handlers that `from` has. */
static int carry_handlers(const struct passage *by, const moult_out *from,
                          moult_out *to, struct fault *why)
{
    struct moult_ctx ctx = {0};
    struct server server = {.code = by->to};
    moult_out scratch;
    int err;

    out_init(&scratch, NULL, 0);
    heap_init(&ctx.heap, NULL);
    trial_note("carrying the handlers", by->from->id);
    err = carry_state(by, from, &scratch, &ctx, &server.state, why);
    if (!err)
        err = server_save(&server, to, why);
    heap_finish(&ctx.heap);
    out_release(&scratch);
    return err;
}

/* Carry a state over, and have the other version load it and save it in `to`. */
static int carry(const struct passage *by, const moult_out *from, moult_out *to,
                 struct fault *why)
{
    const struct code *a = by->from, *b = by->to;
    bool is_changed = a->server.format != b->server.format;
    moult_out changed;
    int err = 0;

    if (b->server.manager && a->server.manager)
        return carry_handlers(by, from, to, why);
    out_init(&changed, NULL, 0);
    if (is_changed)
        err = translate(by, from, &changed, why);
    if (!err)
        err = load_and_save(b, is_changed ? NULL : a->schema,
                            is_changed ? &changed : from, to, why);
    out_release(&changed);
    if (err)
        fault_where(why, NULL, NULL, a->id, NULL);
    return err;
}

static int carry_all(const struct trial_legs *by, const moult_out *from, moult_out *to,
                     struct fault *why)
{
    int err = 0;

    for (size_t i = 0; i < by->count && !err; i++) {
        moult_out next;

        out_init(&next, NULL, 0);
        err = carry(&by->list[i], i ? to : from, &next, why);
        out_release(to);
        *to = next;
    }
    return err;
}

/* There it must go; and back, if there is a way, which may be refused. */
static int carry_both_ways(const struct trial_legs *there,
                           const struct trial_legs *back, const moult_out *from,
                           json_t *lints, struct fault *why)
{
    struct fault refused = {0};
    moult_out carried, again;
    int err;

    out_init(&carried, NULL, 0);
    out_init(&again, NULL, 0);
    err = carry_all(there, from, &carried, why);
    if (!err && carry_all(back, &carried, &again, &refused) && lints)
        trial_lint(lints, "can't go back to %s: %s", there->list[0].from->vsn,
                   refused.text);
    out_release(&carried);
    out_release(&again);
    return err;
}

/* Each newer version needs a code_change where the format is another. */
static int check_legs(const struct trial_legs *by, struct fault *why)
{
    for (size_t i = 0; i < by->count; i++) {
        const struct code *a = by->list[i].from, *b = by->list[i].to,
                          *newer = carry_translator(a, b);

        if (a->server.format == b->server.format || newer->server.code_change)
            continue;
        fault_where(why, NULL, NULL, a->id, "code_change");
        return fault(why, -ENOTSUP,
                     "server '%s' has format %u in %s and %u in %s, and %s has no "
                     "code_change: write one, or keep the format",
                     a->id, a->server.format, a->vsn, b->server.format, b->vsn,
                     newer->vsn);
    }
    return 0;
}

static int carry_initial(const struct trial_legs *there, const struct trial_legs *back,
                         json_t *lints, struct fault *why)
{
    moult_out initial;
    int err = check_legs(there, why);

    if (err)
        return err;
    out_init(&initial, NULL, 0);
    err = load_and_save(there->list[0].from, NULL, NULL, &initial, why);
    if (!err)
        err = carry_both_ways(there, back, &initial, lints, why);
    out_release(&initial);
    return err;
}

/* The same of one kind of handler: false if a version on the way has none of it. */
static bool legs_of_kind(const struct trial_legs *module, const char *kind,
                         struct trial_legs *out)
{
    *out = *module;
    for (size_t i = 0; i < out->count; i++) {
        out->list[i].from = manager_kind(module->list[i].from, kind);
        out->list[i].to = manager_kind(module->list[i].to, kind);
        if (!out->list[i].from || !out->list[i].to)
            return false;
    }
    return true;
}

static int carry_initial_handlers(const struct trial_legs *there,
                                  const struct trial_legs *back, json_t *lints,
                                  struct fault *why)
{
    const struct code *a = there->list[0].from;
    int err = 0;

    for (size_t i = 0; i < a->kind_count && !err; i++) {
        struct trial_legs out, home;

        if (legs_of_kind(there, a->kinds[i].handler.name, &out) &&
            legs_of_kind(back, a->kinds[i].handler.name, &home))
            err = carry_initial(&out, &home, lints, why);
    }
    return err;
}

int trip_carry(const struct trip *trip, const struct vet_state *state,
               struct fault *why)
{
    const struct trial_legs there = legs_of(&trip->there, state->server),
                            back = legs_of(&trip->back, state->server);
    moult_out from;
    int err;

    if (!there.count)
        return 0; /* it starts or ends with the change */
    out_init(&from, NULL, 0);
    moult_put_item(&from, state->bytes, state->len);
    err =
        carry_is_map(&from)
            ? carry_both_ways(&there, &back, &from, NULL, why)
            : fault(why, -EBADMSG, "the state of server '%s' is no map", state->server);
    out_release(&from);
    return err ? err : trial_carry_messages(&there, &back, state, why);
}

int trip_plan(const struct image *const *stops, size_t count, struct trip *trip,
              json_t *lints, struct fault *why)
{
    const struct image *back[ROUTE_LEGS_MAX + 1];
    struct fault no_way = {0}, no_return = {0};
    int err = journey_find(stops, count, &trip->there, &no_way);

    if (err == -ENOTSUP && count == 2) {
        trial_lint(lints, "%s", no_way.text);
        return -ENOTSUP;
    }
    if (err) {
        fault_where(why, NULL, NULL, no_way.server[0] ? no_way.server : NULL, NULL);
        return fault(why, err, "%s", no_way.text);
    }
    for (size_t i = 0; i < count; i++)
        back[i] = stops[count - 1 - i];
    if (journey_find(back, count, &trip->back, &no_return) < 0) {
        trip->back = (struct journey){0};
        trial_lint(lints, "can't go back to %s: %s", stops[0]->vsn, no_return.text);
    }
    return 0;
}

int trip_carry_initial(const struct trip *trip, json_t *lints, struct fault *why)
{
    const struct descriptor *d = &trip->there.legs[0].from->descriptor;
    int err = 0;

    for (size_t i = 0; i < d->count && !err; i++) {
        const struct trial_legs there = legs_of(&trip->there, d->codes[i].id),
                                back = legs_of(&trip->back, d->codes[i].id);

        if (!there.count || d->codes[i].branch)
            continue;
        if (!d->codes[i].server.manager)
            err = carry_initial(&there, &back, lints, why);
        if (!err)
            err = carry_initial_handlers(&there, &back, lints, why);
        if (!err)
            trial_lint_messages(&there, lints);
    }
    return err;
}
