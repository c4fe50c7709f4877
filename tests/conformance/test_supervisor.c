/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"
#include "supervisor.h"

/*
 * Children 'a' to 'd' of one kind.  Each marks its letter when init runs, and its capital
 * when terminate does: the trace is the order of all starts and ends.
 */
#define PARTS 4u

struct part {
    struct code code;
    moult_child child;
    char id[2], args[1];
    int refusals;               /* so many of its next starts fail */
    bool traps, ignores, waits; /* what init does; `waits` for open_gate() */
};
static struct part parts[PARTS];
static const struct code *codes[PARTS];
static char trace[256];

static moult_pid gate;        /* a server that answers when it is told to */
static moult_from gate_waits; /* who called it last */

static void mark(int letter)
{
    char text[2] = {(char)letter, 0};

    strncat(trace, text, sizeof(trace) - strlen(trace) - 1);
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

struct state {
    int64_t part;
};
MOULT_STATE(state_schema, struct state, MOULT_FIELD(part));

static void wait_at_gate(moult_ctx *ctx)
{
    moult_call(ctx, gate, moult_draft(ctx), MOULT_INFINITY, NULL);
}

static moult_next part_init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct state *s = state;
    struct part *part;

    s->part = moult_get_int(args);
    part = &parts[s->part];
    mark('a' + (int)s->part);
    moult_trap_exit(ctx, part->traps);
    if (part->waits)
        wait_at_gate(ctx);
    if (part->refusals && part->refusals--)
        return moult_stop_because(ctx, -EIO, "not now");
    return part->ignores ? moult_ignore() : moult_noreply();
}

static moult_next part_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    if (moult_match(message, "normal"))
        return moult_stop(MOULT_NORMAL);
    if (moult_match(message, "shutdown"))
        return moult_stop(MOULT_SHUTDOWN);
    if (moult_match(message, "hang"))
        wait_at_gate(ctx);
    else
        return moult_stop_because(ctx, -EIO, "as told");
    return moult_noreply();
}

static void part_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    struct state *s = state;

    mark('A' + (int)s->part);
}

static const moult_server part_server = {.size = sizeof(moult_server),
                                         .state = state_schema,
                                         .init = part_init,
                                         .handle_cast = part_cast,
                                         .terminate = part_terminate};

static moult_next gate_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *request, moult_out *reply)
{
    gate_waits = *from;
    return moult_noreply();
}

static void open_gate(void)
{
    moult_reply_to(NULL, &gate_waits, moult_draft_outside());
    workers_settle();
}

static void part_make(unsigned i)
{
    struct part *part = &parts[i];

    *part = (struct part){.id = {(char)('a' + i), 0}, .args = {(char)i}, .traps = true};
    part->child = (moult_child){.id = part->id, .server = &part_server};
    part->code = (struct code){.server = part_server,
                               .schema = state_schema(),
                               .app = "parts",
                               .vsn = "1",
                               .id = part->id,
                               .child = &part->child,
                               .args = part->args,
                               .args_len = 1};
    codes[i] = &part->code;
}

static int begin(void **state)
{
    static const moult_server gate_server = {.size = sizeof(moult_server),
                                             .handle_call = gate_call};

    one_worker(state);
    for (unsigned i = 0; i < PARTS; i++)
        part_make(i);
    gate = serve(&gate_server);
    trace[0] = 0;
    return 0;
}

/* -- supervisors of them -- */

struct order {
    struct supervisor_spec spec;
    struct started started;
};

static void start_it(struct process *p, void *context)
{
    struct order *order = context;
    struct started *s = &order->started;

    order->spec.group = p->group;
    s->error = supervisor_start(p, &order->spec, &s->pid);
    if (!s->error)
        return;
    s->reason = moult_call_reason(&p->ctx);
    snprintf(s->text, sizeof(s->text), "%s", moult_call_text(&p->ctx));
}

static struct started start(unsigned count, uint32_t intensity, uint32_t period_s)
{
    struct order order = {.spec = {.branch = {.codes = codes,
                                              .count = count,
                                              .intensity = intensity,
                                              .period_s = period_s},
                                   .app = "parts"}};

    assert_int_equal(actor_do(starter(), start_it, &order), 0);
    return order.started;
}

