/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carry.h"
#include "manager.h"
#include "pid.h"

/* -- one handler -- */

bool handler_name(moult_in *in, char *name)
{
    size_t len;
    const char *text = moult_get_text(in, &len);

    if (in->error || len == 0 || len > HANDLER_NAME_MAX || memchr(text, 0, len))
        return false;
    memcpy(name, text, len);
    name[len] = 0;
    return true;
}

static bool is_taken(const struct handlers *all, uint16_t part)
{
    const struct handler *h = all->first;

    while (h && h->part != part)
        h = h->next;
    return h != NULL;
}

/* A part of the heap that no handler has; 0 is the manager's own. */
static uint16_t free_part(struct handlers *all)
{
    do
        all->last_part++;
    while (!all->last_part || is_taken(all, all->last_part));
    return all->last_part;
}

static uint32_t count_of(const struct handlers *all)
{
    uint32_t count = 0;

    for (const struct handler *h = all->first; h; h = h->next)
        count++;
    return count;
}

/* An empty one; its state is still to come. */
static struct handler *new_handler(struct moult_ctx *ctx, struct handlers *all,
                                   const struct code *kind, const char *name,
                                   struct fault *why)
{
    size_t size = strlen(name) + 1;
    struct handler *h;

    if (count_of(all) >= HANDLERS_MOST) {
        fault(why, -ENOSPC, "a manager may have %u handlers, and has them",
              HANDLERS_MOST);
        return NULL;
    }
    h = heap_alloc(&ctx->heap, sizeof(*h) + size);
    if (!h) {
        fault(why, -ENOMEM, "no memory for a handler");
        return NULL;
    }
    h->kind = kind;
    h->part = free_part(all);
    memcpy(h->name, name, size);
    return h;
}

void handler_free(struct moult_ctx *ctx, struct handler *h)
{
    heap_free_part(&ctx->heap, h->part);
    heap_free(&ctx->heap, h);
}

struct handler *handler_create(struct moult_ctx *ctx, struct handlers *all,
                               const struct code *kind, const char *name,
                               struct fault *why)
{
    struct handler *h = new_handler(ctx, all, kind, name, why);
    int error;

    if (!h)
        return NULL;
    ctx->heap.part = h->part;
    error = state_load(ctx, kind, NULL, NULL, &h->state, why);
    ctx->heap.part = 0;
    if (!error)
        return h;
    handler_free(ctx, h);
    return NULL;
}

/* -- all of them -- */

static struct handlers *new_handlers(struct moult_ctx *ctx, struct fault *why)
{
    struct handlers *all = heap_alloc(&ctx->heap, sizeof(*all));

    if (!all)
        fault(why, -ENOMEM, "no memory for a manager of handlers");
    return all;
}

static int create_at_start(struct moult_ctx *ctx, struct handlers *all,
                           const struct code *kind, struct fault *why)
{
    struct handler *h = handler_create(ctx, all, kind, kind->handler.name, why);

    if (!h)
        return -ENOMEM;
    h->listed = true;
    h->next = all->first;
    all->first = h;
    return 0;
}

int manager_create(struct moult_ctx *ctx, const struct code *code, void **state,
                   struct fault *why)
{
    struct handlers *all = new_handlers(ctx, why);
    int error = all ? 0 : -ENOMEM;

    for (size_t i = 0; i < code->kind_count && !error; i++)
        if (code->kinds[i].handler.at_start)
            error = create_at_start(ctx, all, &code->kinds[i], why);
    *state = all;
    return error;
}

void manager_adopt(struct handlers *all, const struct code *code)
{
    for (struct handler *h = all->first; h; h = h->next)
        h->kind = manager_kind(code, h->name);
}

/* -- as data -- */

/* Say which handler it is that `why` is about. */
static int blame(struct fault *why, const char *name, int error)
{
    char text[sizeof(why->text)];

    if (!why)
        return error;
    snprintf(text, sizeof(text), "%s", why->text);
    why->text[0] = 0; /* else the first words stay */
    return fault(why, error, "handler '%s': %s", name, text);
}

