/* SPDX-License-Identifier: Apache-2.0 */
/* What the samples say of themselves is so, in both of their versions and in between. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"

static void start_sample(struct host *h, const char *first)
{
    drop(first);
    host_start(h, NULL);
}

/* Drop the next version, and wait until it runs. */
static void upgrade(struct host *h, const char *plugin)
{
    drop(plugin);
    host_event(h, "upgrade.commit", NULL, NULL);
}

static void assert_answer(struct host *h, const char *name, const char *message,
                          const char *expected)
{
    json_t *answer = host_call(h, name, message);
    char *text = json_dumps(answer, JSON_ENCODE_ANY | JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
}

static void assert_refused(struct host *h, const char *name, const char *message,
                           const char *words)
{
    json_t *error = host_refuses(h, "call", talk_message(name, message));

    assert_has(text_at(error, "message"), words);
}

static const char *state_of(struct host *h, const char *name, const char *path)
{
    return text_at(host_ask(h, "state", json_pack("{s:s}", "name", name)), path);
}

/* -- stack -- */

static void a_stack_gives_back_the_newest_first_in_any_version(void **state)
{
    struct host *h = *state;

    start_sample(h, "samples/stack-1.0.0");
    assert_refused(h, "stack", "\"pop\"", "the stack is empty");
    assert_answer(h, "stack", "{\"push\": 1}", "1");
    assert_answer(h, "stack", "{\"push\": {\"a\": [null, \"b\"]}}", "2");
    assert_answer(h, "stack", "{\"push\": \"top\"}", "3");
    assert_answer(h, "stack", "\"pop\"", "\"top\"");
    upgrade(h, "samples/stack-1.1.0");
    assert_answer(h, "stack", "\"peek\"", "{\"a\":[null,\"b\"]}");
    assert_answer(h, "stack", "\"pop\"", "{\"a\":[null,\"b\"]}");
    assert_refused(h, "stack", "{\"limit\": 0}", "there are 1 items");
    assert_answer(h, "stack", "{\"limit\": 1}", "1");
    assert_refused(h, "stack", "{\"push\": 2}", "the stack is full: its limit is 1");
    host_change(h, "downgrade", "stack@1.0.0");
    assert_answer(h, "stack", "{\"push\": 2}", "2");
    assert_answer(h, "stack", "\"pop\"", "2");
    assert_answer(h, "stack", "\"pop\"", "1");
    assert_refused(h, "stack", "\"peek\"", "stack takes {\"push\": anything} and");
    host_stop(h);
}

/* -- kv -- */

static void kv_keeps_values_under_keys(void **state)
{
    struct host *h = *state;

    start_sample(h, "samples/kv-1.0.0");
    assert_answer(h, "kv", "{\"put\": [\"b\", 2]}", "true");
    assert_answer(h, "kv", "{\"put\": [\"c\", [3]]}", "true");
    assert_answer(h, "kv", "{\"put\": [\"\", 0]}", "true");
    assert_answer(h, "kv", "{\"put\": [\"ab\", 1]}", "true");
    assert_answer(h, "kv", "{\"put\": [\"b\", \"two\"]}", "false");
    assert_answer(h, "kv", "\"keys\"", "[\"\",\"ab\",\"b\",\"c\"]");
    assert_answer(h, "kv", "{\"get\": \"b\"}", "\"two\"");
    assert_answer(h, "kv", "{\"delete\": \"ab\"}", "true");
    assert_answer(h, "kv", "{\"delete\": \"ab\"}", "false");
    assert_refused(h, "kv", "{\"get\": \"ab\"}", "there is nothing under that key");
    assert_refused(h, "kv", "{\"put\": \"ab\"}", "put takes [key, value]");
    assert_refused(h, "kv", "{\"put\": [1, 2]}", "put takes [key, value]");
    assert_answer(h, "kv", "\"keys\"", "[\"\",\"b\",\"c\"]");
    host_stop(h);
}

static void and_in_another_version_counts_who_reads_them(void **state)
{
    struct host *h = *state;
    char message[64], answer[16];

    start_sample(h, "samples/kv-1.0.0");
    for (int i = 0; i < 100; i++) {
        snprintf(message, sizeof(message), "{\"put\": [\"key%d\", %d]}", i * 37 % 100,
                 i);
        assert_answer(h, "kv", message, "true");
    }
    upgrade(h, "samples/kv-1.1.0");
    for (int i = 0; i < 100; i++) {
        snprintf(message, sizeof(message), "{\"get\": \"key%d\"}", i * 37 % 100);
        snprintf(answer, sizeof(answer), "%d", i);
        assert_answer(h, "kv", message, answer);
    }
    assert_answer(h, "kv", "{\"get\": \"key5\"}", "65");
    assert_answer(h, "kv", "{\"reads\": \"key5\"}", "2");
    assert_answer(h, "kv", "{\"reads\": \"key6\"}", "1");
    assert_refused(h, "kv", "{\"reads\": \"key\"}", "there is nothing under that key");
    host_stop(h);
}

/* -- bank -- */

static void a_bank_refuses_an_overdraft(void **state)
{
    struct host *h = *state;

    start_sample(h, "samples/bank-1.0.0");
    assert_answer(h, "bank", "{\"deposit\": 50}", "50");
    assert_answer(h, "bank", "{\"withdraw\": 20}", "30");
    assert_refused(h, "bank", "{\"withdraw\": 31}", "there is only 30");
    assert_refused(h, "bank", "{\"deposit\": -1}", "bank takes");
    assert_refused(h, "bank", "{\"deposit\": 9223372036854775807}",
                   "the ledger says: that is more than the ledger can count");
    assert_answer(h, "bank", "\"balance\"", "30");
    assert_answer(h, "bank", "\"history\"", "[50,-20]");
    assert_answer(h, "bank", "\"largest\"", "20");
    host_stop(h);
}

static void its_history_is_kept_when_it_crashes_until_the_bug_is_fixed(void **state)
{
    struct host *h = *state;

    start_sample(h, "samples/bank-1.0.0");
    assert_answer(h, "bank", "{\"deposit\": 50}", "50");
    assert_answer(h, "bank", "{\"deposit\": 5}", "55");
    assert_refused(h, "bank", "\"largest\"", "SIGSEGV");
    host_event(h, "server.restart", "server", "bank");
    assert_answer(h, "bank", "\"balance\"", "55");
    assert_answer(h, "bank", "\"history\"", "[50,5]");
    upgrade(h, "samples/bank-2.0.0");
    assert_refused(h, "bank", "\"largest\"", "nothing was ever withdrawn");
    assert_answer(h, "bank", "\"history\"", "[5000,500]");
    assert_answer(h, "bank", "\"balance\"", "5500");
    host_stop(h);
}

static void a_part_of_a_coin_does_not_go_back_to_whole_coins(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_sample(h, "samples/bank-1.0.0");
    assert_answer(h, "bank", "{\"deposit\": 50}", "50");
    upgrade(h, "samples/bank-2.0.0");
    assert_answer(h, "bank", "{\"withdraw\": 150}", "4850");
    why = host_change_refused(h, "downgrade", "bank@1.0.0");
    assert_has(text_at(why, "message"), "an amount is no number of whole coins");
    assert_answer(h, "bank", "\"balance\"", "4850");
    assert_answer(h, "bank", "{\"withdraw\": 50}", "4800");
    why = host_change_refused(h, "downgrade", "bank@1.0.0"); /* the history has them */
    assert_has(text_at(why, "message"), "code_change of server 'ledger'");
    assert_answer(h, "bank", "\"history\"", "[5000,-150,-50]");
    host_stop(h);
}

/* -- door -- */

static void press(struct host *h, const char *digits)
{
    char message[32];

    for (; *digits; digits++) {
        snprintf(message, sizeof(message), "{\"press\": %c}", *digits);
        host_ask(h, "cast", talk_message("door", message));
    }
}

static void a_door_lets_in_who_waits_when_the_code_is_right(void **state)
{
    struct host *h = *state;
    json_int_t id;

    start_sample(h, "samples/door-1.0.0");
    id = talk_ask(h->talk, "call", talk_message("door", "\"pass\""));
    press(h, "4321");
    assert_string_equal(state_of(h, "door", "state.state"), "locked");
    assert_false(talk_has_answer(h->talk, id));
    press(h, "1234");
    assert_int_equal(int_at(talk_answer(h->talk, id), "result"), 1);
    assert_string_equal(state_of(h, "door", "state.state"), "open");
    assert_answer(h, "door", "\"pass\"", "2");
    assert_refused(h, "door", "\"break\"", "door takes \"pass\"");
    assert_answer(h, "door_events", "{\"history\": \"all\"}",
                  "{\"opened\":1,\"wrong\":1}");
    host_stop(h);
}

static void
who_waits_and_what_was_typed_stay_when_a_state_gets_another_name(void **state)
{
    struct host *h = *state;
    json_int_t id;

    start_sample(h, "samples/door-1.0.0");
    id = talk_ask(h->talk, "call", talk_message("door", "\"pass\""));
    press(h, "000012");
    assert_string_equal(state_of(h, "door", "state.state"), "locked");
    upgrade(h, "samples/door-2.0.0");
    assert_string_equal(state_of(h, "door", "state.state"), "closed");
    assert_false(talk_has_answer(h->talk, id));
    press(h, "34");
    assert_int_equal(int_at(talk_answer(h->talk, id), "result"), 1);
    assert_string_equal(state_of(h, "door", "state.state"), "open");
    assert_answer(h, "door_events", "{\"history\": \"all\"}",
                  "{\"opened\":1,\"wrong\":1,\"blocked\":0}");
    host_stop(h);
}

static void a_door_that_is_blocked_is_locked_in_the_version_before(void **state)
{
    struct host *h = *state;

    start_sample(h, "samples/door-1.0.0");
    upgrade(h, "samples/door-2.0.0");
    press(h, "000000000000");
    assert_string_equal(state_of(h, "door", "state.state"), "blocked");
    press(h, "1234");
    assert_string_equal(state_of(h, "door", "state.state"), "blocked");
    host_change(h, "downgrade", "door@1.0.0");
    assert_string_equal(state_of(h, "door", "state.state"), "locked");
    press(h, "1234");
    assert_answer(h, "door", "\"pass\"", "1");
    assert_answer(h, "door_events", "{\"history\": \"all\"}",
                  "{\"opened\":1,\"wrong\":3}");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_stack_gives_back_the_newest_first_in_any_version),
        HOST_TEST(kv_keeps_values_under_keys),
        HOST_TEST(and_in_another_version_counts_who_reads_them),
        HOST_TEST(a_bank_refuses_an_overdraft),
        HOST_TEST(its_history_is_kept_when_it_crashes_until_the_bug_is_fixed),
        HOST_TEST(a_part_of_a_coin_does_not_go_back_to_whole_coins),
        HOST_TEST(a_door_lets_in_who_waits_when_the_code_is_right),
        HOST_TEST(who_waits_and_what_was_typed_stay_when_a_state_gets_another_name),
        HOST_TEST(a_door_that_is_blocked_is_locked_in_the_version_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
