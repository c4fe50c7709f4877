/* SPDX-License-Identifier: Apache-2.0 */
#include "reqids.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "message.h"
#include "relation.h"
#include "response.h"
#include "signals.h"

#define REQIDS_MOST 1000u /* collections; each is found by looking through all */

struct reqids {
    struct reqids *next;
    uint64_t id;
    struct map labels; /* ref -> label */
    uint32_t gone;     /* of them, whose response has come in another way */
};

void reqids_gone(struct reqids *all, uint64_t ref)
{
    for (; all; all = all->next)
        all->gone += map_find(&all->labels, ref, NULL);
}

void reqids_finish(struct reqids *all)
{
    while (all) {
        struct reqids *next = all->next;

        map_finish(&all->labels);
        free(all);
        all = next;
    }
}

/* Where the pointer to the collection `id` is; at NULL if there is none. */
static struct reqids **place_of(struct process *p, moult_reqids id)
{
    static struct reqids *none;
    struct reqids **link = p->relations ? &p->relations->reqids : &none;

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

static struct reqids *find(moult_ctx *ctx, moult_reqids id)
{
    return *place_of(process_of(ctx), id);
}

moult_reqids moult_reqids_new(moult_ctx *ctx)
{
    struct process *p = process_of(ctx);
    struct relations *r = process_relations(p);
    struct reqids *all = NULL;
    size_t count = 0;

    for (const struct reqids *it = r ? r->reqids : NULL; it; it = it->next)
        count++;
    if (r && count < REQIDS_MOST)
        all = calloc(1, sizeof(*all));
    if (!all)
        return 0;
    all->id = process_ref();
    all->next = r->reqids;
    r->reqids = all;
    return all->id;
}

void moult_reqids_delete(moult_ctx *ctx, moult_reqids all)
{
    struct reqids **link = place_of(process_of(ctx), all), *it = *link;

    if (!it)
        return;
    *link = it->next;
    it->next = NULL;
    reqids_finish(it);
}

int moult_reqids_add(moult_ctx *ctx, moult_reqids all, uint64_t ref, uint64_t label)
{
    struct reqids *it = find(ctx, all);

    if (!it || !response_is_due(process_of(ctx), ref))
        return -ENOENT;
    if (map_find(&it->labels, ref, NULL))
        return -EEXIST;
    if (it->labels.count >= RELATION_MOST)
        return -ENOSPC;
    return map_put(&it->labels, ref, label);
}

int moult_reqids_send(moult_ctx *ctx, moult_reqids all, moult_pid to,
                      moult_out *request, uint64_t label)
{
    struct process *p = process_of(ctx);
    uint64_t ref;
    int error = 0;

    if (!find(ctx, all)) {
        draft_drop(p, request);
        return process_fail(p, -ENOENT, "there is no such collection of requests");
    }
    error = moult_send_request(ctx, to, request, &ref);
    if (error || !(error = moult_reqids_add(ctx, all, ref, label)))
        return error;
    response_forget(p, ref);
    return process_fail(p, error, moult_strerror(error));
}

size_t moult_reqids_size(moult_ctx *ctx, moult_reqids all)
{
    const struct reqids *it = find(ctx, all);

    return it ? it->labels.count : 0;
}

size_t moult_reqids_to_list(moult_ctx *ctx, moult_reqids all, moult_reqid *list,
                            size_t room)
{
    const struct reqids *it = find(ctx, all);
    const struct map_entry *entry;
    uint32_t at = 0;

    for (size_t i = 0; it && i < room && (entry = map_next(&it->labels, &at)); i++)
        list[i] = (moult_reqid){entry->key, entry->value};
    return it ? it->labels.count : 0;
}

/* -- waiting for one of them -- */

struct waiting {
    struct await await;
    const struct reqids *all;
    struct envelope *looked_at; /* the last that was; all before are something else */
    struct envelope *found;
};

static bool seek(struct process *p, moult_pid nobody)
{
    struct waiting *w = (struct waiting *)p->await;
    struct envelope *e = w->looked_at ? w->looked_at->next : p->first;

    while (e &&
           !(e->kind == ENVELOPE_REPLY && map_find(&w->all->labels, e->ref, NULL))) {
        w->looked_at = e;
        e = e->next;
    }
    if (e)
        process_unqueue(p, e, w->looked_at);
    w->found = e;
    return e != NULL;
}

static int wait_for_any(struct process *p, struct waiting *w, uint64_t timeout_ms)
{
    int error = 0;

    process_obey(p);
    p->await = &w->await;
    if (!seek(p, (moult_pid){0})) {
        p->await = NULL;
        error = timeout_ms == MOULT_NOW
                    ? -ETIMEDOUT
                    : process_await_done(p, &w->await, seek, timeout_ms);
    }
    p->await = NULL;
    return error;
}

static void give_up(struct process *p, struct reqids *all)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    while ((entry = map_next(&all->labels, &at)))
        response_forget(p, entry->key);
    map_finish(&all->labels);
    all->gone = 0;
}

static int take_any(moult_ctx *ctx, struct reqids *all, uint64_t timeout_ms,
                    moult_response *response, uint64_t *label)
{
    struct process *p = process_of(ctx);
    struct waiting w = {.all = all};
    int error;

    if (!all || all->labels.count == all->gone)
        return process_fail(p, -ENOENT, "no reply to any of them is to come");
    error = wait_for_any(p, &w, timeout_ms ? timeout_ms : MOULT_CALL_TIMEOUT_MS);
    if (error)
        return process_fail(p, error, moult_strerror(error));
    map_remove(&all->labels, w.found->ref, label);
    envelope_destroy(p->answer);
    p->answer = w.found;
    *response = response_of(p, w.found);
    return 0;
}

int moult_reqids_receive(moult_ctx *ctx, moult_reqids all, uint64_t timeout_ms,
                         moult_response *response, uint64_t *label)
{
    struct reqids *it = find(ctx, all);
    int error = take_any(ctx, it, timeout_ms, response, label);

    if (error == -ETIMEDOUT)
        give_up(process_of(ctx), it);
    return error;
}

int moult_reqids_wait(moult_ctx *ctx, moult_reqids all, uint64_t timeout_ms,
                      moult_response *response, uint64_t *label)
{
    return take_any(ctx, find(ctx, all), timeout_ms, response, label);
}

bool moult_reqids_check(moult_ctx *ctx, moult_reqids all, const moult_in *message,
                        moult_response *response, uint64_t *label)
{
    struct reqids *it = find(ctx, all);
    moult_response r;

    if (!it || !moult_match_response(message, &r) ||
        response_is_due(process_of(ctx), r.ref) ||
        !map_remove(&it->labels, r.ref, label))
        return false;
    it->gone--;
    *response = r;
    return true;
}