static moult_pid supervise(unsigned count)
{
    struct started s = start(count, 100, 1);

    assert_int_equal(s.error, 0);
    return s.pid;
}

static void shut_down(struct process *p, void *supervisor)
{
    signal_exit(p, *(moult_pid *)supervisor, MOULT_SHUTDOWN, NULL);
}

/* As its parent, which does not wait for it. */
static void end(moult_pid supervisor)
{
    assert_int_equal(actor_do(starter(), shut_down, &supervisor), 0);
    workers_settle();
}

static void assert_ended(moult_pid supervisor, int32_t reason)
{
    assert_gone(supervisor);
    assert_true(moult_pid_equal(actor_seen(starter()).from, supervisor));
    assert_int_equal(actor_seen(starter()).reason, reason);
}

/* -- what it says of its children -- */

struct row {
    char id[32], name[32], status[32];
    moult_pid pid;
    int64_t restarts;
};

static void copy_text(moult_in *map, const char *key, char out[32])
{
    moult_in value;
    const char *text;
    size_t len;

    assert_true(moult_find(map, key, &value));
    text = moult_get_text(&value, &len);
    snprintf(out, 32, "%.*s", (int)len, text);
}

static struct row read_row(moult_in *in)
{
    struct row row = {.restarts = moult_int_at(in, "restarts")};
    moult_in pid;

    copy_text(in, "id", row.id);
    copy_text(in, "name", row.name);
    copy_text(in, "status", row.status);
    if (moult_find(in, "pid", &pid) && moult_peek(&pid) != MOULT_NULL)
        row.pid = moult_get_pid(&pid);
    return row;
}

static struct envelope *children_request(uint64_t most)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    e->code = SYSTEM_CHILDREN;
    moult_put_uint(&e->out, most);
    return e;
}

/* How many children it has, and up to `most` of them; `*listed` are in `rows`. */
static size_t list_children(moult_pid supervisor, uint64_t most, struct row *rows,
                            size_t *listed)
{
    struct moult_out out;
    moult_in in, list;
    size_t count;

    out_init(&out, NULL, 0);
    assert_int_equal(
        ask_and_wait(supervisor, children_request(most), MOULT_INFINITY, &out, NULL, 0),
        0);
    in = out_read(&out);
    count = (size_t)moult_int_at(&in, "count");
    assert_true(moult_find(&in, "children", &list));
    *listed = moult_get_array(&list);
    for (size_t i = 0; i < *listed; i++, moult_skip(&list))
        rows[i] = read_row(&list);
    out_release(&out);
    return count;
}

static size_t count_of(moult_pid supervisor)
{
    size_t listed;

    return list_children(supervisor, 0, NULL, &listed);
}

static struct row row_of(moult_pid supervisor, unsigned i)
{
    struct row rows[8];
    size_t listed;

    workers_settle();
    list_children(supervisor, 8, rows, &listed);
    assert_true(i < listed);
    return rows[i];
}

/* Have child `i` end, as `word` says. */
static void tell(moult_pid supervisor, unsigned i, const char *word)
{
    assert_int_equal(cast_word(row_of(supervisor, i).pid, word), 0);
    workers_settle();
}

static void assert_status(moult_pid supervisor, unsigned i, const char *status)
{
    assert_string_equal(row_of(supervisor, i).status, status);
}

/* -- starting -- */

static void children_start_in_order_and_end_in_reverse(void **state)
{
    moult_pid pid = supervise(4);

    assert_trace("abcd");
    end(pid);
    assert_trace("DCBA");
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void a_child_that_fails_to_start_ends_those_before_it_in_reverse(void **state)
{
    struct started s;

    parts[2].refusals = 1;
    s = start(4, 0, 0);
    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, MOULT_SHUTDOWN);
    assert_string_equal(s.text, "child 'c' failed to start: not now");
    assert_trace("abcBA");
    assert_gone(s.pid);
}

static void a_child_that_ignores_is_kept_without_a_process(void **state)
{
    moult_pid pid;

    parts[1].ignores = true;
    pid = supervise(3);
    assert_trace("abc");
    assert_int_equal(count_of(pid), 3);
    assert_status(pid, 1, "stopped");
    assert_true(moult_pid_is_none(row_of(pid, 1).pid));
    assert_status(pid, 2, "running");
    end(pid);
    assert_trace("CA");
}

