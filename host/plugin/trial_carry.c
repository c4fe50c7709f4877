/* SPDX-License-Identifier: Apache-2.0 */
#include "trial_carry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctx.h"
#include "manager.h"
#include "out.h"
#include "server.h"

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

    heap_init(&ctx.heap, 0);
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
    }
    out_release(&first);
    out_release(&second);
    return err;
}

/* The passage of two servers, or of a kind of handler that both modules have. */
static struct passage passage_of(const struct route *route, const struct code *module,
                                 const struct code *a, const struct code *b)
{
    struct passage by = route_passage(route, module, b);

    by.from = a;
    return by;
}

static int translate(const struct passage *by, const moult_out *from, moult_out *to,
                     struct fault *why)
{
    char what[96];

    snprintf(what, sizeof(what), "code_change from format %u to %u",
             by->from->server.format, by->to->server.format);
    trial_note(what, by->from->id);
    return carry_translate(by, from, to, why);
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
    heap_init(&ctx.heap, 0);
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

/* There it must go; and back, which may be refused. */
static int carry_both_ways(const struct passage *there, const struct passage *back,
                           const moult_out *from, json_t *lints, struct fault *why)
{
    struct fault refused = {0};
    moult_out carried, again;
    int err;

    out_init(&carried, NULL, 0);
    out_init(&again, NULL, 0);
    err = carry(there, from, &carried, why);
    if (!err && back && carry(back, &carried, &again, &refused) && lints)
        trial_lint(lints, "can't go back to %s: %s", there->from->vsn, refused.text);
    out_release(&carried);
    out_release(&again);
    return err;
}

/* `a` and `b` are the module's servers, or handlers of it. */
static int carry_initial(const struct trip *trip, const struct code *module,
                         const struct code *a, const struct code *b, json_t *lints,
                         struct fault *why)
{
    const struct passage there = passage_of(&trip->there, module, a, b),
                         back = passage_of(&trip->back, module, b, a);
    const struct code *newer = carry_translator(a, b);
    moult_out initial;
    int err;

    if (a->server.format != b->server.format && !newer->server.code_change) {
        fault_where(why, NULL, NULL, a->id, "code_change");
        return fault(why, -ENOTSUP,
                     "server '%s' has format %u in %s and %u in %s, and %s has no "
                     "code_change: write one, or keep the format",
                     a->id, a->server.format, a->vsn, b->server.format, b->vsn,
                     newer->vsn);
    }
    out_init(&initial, NULL, 0);
    err = load_and_save(a, NULL, NULL, &initial, why);
    if (!err)
        err =
            carry_both_ways(&there, trip->returns ? &back : NULL, &initial, lints, why);
    out_release(&initial);
    return err;
}

/* What there may be of it: the kinds that both have. */
static int carry_initial_handlers(const struct trip *trip, const struct code *a,
                                  const struct code *b, json_t *lints,
                                  struct fault *why)
{
    int err = 0;

    for (size_t i = 0; i < a->kind_count && !err; i++) {
        const struct code *same = manager_kind(b, a->kinds[i].handler.name);

        err = same ? carry_initial(trip, a, &a->kinds[i], same, lints, why) : 0;
    }
    return err;
}

int trip_carry(const struct trip *trip, const struct vet_state *state,
               struct fault *why)
{
    const struct code *a = image_find_code(trip->there.from, state->server);
    const struct code *b = image_find_code(trip->there.to, state->server);
    struct passage there, back;
    moult_out from;
    int err;

    if (!a || !b)
        return 0; /* it starts or ends with the change */
    there = route_passage(&trip->there, a, b);
    back = route_passage(&trip->back, b, a);
    out_init(&from, NULL, 0);
    moult_put_item(&from, state->bytes, state->len);
    err =
        carry_is_map(&from)
            ? carry_both_ways(&there, trip->returns ? &back : NULL, &from, NULL, why)
            : fault(why, -EBADMSG, "the state of server '%s' is no map", state->server);
    out_release(&from);
    return err;
}

int trip_plan(const struct image *with, const struct image *image, struct trip *trip,
              json_t *lints, struct fault *why)
{
    struct fault none = {0};
    int err = route_find(with, image, &trip->there, &none);

    if (err) {
        trial_lint(lints, "%s", none.text);
        return -ENOTSUP;
    }
    err = route_check(&trip->there, why);
    if (err)
        return err;
    trip->returns = route_find(image, with, &trip->back, &none) == 0 &&
                    route_check(&trip->back, &none) == 0;
    if (!trip->returns)
        trial_lint(lints, "can't go back to %s: %s", with->vsn, none.text);
    return 0;
}

int trip_carry_initial(const struct trip *trip, json_t *lints, struct fault *why)
{
    const struct descriptor *d = &trip->there.to->descriptor;
    int err = 0;

    for (size_t i = 0; i < d->count && !err; i++) {
        const struct code *b = &d->codes[i],
                          *a = image_find_code(trip->there.from, b->id);

        if (a && !a->branch && !b->branch && !a->server.manager)
            err = carry_initial(trip, a, a, b, lints, why);
        if (a && !err)
            err = carry_initial_handlers(trip, a, b, lints, why);
    }
    return err;
}