int manager_save(const struct handlers *all, bool shown, moult_out *out,
                 struct fault *why)
{
    size_t count = 0;
    int error = 0;

    for (const struct handler *h = all->first; h; h = h->next)
        count++;
    moult_put_map(out, 1);
    moult_put_text(out, "handlers");
    moult_put_array(out, count);
    for (const struct handler *h = all->first; h && !error; h = h->next) {
        struct server as_server = {.code = h->kind, .state = h->state};

        moult_put_map(out, 3);
        moult_put_text_at(out, "handler", h->name);
        moult_put_text(out, "owner");
        if (h->owner.bits)
            moult_put_pid(out, h->owner);
        else
            moult_put_null(out);
        moult_put_text(out, "state");
        error = (shown ? server_save_shown : server_save)(&as_server, out, why);
        if (error)
            return blame(why, h->name, error);
    }
    return out->error;
}

/* What there is on the way from one version to the other. */
struct carrying {
    const struct passage *by;
    moult_out *scratch;
    struct moult_ctx *ctx;
    struct handlers *all;
    struct handler **end;
    struct fault *why;
};

static int malformed(const struct carrying *c)
{
    return fault(c->why, -EBADMSG, "the state of server '%s' is no list of handlers",
                 c->by->to->id);
}

static int carry_into(struct carrying *c, struct handler *h, const struct code *from,
                      moult_in state)
{
    struct passage by = *c->by;
    size_t len;
    const void *item = moult_get_item(&state, &len);
    int error;

    by.from = from;
    by.to = h->kind;
    c->ctx->heap.part = h->part;
    error = carry_item(&by, moult_in_over(item, len), c->scratch, c->ctx, &h->state,
                       c->why);
    c->ctx->heap.part = 0;
    return error ? blame(c->why, h->name, error) : 0;
}

/* `in` is at the map of one handler. */
static int carry_handler(struct carrying *c, moult_in *in)
{
    moult_in name, owner, state;
    const struct code *from, *to;
    struct handler *h;
    char text[HANDLER_NAME_MAX + 1];

    if (!moult_find(in, "handler", &name) || !moult_find(in, "owner", &owner) ||
        !moult_find(in, "state", &state) || !handler_name(&name, text))
        return malformed(c);
    from = manager_kind(c->by->from, text);
    to = manager_kind(c->by->to, text);
    if (!from)
        return malformed(c);
    if (!to)
        return fault(c->why, -ENOTSUP,
                     "handler '%s' of server '%s' is of a kind that %s does not "
                     "have: keep it, or delete the handler before",
                     text, c->by->to->id, c->by->to->vsn);
    h = new_handler(c->ctx, c->all, to, text, c->why);
    if (!h)
        return -ENOMEM;
    h->began = h->listed = true;
    h->owner =
        moult_peek(&owner) == MOULT_NULL ? (moult_pid){0} : moult_get_pid(&owner);
    *c->end = h;
    c->end = &h->next;
    return carry_into(c, h, from, state);
}

/* NOLINTNEXTLINE(readability-function-size): as carry_state() */
int manager_carry(const struct passage *by, moult_in in, moult_out *scratch,
                  struct moult_ctx *ctx, void **state, struct fault *why)
{
    struct carrying c = {by, scratch, ctx, new_handlers(ctx, why), NULL, why};
    moult_in list;
    size_t count;
    int error = 0;

    if (!c.all)
        return -ENOMEM;
    c.end = &c.all->first;
    if (!moult_find(&in, "handlers", &list))
        return malformed(&c);
    count = moult_get_array(&list);
    for (size_t i = 0; i < count && !error; i++) {
        error = carry_handler(&c, &list);
        moult_skip(&list);
    }
    if (!error && list.error)
        error = malformed(&c);
    *state = c.all;
    return error;
}