static void a_supervisor_without_children_runs(void **state)
{
    moult_pid pid = supervise(0);

    assert_int_equal(count_of(pid), 0);
    end(pid);
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void a_taken_name_is_a_failed_start(void **state)
{
    struct started s;

    parts[0].child.name = parts[1].child.name = "both";
    s = start(2, 0, 0);
    assert_int_equal(s.error, -EOWNERDEAD);
    assert_non_null(
        strstr(s.text, "child 'b' failed to start: the name 'both' is taken"));
    assert_trace("aA");
    assert_true(moult_pid_is_none(moult_whereis("both")));
}

/* -- restarts -- */

static void restarted_is_who_its_restart_type_and_reason_say(void **state)
{
    static const char *const reasons[] = {"normal", "shutdown", "error"};
    static const bool restarts[3][3] = {[MOULT_PERMANENT] = {true, true, true},
                                        [MOULT_TRANSIENT] = {false, false, true},
                                        [MOULT_TEMPORARY] = {false, false, false}};

    for (int type = 0; type < 3; type++) {
        for (int reason = 0; reason < 3; reason++) {
            moult_pid pid;

            parts[0].child.restart = type;
            pid = supervise(1);
            tell(pid, 0, reasons[reason]);
            assert_trace(restarts[type][reason] ? "aAa" : "aA");
            assert_int_equal(count_of(pid), type != MOULT_TEMPORARY);
            if (type != MOULT_TEMPORARY) {
                assert_status(pid, 0, restarts[type][reason] ? "running" : "stopped");
                assert_int_equal(row_of(pid, 0).restarts, restarts[type][reason]);
            }
            end(pid);
            assert_trace(restarts[type][reason] ? "A" : "");
        }
    }
}

static void a_killed_child_ended_abnormally(void **state)
{
    moult_pid pid, child;

    parts[0].child.restart = MOULT_TRANSIENT;
    pid = supervise(1);
    child = row_of(pid, 0).pid;
    signal_exit(NULL, child, MOULT_KILL, NULL);
    assert_trace("aa");
    assert_false(moult_pid_equal(row_of(pid, 0).pid, child));
}

static void one_for_one_leaves_the_siblings_alone(void **state)
{
    moult_pid pid = supervise(3), first = row_of(pid, 0).pid, last = row_of(pid, 2).pid;

    tell(pid, 1, "error");
    assert_trace("abcBb");
    assert_true(moult_pid_equal(row_of(pid, 0).pid, first));
    assert_true(moult_pid_equal(row_of(pid, 2).pid, last));
}

static void a_restarted_child_keeps_its_place_in_the_order(void **state)
{
    moult_pid pid = supervise(3);

    tell(pid, 0, "error");
    assert_trace("abcAa");
    end(pid);
    assert_trace("CBA");
}

static void a_restarted_child_has_its_name_again(void **state)
{
    moult_pid pid;

    parts[0].child.name = "first";
    pid = supervise(1);
    tell(pid, 0, "error");
    assert_trace("aAa");
    assert_true(moult_pid_equal(moult_whereis("first"), row_of(pid, 0).pid));
}

static void a_restart_that_ignores_keeps_the_child_without_a_process(void **state)
{
    moult_pid pid = supervise(1);

    parts[0].ignores = true;
    tell(pid, 0, "error");
    assert_trace("aAa");
    assert_status(pid, 0, "stopped");
    assert_true(alive(pid));
}

static void an_exit_of_who_is_no_child_is_ignored(void **state)
{
    moult_pid pid = supervise(1);

    signal_exit(NULL, pid, MOULT_SHUTDOWN, NULL);
    signal_exit(NULL, pid, -EIO, NULL);
    assert_status(pid, 0, "running");
}

/* -- intensity -- */

/* To the beginning of a whole second: restarts are counted in those. */
static void to_a_second(void)
{
    clock_advance(1000000000u - clock_ns() % 1000000000u);
    pass(0);
}

static void one_restart_in_five_seconds_is_the_default(void **state)
{
    moult_pid pid = start(1, 0, 0).pid;

    to_a_second();
    tell(pid, 0, "error");
    pass(6000);
    tell(pid, 0, "error");
    assert_status(pid, 0, "running");
    pass(4000);
    tell(pid, 0, "error");
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void as_many_restarts_as_the_intensity_are_allowed_and_no_more(void **state)
{
    moult_pid pid = start(1, 3, 10).pid;

    to_a_second();
    for (int i = 0; i < 3; i++)
        tell(pid, 0, "error");
    assert_trace("aAaAaAa");
    assert_int_equal(row_of(pid, 0).restarts, 3);
    tell(pid, 0, "error");
    assert_trace("A");
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void a_restart_exactly_a_period_ago_counts(void **state)
{
    moult_pid pid = start(1, 1, 10).pid;

    to_a_second();
    tell(pid, 0, "error");
    pass(10000);
    tell(pid, 0, "error");
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void periods_are_counted_in_whole_seconds(void **state)
{
    moult_pid counts = start(1, 1, 10).pid, not_any_more = start(1, 1, 10).pid;

    to_a_second();
    tell(counts, 0, "error");
    pass(900);
    tell(not_any_more, 0, "error");
    pass(10000); /* 10.9 seconds since the first, of which 10 are whole */
    tell(counts, 0, "error");
    assert_ended(counts, MOULT_SHUTDOWN);
    pass(100); /* 10.1 seconds since the second, but in the eleventh second */
    tell(not_any_more, 0, "error");
    assert_status(not_any_more, 0, "running");
}

static void restarts_slower_than_the_intensity_go_on_for_ever(void **state)
{
    moult_pid pid = start(1, 2, 4).pid;

    to_a_second();
    for (int i = 0; i < 50; i++) {
        tell(pid, 0, "error");
        tell(pid, 0, "normal");
        pass(5000);
    }
    assert_int_equal(row_of(pid, 0).restarts, 100);
}

static void the_window_slides(void **state)
{
    moult_pid pid = start(1, 2, 10).pid;

    to_a_second();
    tell(pid, 0, "error"); /* at 0, 6, 12 and 17 seconds: never three within ten */
    for (int i = 0; i < 2; i++) {
        pass(6000);
        tell(pid, 0, "error");
    }
    pass(5000);
    tell(pid, 0, "error");
    assert_status(pid, 0, "running");
    pass(5000); /* 12 is exactly ten ago */
    tell(pid, 0, "error");
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void restarts_of_all_children_count_together(void **state)
{
    moult_pid pid = start(3, 2, 10).pid;

    for (unsigned i = 0; i < 3; i++)
        tell(pid, i, "error");
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_trace("abcAaBbCBA");
}

static void who_is_not_restarted_does_not_count(void **state)
{
    moult_pid pid;

    parts[0].child.restart = parts[1].child.restart = MOULT_TEMPORARY;
    pid = start(3, 1, 10).pid;
    tell(pid, 0, "error");
    tell(pid, 0, "error"); /* the second, now that the first is forgotten */
    tell(pid, 0, "error");
    assert_status(pid, 0, "running");
    assert_trace("abcABCc");
}

static void giving_up_ends_the_rest_in_reverse_and_says_so(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = start(4, 1, 10).pid;

    tell(pid, 1, "error");
    assert_trace("abcdBb");
    tell(pid, 1, "error");
    assert_trace("BDCA");
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_int_equal(events_named("supervisor.gave_up", from), 1);
}

/* -- restarts that fail -- */

static void a_restart_that_fails_is_tried_again_and_each_try_counts(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = start(1, 3, 10).pid;

    parts[0].refusals = 2;
    tell(pid, 0, "error");
    assert_trace("aAaaa");
    assert_status(pid, 0, "running");
    assert_int_equal(row_of(pid, 0).restarts, 3);
    assert_int_equal(events_named("server.start_failed", from), 2);
    tell(pid, 0, "error");
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void a_child_that_cannot_start_uses_up_the_intensity_at_once(void **state)
{
    moult_pid pid = start(2, 5, 10).pid;

    parts[1].refusals = 1000;
    tell(pid, 1, "error");
    assert_trace("abBbbbbbA"); /* five tries; no time has passed */
    assert_ended(pid, MOULT_SHUTDOWN);
}

struct asked {
    bool done;
    int error;
    struct row row;
};

static void note_row(void *context, int error, const char *text, moult_in *in)
{
    struct asked *asked = context;
    moult_in list;

    asked->done = true;
    asked->error = error;
    if (error || !moult_find(in, "children", &list))
        return;
    moult_get_array(&list);
    asked->row = read_row(&list);
}

/* Its first child is being started again, waits at the gate, and will fail. */
static moult_pid supervise_a_failing_restart(unsigned count)
{
    moult_pid pid = supervise(count);

    parts[0].waits = true;
    parts[0].refusals = 1;
    tell(pid, 0, "error");
    return pid;
}

static void requests_are_served_between_two_tries(void **state)
{
    moult_pid pid = supervise_a_failing_restart(2);
    struct asked asked = {0};

    ask(pid, children_request(1), MOULT_INFINITY, note_row, &asked);
    workers_settle();
    assert_false(asked.done);
    open_gate();
    assert_true(asked.done);
    assert_string_equal(asked.row.status, "restarting");
    assert_true(moult_pid_is_none(asked.row.pid));
    open_gate(); /* the next try */
    assert_status(pid, 0, "running");
    assert_trace("abAaa");
}

static void to_remove_a_child_cancels_its_next_try(void **state)
{
    moult_pid pid = supervise_a_failing_restart(2);
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    struct asked asked = {0};

    e->code = SYSTEM_REMOVE;
    moult_put_uint(&e->out, (uintptr_t)codes);
    moult_put_uint(&e->out, 1);
    ask(pid, e, MOULT_INFINITY, note_row, &asked);
    workers_settle();
    open_gate();
    assert_true(asked.done);
    assert_int_equal(asked.error, 0);
    assert_int_equal(count_of(pid), 1);
    assert_string_equal(row_of(pid, 0).id, "b");
    assert_trace("abAa");
}

static void a_supervisor_can_be_ended_between_two_tries(void **state)
{
    moult_pid pid = supervise_a_failing_restart(2);

    end(pid);
    open_gate();
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_trace("abAaB");
}

/* -- ending -- */

/* One whose only child is busy for as long as the gate is shut, and traps exits. */
static moult_pid supervise_a_busy_child(uint32_t shutdown_ms)
{
    moult_pid pid;

    parts[0].child.shutdown_ms = shutdown_ms;
    pid = supervise(1);
    tell(pid, 0, "hang");
    end(pid);
    return pid;
}

static void a_child_that_does_not_end_in_time_is_killed(void **state)
{
    moult_pid pid = supervise_a_busy_child(100);

    pass(99);
    assert_true(alive(pid));
    pass(1);
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_trace("a"); /* no terminate */
}

static void five_seconds_is_the_default_to_end_in(void **state)
{
    moult_pid pid = supervise_a_busy_child(0);

    pass(4999);
    assert_true(alive(pid));
    pass(1);
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void a_child_that_ends_in_time_terminates(void **state)
{
    moult_pid pid = supervise_a_busy_child(100);

    pass(99);
    open_gate();
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_trace("aA");
}

static void brutal_kill_does_not_ask(void **state)
{
    moult_pid pid = supervise_a_busy_child(MOULT_BRUTAL_KILL);

    assert_ended(pid, MOULT_SHUTDOWN);
    parts[0].traps = true;
    end(supervise(1));
    assert_trace("aa");
}

static void infinity_waits_as_long_as_it_takes(void **state)
{
    moult_pid pid = supervise_a_busy_child(MOULT_SHUTDOWN_INFINITY);

    pass(3600000);
    assert_true(alive(pid));
    open_gate();
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_trace("aA");
}

static void a_child_that_does_not_trap_exits_ends_without_terminate(void **state)
{
    parts[1].traps = false;
    end(supervise(3));
    assert_trace("abcCA");
}

static void each_is_gone_before_the_next_is_told(void **state)
{
    moult_pid pid = supervise(3), first;

    first = row_of(pid, 0).pid;
    tell(pid, 1, "hang");
    end(pid);
    assert_trace("abcC");
    assert_true(alive(first));
    open_gate();
    assert_trace("BA");
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void children_may_end_by_themselves_while_it_ends(void **state)
{
    moult_pid pid = supervise(3), first;

    first = row_of(pid, 0).pid;
    tell(pid, 1, "hang");
    end(pid);
    cast_word(first, "error");
    assert_trace("abcCA");
    open_gate();
    assert_trace("B"); /* and 'a' is not started again */
    assert_ended(pid, MOULT_SHUTDOWN);
}

static void a_killed_supervisor_takes_its_children_with_it(void **state)
{
    moult_pid pid = supervise(2), child;

    parts[1].traps = true;
    child = row_of(pid, 1).pid;
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_ended(pid, MOULT_KILLED);
    assert_gone(child);
}

static void a_supervisor_killed_while_it_ends_leaves_no_child(void **state)
{
    moult_pid pid = supervise(2), first = row_of(pid, 0).pid,
              second = row_of(pid, 1).pid;

    tell(pid, 1, "hang");
    end(pid);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    workers_settle();
    open_gate();
    assert_gone(first);
    assert_gone(second);
}

/* -- many of one kind -- */

static void children_of_a_count_are_numbered_in_id_and_name(void **state)
{
    moult_pid pid;

    parts[0].child.count = 3;
    parts[0].child.name = "worker";
    pid = supervise(2);
    assert_int_equal(count_of(pid), 4);
    assert_string_equal(row_of(pid, 0).id, "a.0");
    assert_string_equal(row_of(pid, 2).id, "a.2");
    assert_string_equal(row_of(pid, 2).name, "worker.2");
    assert_true(moult_pid_equal(moult_whereis("worker.2"), row_of(pid, 2).pid));
    assert_string_equal(row_of(pid, 3).id, "b");
    assert_string_equal(row_of(pid, 3).name, "");
}

static void the_children_told_of_are_as_many_as_asked_for(void **state)
{
    moult_pid pid = supervise(3);
    struct row rows[3];
    size_t listed;

    assert_int_equal(list_children(pid, 2, rows, &listed), 3);
    assert_int_equal(listed, 2);
    assert_string_equal(rows[1].id, "b");
}

static void it_supervises_ten_thousand(void **state)
{
    NEEDS_ONE_WORKER;
    unsigned count = many(10000);
    moult_pid pid, last;
    char name[32];

    parts[0].child = (moult_child){.id = "a", .name = "many", .count = count};
    parts[0].code.server =
        (moult_server){.size = sizeof(moult_server), .handle_cast = part_cast};
    pid = supervise(1);
    assert_int_equal(count_of(pid), count);
    snprintf(name, sizeof(name), "many.%u", count - 1);
    last = moult_whereis(name);
    cast_word(last, "error");
    assert_gone(last);
    assert_true(alive(moult_whereis(name)));
    end(pid);
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_true(moult_pid_is_none(moult_whereis("many.0")));
}

/* -- more and fewer children -- */

static int change(moult_pid supervisor, enum system_request what, unsigned from,
                  unsigned count, char text[256])
{
    return supervisor_ask(supervisor, what, codes + from, count, text, 256);
}

static void added_children_start_in_order_behind_the_others(void **state)
{
    moult_pid pid = supervise(2);
    char text[256];

    assert_int_equal(change(pid, SYSTEM_ADD, 2, 2, text), 0);
    assert_trace("abcd");
    assert_int_equal(count_of(pid), 4);
    tell(pid, 3, "error");
    assert_trace("Dd");
    end(pid);
    assert_trace("DCBA");
}

static void children_are_added_all_or_none(void **state)
{
    moult_pid pid = supervise(2);
    char text[256];

    parts[3].refusals = 1;
    assert_int_equal(change(pid, SYSTEM_ADD, 2, 2, text), -EOWNERDEAD);
    assert_string_equal(text, "child 'd' failed to start: not now");
    assert_trace("abcdC");
    assert_int_equal(count_of(pid), 2);
    assert_status(pid, 1, "running");
    assert_int_equal(change(pid, SYSTEM_ADD, 2, 2, text), 0);
    assert_trace("cd");
}

static void a_failed_addition_does_not_count_as_a_restart(void **state)
{
    moult_pid pid = start(1, 1, 10).pid;
    char text[256];

    parts[1].refusals = 3;
    for (int i = 0; i < 3; i++)
        assert_true(change(pid, SYSTEM_ADD, 1, 1, text) < 0);
    tell(pid, 0, "error");
    assert_status(pid, 0, "running");
}

static void removed_children_end_in_reverse_and_are_forgotten(void **state)
{
    moult_pid pid = supervise(4);
    char text[256];

    assert_int_equal(change(pid, SYSTEM_REMOVE, 1, 2, text), 0);
    assert_trace("abcdCB");
    assert_int_equal(count_of(pid), 2);
    assert_string_equal(row_of(pid, 1).id, "d");
    assert_int_equal(change(pid, SYSTEM_REMOVE, 1, 2, text), 0); /* they are none */
    end(pid);
    assert_trace("DA");
}

static void children_may_be_added_to_none(void **state)
{
    moult_pid pid = supervise(1);
    char text[256];

    assert_int_equal(change(pid, SYSTEM_REMOVE, 0, 1, text), 0);
    assert_int_equal(change(pid, SYSTEM_ADD, 0, 2, text), 0);
    assert_trace("aAab");
    assert_int_equal(count_of(pid), 2);
}

static void a_request_that_it_does_not_know_is_refused(void **state)
{
    assert_int_equal(ask_word(supervise(1), "hello", NULL), -ENOSYS);
    assert_string_equal(asked_text(), "a supervisor has no such request");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(children_start_in_order_and_end_in_reverse),
        TEST(a_child_that_fails_to_start_ends_those_before_it_in_reverse),
        TEST(a_child_that_ignores_is_kept_without_a_process),
        TEST(a_supervisor_without_children_runs),
        TEST(a_taken_name_is_a_failed_start),
        TEST(restarted_is_who_its_restart_type_and_reason_say),
        TEST(a_killed_child_ended_abnormally),
        TEST(one_for_one_leaves_the_siblings_alone),
        TEST(a_restarted_child_keeps_its_place_in_the_order),
        TEST(a_restarted_child_has_its_name_again),
        TEST(a_restart_that_ignores_keeps_the_child_without_a_process),
        TEST(an_exit_of_who_is_no_child_is_ignored),
        TEST(one_restart_in_five_seconds_is_the_default),
        TEST(as_many_restarts_as_the_intensity_are_allowed_and_no_more),
        TEST(a_restart_exactly_a_period_ago_counts),
        TEST(periods_are_counted_in_whole_seconds),
        TEST(restarts_slower_than_the_intensity_go_on_for_ever),
        TEST(the_window_slides),
        TEST(restarts_of_all_children_count_together),
        TEST(who_is_not_restarted_does_not_count),
        TEST(giving_up_ends_the_rest_in_reverse_and_says_so),
        TEST(a_restart_that_fails_is_tried_again_and_each_try_counts),
        TEST(a_child_that_cannot_start_uses_up_the_intensity_at_once),
        TEST(requests_are_served_between_two_tries),
        TEST(to_remove_a_child_cancels_its_next_try),
        TEST(a_supervisor_can_be_ended_between_two_tries),
        TEST(a_child_that_does_not_end_in_time_is_killed),
        TEST(five_seconds_is_the_default_to_end_in),
        TEST(a_child_that_ends_in_time_terminates),
        TEST(brutal_kill_does_not_ask),
        TEST(infinity_waits_as_long_as_it_takes),
        TEST(a_child_that_does_not_trap_exits_ends_without_terminate),
        TEST(each_is_gone_before_the_next_is_told),
        TEST(children_may_end_by_themselves_while_it_ends),
        TEST(a_killed_supervisor_takes_its_children_with_it),
        TEST(a_supervisor_killed_while_it_ends_leaves_no_child),
        TEST(children_of_a_count_are_numbered_in_id_and_name),
        TEST(the_children_told_of_are_as_many_as_asked_for),
        TEST(it_supervises_ten_thousand),
        TEST(added_children_start_in_order_behind_the_others),
        TEST(children_are_added_all_or_none),
        TEST(a_failed_addition_does_not_count_as_a_restart),
        TEST(removed_children_end_in_reverse_and_are_forgotten),
        TEST(children_may_be_added_to_none),
        TEST(a_request_that_it_does_not_know_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
