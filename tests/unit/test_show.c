/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "screen.h"
#include "show.h"

typedef void show(const struct screen *screen, const json_t *result);

static char *printed(show *how, const char *text, bool colour, bool boxes)
{
    char *out = NULL;
    size_t len;
    struct screen screen = {.colour = colour, .boxes = boxes};
    json_t *result = json_loads(text, JSON_DECODE_ANY, NULL);

    assert_non_null(result);
    screen.out = screen.err = open_memstream(&out, &len);
    how(&screen, result);
    fclose(screen.out);
    json_decref(result);
    return out;
}

static void prints(show *how, const char *text, const char *expected)
{
    char *out = printed(how, text, false, true);

    assert_string_equal(out, expected);
    free(out);
}

static void status_says_how_the_host_is(void **state)
{
    prints(show_status,
           "{\"pid\":123,\"version\":\"0.1.0\",\"state\":\"running\",\"uptime_ms\":"
           "3720000,"
           "\"workers\":2,\"plugins\":\"/p\",\"data\":\"/d\",\"socket\":\"/s\","
           "\"applications\":1,\"processes\":12,\"events\":123}",
           "moult 0.1.0 running for 1 h 2 min, pid 123\n"
           "applications  1\n"
           "processes     12\n"
           "workers       2\n"
           "events        123\n"
           "plugins       /p\n"
           "data          /d\n"
           "socket        /s\n");
}

static void tables_line_up(void **state)
{
    prints(
        show_apps,
        "[{\"name\":\"counter\",\"vsn\":\"1.0.0\",\"status\":\"running\",\"servers\":1,"
        "\"restarts\":0,\"description\":\"counts\"},"
        "{\"name\":\"größer\",\"vsn\":\"10.0.0-rc1\",\"status\":\"failed\","
        "\"servers\":100000,\"restarts\":12,\"description\":\"\"}]",
        "APPLICATION  VSN         STATUS   SERVERS  RESTARTS  DESCRIPTION\n"
        "counter      1.0.0       running        1         0  counts\n"
        "größer       10.0.0-rc1  failed    100000        12  -\n");
}

static void a_column_that_no_row_has_is_left_out(void **state)
{
    prints(show_ps, "[{\"pid\":\"<0.4.1>\",\"name\":\"\",\"memory\":512}]",
           "PID      NAME  MEMORY\n"
           "<0.4.1>  -        512\n");
}

static void an_empty_list_says_so(void **state)
{
    prints(show_ps, "[]", "no process runs\n");
}

static const char tree[] =
    "{\"host\":\"moult\",\"applications\":["
    "{\"name\":\"a\",\"vsn\":\"1.0\",\"supervisor\":{\"pid\":\"<0.1.1>\","
    "\"strategy\":\"one_for_one\",\"restarts\":0,\"children\":["
    "{\"id\":\"x\",\"name\":\"x\",\"pid\":\"<0.2.1>\",\"status\":\"running\","
    "\"restarts\":2},"
    "{\"id\":\"s\",\"name\":\"\",\"pid\":\"<0.3.1>\",\"type\":\"supervisor\","
    "\"strategy\":\"rest_for_one\",\"restarts\":0,\"children\":["
    "{\"id\":\"y\",\"name\":\"why\",\"pid\":\"<0.4.1>\",\"status\":\"running\","
    "\"restarts\":0}]}]}},"
    "{\"name\":\"b\",\"vsn\":\"2.0\",\"supervisor\":{\"pid\":\"<0.5.1>\","
    "\"strategy\":\"one_for_one\",\"restarts\":0,\"children\":[]}}]}";

static void a_tree_is_drawn(void **state)
{
    prints(show_tree, tree,
           "moult\n"
           "├─ a 1.0 <0.1.1> one_for_one\n"
           "│  ├─ x <0.2.1> running (2 restarts)\n"
           "│  └─ s <0.3.1> rest_for_one\n"
           "│     └─ y (why) <0.4.1> running\n"
           "└─ b 2.0 <0.5.1> one_for_one\n");
}

static void without_utf8_a_tree_is_drawn_in_ascii(void **state)
{
    char *out = printed(show_tree, tree, false, false);

    assert_string_equal(out, "moult\n"
                             "|- a 1.0 <0.1.1> one_for_one\n"
                             "|  |- x <0.2.1> running (2 restarts)\n"
                             "|  `- s <0.3.1> rest_for_one\n"
                             "|     `- y (why) <0.4.1> running\n"
                             "`- b 2.0 <0.5.1> one_for_one\n");
    free(out);
}

static void state_is_a_field_a_line(void **state)
{
    prints(show_state,
           "{\"name\":\"counter\",\"pid\":\"<0.4.1>\",\"vsn\":\"1.1.0\",\"format\":0,"
           "\"state\":{\"count\":7,\"label\":\"a\",\"list\":[1,{\"b\":2}]}}",
           "counter <0.4.1> vsn 1.1.0 format 0\n"
           "  count  7\n"
           "  label  \"a\"\n"
           "  list   [1, {\"b\": 2}]\n");
}

