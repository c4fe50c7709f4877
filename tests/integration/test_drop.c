/* SPDX-License-Identifier: Apache-2.0 */
/* Ways in which a file comes into the plugin folder, and what becomes of it then. */
#include "test.h"

#include <utime.h>

#include "host_fixture.h"
#include "program.h"

#define IN_PLUGINS(name) in_folder("plugins/" name)

/* A host that runs counter 1.0.0 and has counted to 5. */
static void start_counting(struct host *h)
{
    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
}

/* Wait until what was dropped before this has been looked at: it is done in order. */
static void catch_up(struct host *h)
{
    static unsigned serial;
    char name[64];

    snprintf(name, sizeof(name), "plugins/zz-%u.so", ++serial);
    write_file(in_folder(name), name, strlen(name));
    host_event(h, "plugin.refused", "file", name);
}

/* counter came to `vsn`, by one upgrade; nothing was refused; the count is there. */
static void came_once(struct host *h, const char *vsn)
{
    host_event(h, "upgrade.commit", "to", vsn);
    catch_up(h);
    assert_string_equal(host_vsn(h, "counter"), vsn);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    assert_int_equal(host_events(h, "upgrade.commit"), 1);
    assert_int_equal(host_events(h, "plugin.staged"), 2);
    assert_int_equal(host_events(h, "plugin.refused"), 1); /* that of catch_up */
    assert_int_equal(host_events(h, "upgrade.refused"), 0);
}

static void a_copied_file_is_upgraded_to(void **state)
{
    struct host *h = *state;

    start_counting(h);
    drop("samples/counter-1.1.0");
    came_once(h, "1.1.0");
    host_stop(h);
}

static void a_file_that_is_moved_in_is_upgraded_to(void **state)
{
    struct host *h = *state;

    start_counting(h);
    copy_file(built("samples/counter-1.1.0"), in_folder("outside"));
    assert_int_equal(rename(in_folder("outside"), IN_PLUGINS("a.so")), 0);
    came_once(h, "1.1.0");
    host_stop(h);
}

static void a_hard_linked_file_is_upgraded_to(void **state)
{
    struct host *h = *state;

    start_counting(h);
    copy_file(built("samples/counter-1.1.0"), in_folder("outside"));
    assert_int_equal(link(in_folder("outside"), IN_PLUGINS("a.so")), 0);
    came_once(h, "1.1.0");
    host_stop(h);
}

static void a_symbolic_link_is_followed(void **state)
{
    struct host *h = *state;

    start_counting(h);
    assert_int_equal(symlink(built("samples/counter-1.1.0"), IN_PLUGINS("a.so")), 0);
    came_once(h, "1.1.0");
    host_stop(h);
}

static void an_rsynced_file_is_upgraded_to(void **state)
{
    struct host *h = *state;
    const char *const rsync[] = {"rsync", "-a", built("samples/counter-1.1.0"),
                                 "plugins/", NULL};

    start_counting(h);
    if (program_run(rsync, NULL)->status == 127) {
        host_stop(h);
        skip();
    }
    came_once(h, "1.1.0");
    host_stop(h);
}

static void an_install_over_the_running_file_is_upgraded_to(void **state)
{
    struct host *h = *state;
    const char *const install[] = {"install", built("samples/counter-1.1.0"),
                                   "plugins/counter-1.0.0.so", NULL};

    start_counting(h);
    assert_int_equal(program_run(install, NULL)->status, 0);
    came_once(h, "1.1.0");
    host_stop(h);
}

