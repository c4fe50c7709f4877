/* SPDX-License-Identifier: Apache-2.0 */
#include "lost.h"

#include "server.h"
#include "supervisor.h"

struct counting {
    const struct code *code;
    uint64_t count;
};

static void count(struct process *p, void *context)
{
    struct counting *c = context;
    const struct server *server = server_of(p);
    const struct supervisor *supervisor = supervisor_of(p);

    c->count += (server && server->code == c->code) ||
                (supervisor && supervisor->code == c->code);
}

static void add(json_t *to, const struct code *code, uint64_t n, enum plan_move move)
{
    static const char *const why[] = {[PLAN_ADDED] = "it is new",
                                      [PLAN_REMOVED] = "it is no more",
                                      [PLAN_ANEW] =
                                          "its appup says so: what it holds is lost"};

    json_array_append_new(to, json_pack("{s:s, s:I, s:s, s:s}", "server", code->id,
                                        "count", (json_int_t)n, "moved",
                                        plan_move_text(move), "why", why[move]));
}

json_t *lost_json(const struct plan *plan, struct group *group)
{
    const struct descriptor *from = &plan->from->descriptor,
                            *to = &plan->to->descriptor;
    json_t *all = json_array();

    for (size_t i = 0; i < from->count; i++) {
        struct counting c = {.code = &from->codes[i]};

        group_each(group, count, &c);
        add(all, c.code, c.count,
            image_find_code(plan->to, c.code->id) ? PLAN_ANEW : PLAN_REMOVED);
    }
    for (size_t i = 0; i < to->count; i++)
        if (!image_find_code(plan->from, to->codes[i].id))
            add(all, &to->codes[i], plan_servers_of(plan->to, &to->codes[i]),
                PLAN_ADDED);
    return all;
}
