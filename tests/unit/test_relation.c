/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of what a process is tied to have an end, and it hears of it. */
#include "test.h"

#include <string.h>

#include "debt.h"
#include "harness.h"
#include "message.h"
#include "relation.h"
#include "response.h"

/* Nobody's: no pid and no reference is so large. */
#define FOREIGN (UINT64_C(1) << 62)

static uint64_t from;

static int begin(void **state)
{
    one_worker(state);
    from = event_next();
    return 0;
}

static struct relations *relations_of(struct process *p)
{
    struct relations *r = process_relations(p);

    check(r != NULL);
    return r;
}

/* But for `free` entries. */
static void fill(struct map *map, uint32_t free)
{
    for (uint64_t i = 0; map->count < RELATION_MOST - free; i++)
        check(map_put(map, FOREIGN + i, 0) == 0);
}

static void is_told(const char *table)
{
    uint64_t missed = 0;
    unsigned count = 0;
    json_t *event;

    while ((event = event_read(&from, &missed))) {
        const char *name = json_string_value(json_object_get(event, "table"));

        if (name)
            assert_string_equal(name, table);
        count += name != NULL;
        json_decref(event);
    }
    assert_int_equal(count, 1);
}

/* -- each of them -- */

static void too_many_links(struct process *p, void *context)
{
    struct map *map = &relations_of(p)->links;
    moult_pid *others = context;

    fill(map, 1);
    check(moult_link(&p->ctx, others[0]) == 0);
    check(moult_link(&p->ctx, others[1]) == -ENOSPC);
    check(moult_link(&p->ctx, others[0]) == 0);
    moult_unlink(&p->ctx, others[0]);
    check(moult_link(&p->ctx, others[1]) == 0);
    map_finish(map);
}

static void links_are_a_million_at_most(void **state)
{
    moult_pid others[] = {actor(false), actor(false)};

    assert_int_equal(actor_do(actor(false), too_many_links, others), 0);
    is_told("links");
}

static void too_many_monitors(struct process *p, void *context)
{
    struct map *map = &relations_of(p)->watched;
    uint64_t ref;

    fill(map, 1);
    check(moult_monitor(&p->ctx, *(moult_pid *)context, &ref) == 0);
    check(moult_monitor(&p->ctx, *(moult_pid *)context, &ref) == -ENOSPC);
    moult_demonitor(&p->ctx, ref);
    check(moult_monitor(&p->ctx, *(moult_pid *)context, &ref) == 0);
    map_finish(map);
}

static void monitors_are_a_million_at_most(void **state)
{
    moult_pid other = actor(false);

    assert_int_equal(actor_do(actor(false), too_many_monitors, &other), 0);
    is_told("monitors");
}

static void be_tied_to_all(struct process *p, void *unused)
{
    fill(&relations_of(p)->links, 0);
    fill(&relations_of(p)->watchers, 0);
}

static void be_tied_to_none(struct process *p, void *unused)
{
    map_finish(&relations_of(p)->links);
    map_finish(&relations_of(p)->watchers);
}

static void link_to(struct process *p, void *context)
{
    check(moult_link(&p->ctx, *(moult_pid *)context) == 0);
}

static void monitor(struct process *p, void *context)
{
    uint64_t ref;

    check(moult_monitor(&p->ctx, *(moult_pid *)context, &ref) == 0);
}

static void who_ties_to_one_with_too_many_hears_at_once(void **state)
{
    moult_pid other = actor(false), by = actor(true);

    actor_do(other, be_tied_to_all, NULL);
    actor_do(by, monitor, &other);
    workers_settle();
    assert_int_equal(actor_seen(by).downs, 1);
    assert_int_equal(actor_seen(by).reason, -ENOSPC);
    actor_do(by, link_to, &other);
    workers_settle();
    assert_int_equal(actor_seen(by).exits, 1);
    assert_int_equal(actor_seen(by).reason, -ENOSPC);
    is_told("monitored_by");
    actor_do(other, be_tied_to_none, NULL);
}