/* Its writer keeps it open; after every piece the host has looked at what it is told. */
static void a_file_that_is_written_slowly_is_picked_up_when_whole(void **state)
{
    struct host *h = *state;
    size_t len, at = 0;
    char *bytes = read_whole(built("samples/counter-1.1.0"), &len);
    FILE *f;

    start_counting(h);
    f = fopen(IN_PLUGINS("counter-1.1.0.so"), "we");
    setvbuf(f, NULL, _IONBF, 0);
    for (size_t piece = 1; at < len; at += piece, piece *= 4) {
        piece = piece < len - at ? piece : len - at;
        assert_int_equal(fwrite(bytes + at, 1, piece, f), piece);
        catch_up(h);
        assert_string_equal(host_vsn(h, "counter"), "1.0.0");
        assert_null(host_release(h, "counter", "1.1.0", NULL));
    }
    free(bytes);
    fclose(f);
    host_event(h, "upgrade.commit", "to", "1.1.0");
    assert_int_equal(host_events(h, "plugin.staged"), 2);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void what_becomes_of_the_dropped_file_later_is_harmless(void **state)
{
    struct host *h = *state;

    start_counting(h);
    drop("samples/counter-1.1.0");
    came_once(h, "1.1.0");

    /* Both are overwritten in place, and one then removed. */
    write_file(IN_PLUGINS("counter-1.1.0.so"), "rubbish", 7);
    write_file(IN_PLUGINS("counter-1.0.0.so"), "rubbish too", 11);
    host_event(h, "plugin.refused", "file", "counter-1.1.0.so");
    host_event(h, "plugin.refused", "file", "counter-1.0.0.so");
    assert_int_equal(unlink(IN_PLUGINS("counter-1.1.0.so")), 0);
    catch_up(h);
    assert_int_equal(host_call_int(h, "counter", "{\"step\": 2}"), 5);
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 7);

    /* The old version was unloaded meanwhile, and is loaded from the store again. */
    assert_false(host_maps(h, "counter-1.0.0"));
    host_change(h, "downgrade", "counter@1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 8);
    assert_false(host_maps(h, "counter-1.1.0"));
    host_change(h, "upgrade", "counter@1.1.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 8);
    host_stop(h);
}

static void a_lower_version_is_only_staged(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.1.0");
    host_start(h, NULL);
    drop("samples/counter-1.0.0");
    host_event(h, "plugin.staged", "vsn", "1.0.0");
    catch_up(h);
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    assert_non_null(host_release(h, "counter", "1.0.0", "staged"));
    assert_int_equal(host_events(h, "upgrade"), 0);
    host_stop(h);
}

static void an_older_mtime_is_no_reason(void **state)
{
    struct host *h = *state;
    const struct utimbuf long_ago = {.actime = 1000, .modtime = 1000};

    start_counting(h);
    copy_file(built("samples/counter-1.1.0"), in_folder("outside"));
    assert_int_equal(utime(in_folder("outside"), &long_ago), 0);
    assert_int_equal(rename(in_folder("outside"), IN_PLUGINS("counter-1.0.0.so")), 0);
    came_once(h, "1.1.0");
    host_stop(h);
}

static void the_same_content_again_changes_nothing(void **state)
{
    struct host *h = *state;
    unsigned count;

    start_counting(h);
    count = host_events(h, "plugin");
    drop("samples/counter-1.0.0");
    drop_as("samples/counter-1.0.0", "another-name.so");
    catch_up(h);
    assert_int_equal(host_events(h, "plugin"), count + 1); /* that of catch_up */
    assert_int_equal(host_events(h, "upgrade"), 0);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void the_same_vsn_with_another_content_is_refused_with_a_hint(void **state)
{
    struct host *h = *state;
    json_t *event, *release;

    start_counting(h);
    drop_as("integration/other_counter", "counter-1.0.0-fixed.so");
    event = host_event(h, "plugin.refused", "file", "counter-1.0.0-fixed.so");
    assert_has(text_at(event, "reason"), "higher vsn");
    release = host_release(h, "counter", "1.0.0", "refused");
    assert_has(text_at(release, "reason"), "higher vsn");
    assert_non_null(host_release(h, "counter", "1.0.0", "running"));
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void a_host_may_be_told_only_to_stage(void **state)
{
    struct host *h = *state;
    static const char settings[] = "on_drop = \"stage\";\n";

    write_file(in_folder("moult.conf"), settings, sizeof(settings) - 1);
    drop("samples/counter-1.0.0");
    host_start(h, "--config", "moult.conf", NULL);
    drop("samples/counter-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    catch_up(h);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_non_null(host_release(h, "counter", "1.1.0", "staged"));
    host_change(h, "upgrade", "counter");
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_stop(h);
}

static void a_new_application_is_started(void **state)
{
    struct host *h = *state;

    start_counting(h);
    drop("tests/misbehaving/good_1_0_0");
    host_event(h, "application.start", "app", "good");
    assert_string_equal(host_vsn(h, "good"), "1.0.0");
    assert_int_equal(host_call_int(h, "tally", "\"get\""), 100);
    drop("tests/misbehaving/good_1_1_0");
    host_event(h, "upgrade.commit", "app", "good");
    assert_int_equal(host_call_int(h, "tally", "\"get\""), 110);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void several_files_at_once_lead_to_the_highest(void **state)
{
    struct host *h = *state;

    start_counting(h);
    drop("samples/counter-2.0.0");
    drop("samples/counter-1.1.0");
    host_event(h, "upgrade.commit", "to", "2.0.0");
    catch_up(h);
    assert_string_equal(host_vsn(h, "counter"), "2.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void files_that_are_no_plugins_by_name_are_left_alone(void **state)
{
    struct host *h = *state;

    start_counting(h);
    copy_file(built("samples/counter-1.1.0"), IN_PLUGINS("counter-1.1.0.so.part"));
    copy_file(built("samples/counter-1.1.0"), IN_PLUGINS(".counter-1.1.0.so"));
    assert_int_equal(mkdir(IN_PLUGINS("folder.so"), 0700), 0);
    catch_up(h);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_events(h, "plugin.refused"), 1); /* that of catch_up */
    assert_int_equal(rmdir(IN_PLUGINS("folder.so")), 0);
    host_stop(h);
}

static void a_folder_that_is_removed_and_made_again_is_watched_again(void **state)
{
    struct host *h = *state;

    start_counting(h);
    unlink(IN_PLUGINS("counter-1.0.0.so"));
    assert_int_equal(rmdir(in_folder("plugins")), 0);
    host_event(h, "watch.lost", NULL, NULL);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    assert_int_equal(mkdir(in_folder("plugins"), 0700), 0);
    host_event(h, "watch.found", NULL, NULL);
    drop("samples/counter-1.1.0");
    came_once(h, "1.1.0");
    host_stop(h);
}

static void a_folder_that_is_replaced_by_another_is_looked_through(void **state)
{
    struct host *h = *state;

    start_counting(h);
    assert_int_equal(mkdir(in_folder("next"), 0700), 0);
    copy_file(built("samples/counter-1.1.0"), in_folder("next/counter-1.1.0.so"));
    assert_int_equal(rename(in_folder("plugins"), in_folder("before")), 0);
    assert_int_equal(rename(in_folder("next"), in_folder("plugins")), 0);
    came_once(h, "1.1.0");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_copied_file_is_upgraded_to),
        HOST_TEST(a_file_that_is_moved_in_is_upgraded_to),
        HOST_TEST(a_hard_linked_file_is_upgraded_to),
        HOST_TEST(a_symbolic_link_is_followed),
        HOST_TEST(an_rsynced_file_is_upgraded_to),
        HOST_TEST(an_install_over_the_running_file_is_upgraded_to),
        HOST_TEST(a_file_that_is_written_slowly_is_picked_up_when_whole),
        HOST_TEST(what_becomes_of_the_dropped_file_later_is_harmless),
        HOST_TEST(a_lower_version_is_only_staged),
        HOST_TEST(an_older_mtime_is_no_reason),
        HOST_TEST(the_same_content_again_changes_nothing),
        HOST_TEST(the_same_vsn_with_another_content_is_refused_with_a_hint),
        HOST_TEST(a_host_may_be_told_only_to_stage),
        HOST_TEST(a_new_application_is_started),
        HOST_TEST(several_files_at_once_lead_to_the_highest),
        HOST_TEST(files_that_are_no_plugins_by_name_are_left_alone),
        HOST_TEST(a_folder_that_is_removed_and_made_again_is_watched_again),
        HOST_TEST(a_folder_that_is_replaced_by_another_is_looked_through),
    };

    return cmocka_run_group_tests_name("drop", tests, NULL, NULL);
}
