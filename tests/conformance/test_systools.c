/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTP's systools_SUITE as far as releases are made and taken in here: a release file, a
 * package, and what is wrong with one.  Its plans are test_appup.c's.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "release_fixture.h"

/* Pack shop of `vsn` from what is built, as NAME.pack. */
static void pack(const char *vsn, const char *applications, const char *to)
{
    const struct ran *ran;

    mkdir(in_folder("build"), 0700);
    for (size_t i = 0; i < 3; i++) {
        static const char *const plugins_of[] = {"samples/counter-2.0.0",
                                                 "samples/counter-1.1.0",
                                                 "tests/misbehaving/good_1_0_0"};
        char name[32];

        snprintf(name, sizeof(name), "build/%zu.so", i); /* names say nothing */
        copy_file(built(plugins_of[i]), in_folder(name));
    }
    write_release("shop", vsn, applications);
    ran = moult(NULL, "pack", "shop.rel", "--plugins", "build", "--to", to, NULL);
    assert_string_equal(ran->err, "");
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, vsn);
}

/* A file may be reported, and looked at, more than once. */
static void nothing_is_left_of_unpacking(struct host *h)
{
    host_refuses(h, "install", release("after@all")); /* that came before */
    assert_int_not_equal(access(in_folder("data/unpacking"), F_OK), 0);
}

/* normal_script */
static void of_a_folder_with_a_release_file_that_release_is_begun_with(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    drop("samples/counter-1.1.0");
    drop("samples/counter-2.0.0");
    write_release("shop", "1.0", "counter = \"1.1.0\";");
    drop_release("shop.rel");
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    release_is(h, "shop@1.0", "permanent");
    host_stop(h);
    host_start(h, NULL);
    release_is(h, "shop@1.0", "permanent");
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_change(h, "upgrade", "counter");
    release_is(h, "shop@1.0+1", "permanent");
    host_stop(h);
}

/* there a script can not be made without all of its applications */
static void a_release_file_waits_for_its_plugins(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    write_release("shop", "1.0", "counter = \"1.0.0\"; good = \"1.1.0\";");
    drop_release("shop.rel");
    host_event(h, "release.incomplete", "reason", "good 1.1.0");
    drop("tests/misbehaving/good_1_0_0");
    host_event(h, "release.run", "release", "local@2");
    drop("tests/misbehaving/good_1_1_0");
    host_event(h, "release.unpack", "release", "shop@1.0");
    host_ask(h, "ping", NULL);
    both_run(h, "1.0.0", "1.1.0");
    host_stop(h);
}

/* normal_tar, and release_handler_SUITE: unpack_release */
static void a_package_that_is_dropped_is_gone_to_as_one(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
    pack("1.0", "counter = \"2.0.0\"; good = \"1.0.0\";", "a.pack");
    drop_release("a.pack");
    host_event(h, "release.run", "release", "shop@1.0");
    both_run(h, "2.0.0", "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    release_is(h, "shop@1.0", "permanent");
    release_is(h, "local@1", "old");
    nothing_is_left_of_unpacking(h);

    pack("0.9", "counter = \"1.1.0\";",
         "b.pack"); /* a lower one waits to be asked for */
    drop_release("b.pack");
    host_event(h, "release.unpack", "release", "shop@0.9");
    host_ask(h, "ping", NULL);
    both_run(h, "2.0.0", "1.0.0");
    host_ask(h, "install", release("shop@0.9"));
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    assert_null(host_release(h, "good", NULL, "running"));
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

/* normal_tar, and release_handler_SUITE: upgrade */
static void a_package_is_unpacked_and_installed_when_asked(void **state)
{
    struct host *h = *state;
    char path[300];
    json_t *report;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    pack("1.0", "counter = \"2.0.0\"; good = \"1.0.0\";", "a.pack");
    snprintf(path, sizeof(path), "%s", in_folder("a.pack"));
    report = host_ask(h, "unpack", json_pack("{s:[s]}", "files", path));
    assert_string_equal(text_at(json_array_get(report, 0), "release"), "shop@1.0");
    assert_true(json_is_true(at(json_array_get(report, 0), "new")));
    report = host_ask(h, "unpack", json_pack("{s:[s]}", "files", path));
    assert_true(json_is_false(at(json_array_get(report, 0), "new")));
    release_is(h, "shop@1.0", "unpacked");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_has(text_at(host_release(h, "good", "1.0.0", "staged"), "file"), "/a.pack");
    host_ask(h, "install", release("shop"));
    release_is(h, "shop@1.0", "current");
    both_run(h, "2.0.0", "1.0.0");
    host_kill(h);
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    release_is(h, "shop@1.0", "unpacked");
    host_stop(h);
}

/* invalid_system_files_tar: found when it is packed */
static void packing_says_what_is_missing(void **state)
{
    const struct ran *ran;

    write_release("shop", "1.0", "counter = \"9.0\";");
    ran = moult(NULL, "pack", "shop.rel", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "counter 9.0");
    ran = moult(NULL, "pack", "none.rel", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "none.rel");
    assert_int_not_equal(access(in_folder("shop-1.0.pack"), F_OK), 0);
}

/* invalid_system_files_tar: found when it is taken in */
static void what_is_wrong_with_a_release_is_told_and_nothing_changes(void **state)
{
    struct host *h = *state;
    size_t len;
    char *whole;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    write_file(in_folder("plugins/a.rel"), "release = 5;", 12);
    assert_has(text_at(host_event(h, "release.refused", "file", "a.rel"), "reason"),
               "a.rel:1");
    write_file(in_folder("plugins/b.pack"), "no tar", 6);
    host_event(h, "release.refused", "file", "b.pack");
    pack("1.0", "counter = \"2.0.0\"; good = \"1.0.0\";", "a.pack");
    whole = read_whole(in_folder("a.pack"), &len);
    write_file(in_folder("plugins/c.pack"), whole, len / 2);
    host_event(h, "release.refused", "file", "c.pack");
    free(whole);
    write_release("shop", "1.0", "counter = \"1.0.0\";");
    drop_release("shop.rel");
    host_event(h, "release.run", "release", "shop@1.0");
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-1.1.0")));
    write_release("shop", "1.0", "counter = \"1.1.0\";");
    drop_release("shop.rel");
    host_event(h, "release.refused", "reason", "higher vsn");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    nothing_is_left_of_unpacking(h);
    host_stop(h);
}

/* otp_3065_circular_dependenies */
static void a_circle_is_named(void **state)
{
    struct host *h = *state;

    drop("integration/ring-1.0.0");
    drop("integration/wheel-1.0.0");
    host_start(h, NULL);
    assert_has(text_at(host_event(h, "application.refused", "app", "ring"), "reason"),
               "applications need one another in a circle: ring -> wheel -> ring");
    assert_null(host_vsn(h, "ring"));
    assert_null(host_vsn(h, "wheel"));
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(of_a_folder_with_a_release_file_that_release_is_begun_with),
        HOST_TEST(a_release_file_waits_for_its_plugins),
        HOST_TEST(a_package_that_is_dropped_is_gone_to_as_one),
        HOST_TEST(a_package_is_unpacked_and_installed_when_asked),
        HOST_TEST(packing_says_what_is_missing),
        HOST_TEST(what_is_wrong_with_a_release_is_told_and_nothing_changes),
        HOST_TEST(a_circle_is_named),
    };

    return cmocka_run_group_tests_name("systools", tests, NULL, NULL);
}