static void too_many_timers(struct process *p, void *unused)
{
    struct map *map = &relations_of(p)->timers;

    fill(map, 0);
    check(moult_send_after(&p->ctx, process_pid(p), 1, moult_draft(&p->ctx)) == 0);
    map_finish(map);
    check(moult_send_after(&p->ctx, process_pid(p), 1, moult_draft(&p->ctx)) != 0);
}

static void timers_are_a_million_at_most(void **state)
{
    assert_int_equal(actor_do(actor(false), too_many_timers, NULL), 0);
    is_told("timers");
}

static int define(struct process *p, const char *key)
{
    moult_out *m = moult_draft(&p->ctx);

    moult_put_int(m, 1);
    return moult_dict_put(&p->ctx, key, m);
}

static void too_many_keys(struct process *p, void *unused)
{
    struct map *map = &relations_of(p)->dictionary;

    check(define(p, "one") == 0);
    fill(map, 0);
    check(define(p, "another") == -ENOSPC);
    check(!moult_dict_get(&p->ctx, "another", NULL));
    check(define(p, "one") == 0);
    check(moult_dict_erase(&p->ctx, "one"));
    check(define(p, "another") == 0);
    check(moult_dict_erase(&p->ctx, "another"));
    map_finish(map);
}

static void keys_of_the_dictionary_are_a_million_at_most(void **state)
{
    assert_int_equal(actor_do(actor(false), too_many_keys, NULL), 0);
    is_told("dictionary");
}

static void too_many_requests(struct process *p, void *context)
{
    struct map *map = &relations_of(p)->requests;
    moult_pid to = *(moult_pid *)context;
    uint64_t ref;

    fill(map, 0);
    check(moult_send_request(&p->ctx, to, moult_draft(&p->ctx), &ref) == -ENOSPC);
    map_finish(map);
    check(moult_send_request(&p->ctx, to, moult_draft(&p->ctx), &ref) == 0);
}

static void requests_whose_reply_is_to_come_are_a_million_at_most(void **state)
{
    moult_pid other = actor(false);

    assert_int_equal(actor_do(actor(false), too_many_requests, &other), 0);
    is_told("requests");
}

/* -- a server's -- */

static moult_next call(moult_ctx *ctx, void *state, const moult_from *caller,
                       moult_in *request, moult_out *reply)
{
    uint64_t ref;

    if (moult_match(request, "keep"))
        return moult_noreply();
    for (int i = 0; i < 20000; i++)
        check(moult_monitor(ctx, caller->caller, &ref) == 0);
    moult_put_null(reply);
    return moult_reply();
}

static const moult_server server = {.size = sizeof(moult_server), .handle_call = call};

static void calls_that_are_not_answered_are_a_million_at_most(void **state)
{
    moult_pid pid = serve(&server);
    struct relations *r;

    workers_settle();
    r = relations_of(process_find(pid));
    fill(&r->owed, 0);
    assert_int_equal(ask_word(pid, "keep", NULL), -ENOSPC);
    assert_string_equal(asked_text(),
                        "the server owes as many answers as it may, 1000000");
    is_told("calls not answered");
    map_finish(&r->owed);
}

static void the_tables_are_counted_to_max_heap(void **state)
{
    moult_pid by = parent();
    struct started s =
        serve_child(by, &server, (moult_child){.id = "server", .max_heap = 100000});

    ask_word(s.pid, "monitor", NULL);
    workers_settle();
    assert_false(alive(s.pid));
    assert_int_equal(actor_seen(by).reason, -ENOMEM);
}

#define RELATION_TEST(f) cmocka_unit_test_setup_teardown(f, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELATION_TEST(links_are_a_million_at_most),
        RELATION_TEST(monitors_are_a_million_at_most),
        RELATION_TEST(who_ties_to_one_with_too_many_hears_at_once),
        RELATION_TEST(timers_are_a_million_at_most),
        RELATION_TEST(keys_of_the_dictionary_are_a_million_at_most),
        RELATION_TEST(requests_whose_reply_is_to_come_are_a_million_at_most),
        RELATION_TEST(calls_that_are_not_answered_are_a_million_at_most),
        RELATION_TEST(the_tables_are_counted_to_max_heap),
    };

    return cmocka_run_group_tests_name("relation", tests, NULL, NULL);
}