static void an_upgrade_is_one_line(void **state)
{
    prints(show_upgrade,
           "{\"application\":\"counter\",\"from\":\"1.0.0\",\"to\":\"1.1.0\","
           "\"servers\":1,"
           "\"moved\":{\"pointer\":0,\"schema\":1,\"code_change\":0},\"pause_us\":180,"
           "\"waited\":3}",
           "counter 1.0.0 -> 1.1.0: 1 server moved by schema, paused 0.18 ms, "
           "3 messages waited\n");
    prints(
        show_upgrade,
        "{\"application\":\"a\",\"from\":\"1\",\"to\":\"2\",\"moved\":{\"pointer\":10,"
        "\"schema\":2,\"code_change\":1,\"added\":4,\"removed\":0,\"unchanged\":5},"
        "\"pause_us\":123456,\"waited\":1}",
        "a 1 -> 2: 10 servers moved by pointer, 2 by schema, 1 by code_change, "
        "5 unchanged, 4 added, paused 123 ms, 1 message waited\n");
    prints(show_upgrade,
           "{\"application\":\"a\",\"from\":\"1\",\"to\":\"2\",\"moved\":{},"
           "\"pause_us\":12345,\"waited\":0}",
           "a 1 -> 2: no server to move, paused 12.3 ms, 0 messages waited\n");
}

static void a_plan_is_steps_and_servers(void **state)
{
    prints(show_upgrade,
           "{\"application\":\"a\",\"from\":\"1\",\"to\":\"2\",\"steps\":["
           "{\"step\":\"drain\",\"text\":\"wait\"},{\"step\":\"commit\",\"text\":"
           "\"swap\"}],"
           "\"servers\":[{\"server\":\"s\",\"count\":3,\"moved\":\"schema\"}]}",
           "a 1 -> 2, a plan: nothing was done\n"
           "\n"
           "  1  drain     wait\n"
           "  2  commit    swap\n"
           "\n"
           "SERVER  COUNT  MOVED BY\n"
           "s           3  schema\n");
}

static void releases_say_why_one_was_refused(void **state)
{
    prints(show_releases,
           "{\"releases\":[{\"name\":\"local\",\"vsn\":\"1\",\"status\":\"permanent\","
           "\"applications\":[\"a@1\",\"b@2\"]}],\"versions\":"
           "[{\"name\":\"a\",\"vsn\":\"1\",\"status\":\"running\",\"since\":\"2026\","
           "\"file\":\"/a\",\"reason\":\"\",\"lints\":[]},"
           "{\"name\":\"a\",\"vsn\":\"2\",\"status\":\"refused\",\"since\":\"2026\","
           "\"file\":\"/b\",\"reason\":\"it crashed\",\"lints\":[\"stack\"]}]}",
           "RELEASE  VSN  STATUS     HAS\n"
           "local    1    permanent  a@1 b@2\n"
           "\n"
           "APPLICATION  VSN  STATUS   SINCE  FILE\n"
           "a            1    running  2026   /a\n"
           "a            2    refused  2026   /b\n"
           "\n"
           "a 2\n"
           "  refused: it crashed\n"
           "  lint: stack\n");
}

static void colours_do_not_move_columns(void **state)
{
    const char *apps =
        "[{\"name\":\"a\",\"vsn\":\"1\",\"status\":\"failed\",\"servers\":1}]";
    char *out = printed(show_apps, apps, true, true);

    assert_non_null(strstr(out, "\x1b[31mfailed\x1b[0m        1"));
    free(out);
}

static void nothing_from_the_host_moves_the_cursor(void **state)
{
    prints(show_releases,
           "{\"versions\":[{\"name\":\"a\\u001b[2J\\n\",\"vsn\":\"\\u009b1\","
           "\"status\":\"x\","
           "\"file\":\"\"}]}",
           "there is no release yet\n\n"
           "APPLICATION  VSN  STATUS  FILE\n"
           "a?[2J?       ?1   x       -\n");
}

static void what_another_version_leaves_out_is_a_dash(void **state)
{
    prints(show_state, "{}", "- - vsn - format 0\n");
    prints(show_tree, "{\"applications\":[{}]}", "-\n└─ - - - -\n");
}

static void registries_show_their_entries(void **state)
{
    prints(show_registry,
           "[{\"name\":\"rooms\",\"pid\":\"<0.4.1>\",\"keys\":\"duplicate\","
           "\"partitions\":2,\"partition_by\":\"pid\",\"count\":3,\"entries\":["
           "{\"key\":\"lobby\",\"pid\":\"<0.9.1>\",\"name\":\"\",\"value\":null},"
           "{\"key\":[1,2],\"pid\":\"<0.8.1>\",\"name\":\"anna\",\"value\":5}]},"
           "{\"name\":\"\",\"pid\":\"<0.5.1>\",\"keys\":\"unique\","
           "\"partitions\":1,\"partition_by\":\"key\",\"count\":0,\"entries\":[]}]",
           "rooms <0.4.1> duplicate keys, 2 partitions by pid, 3 entries\n"
           "KEY      PID      NAME  VALUE\n"
           "\"lobby\"  <0.9.1>  -     null\n"
           "[1, 2]   <0.8.1>  anna  5\n"
           "and 1 more: --limit N shows more\n"
           "\n"
           "<0.5.1> unique keys, 1 partition, 0 entries\n");
    prints(show_registry, "[]", "no registry runs\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_says_how_the_host_is),
        cmocka_unit_test(tables_line_up),
        cmocka_unit_test(registries_show_their_entries),
        cmocka_unit_test(a_column_that_no_row_has_is_left_out),
        cmocka_unit_test(an_empty_list_says_so),
        cmocka_unit_test(a_tree_is_drawn),
        cmocka_unit_test(without_utf8_a_tree_is_drawn_in_ascii),
        cmocka_unit_test(state_is_a_field_a_line),
        cmocka_unit_test(an_upgrade_is_one_line),
        cmocka_unit_test(a_plan_is_steps_and_servers),
        cmocka_unit_test(releases_say_why_one_was_refused),
        cmocka_unit_test(colours_do_not_move_columns),
        cmocka_unit_test(nothing_from_the_host_moves_the_cursor),
        cmocka_unit_test(what_another_version_leaves_out_is_a_dash),
    };

    return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
