/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "test.h"

static struct catalog *catalog;

static int make(void **state)
{
    catalog = catalog_create();
    return catalog ? 0 : -1;
}

static int destroy(void **state)
{
    catalog_destroy(catalog);
    return 0;
}

/* A manifest, as if read from a file with that content. */
static struct manifest of(const char *name, const char *vsn, const char *content)
{
    struct manifest m = {.size = strlen(content)};

    snprintf(m.name, sizeof(m.name), "%s", name);
    snprintf(m.vsn, sizeof(m.vsn), "%s", vsn);
    filehash_text(content, strlen(content), m.hash);
    return m;
}

static void add(const char *vsn, const char *content)
{
    struct manifest m = of("app", vsn, content);

    assert_int_equal(catalog_add(catalog, &m, "store/x.so", "drop/x.so", NULL), 0);
}

static int consider(const char *vsn, const char *content, struct fault *why)
{
    struct manifest m = of("app", vsn, content);

    return catalog_consider(catalog, &m, "drop/again.so", why);
}

static void refuse(const char *vsn, const char *content, const char *reason)
{
    struct manifest m = of("app", vsn, content);

    assert_int_equal(catalog_refuse(catalog, &m, "drop/x.so", reason), 0);
}

static void a_new_content_is_to_be_tried(void **state)
{
    assert_int_equal(consider("1.0", "a", NULL), 0);
}

static void the_same_content_again_is_nothing_new(void **state)
{
    struct fault why = {0};

    add("1.0", "a");
    assert_int_equal(consider("1.0", "a", &why), -EALREADY);
}

static void another_content_of_the_same_vsn_is_refused(void **state)
{
    struct manifest m = of("app", "1.0", "b");
    struct fault why = {0};

    add("1.0", "a");
    assert_int_equal(consider("1.0", "b", &why), -EEXIST);
    assert_non_null(strstr(why.text, "higher vsn"));
    assert_int_equal(catalog_add(catalog, &m, "s", "d", NULL), -EEXIST);
}

static void a_refused_content_is_not_tried_again(void **state)
{
    struct fault why = {0};

    refuse("1.0", "a", "it has no charm");
    assert_int_equal(consider("1.0", "a", &why), -ECANCELED);
    assert_string_equal(why.text, "it has no charm");
}

static void a_refused_vsn_may_come_with_another_content(void **state)
{
    refuse("1.0", "a", "it has no charm");
    assert_int_equal(consider("1.0", "b", NULL), 0);
    add("1.0", "b");
    assert_int_equal(consider("1.0", "b", NULL), -EALREADY);
    assert_int_equal(consider("1.0", "a", NULL), -EEXIST); /* it took its place */
}

static void what_is_forgotten_is_new(void **state)
{
    struct manifest m = of("app", "1.0", "a");

    refuse("1.0", "a", "no");
    assert_int_equal(catalog_forget(catalog, m.hash), 0);
    assert_int_equal(catalog_forget(catalog, m.hash), -ENOENT);
    assert_int_equal(consider("1.0", "a", NULL), 0);
}

static void what_was_taken_in_may_be_refused_later(void **state)
{
    struct catalog_entry e;

    add("1.0", "a");
    refuse("1.0", "a", "it fails on live state");
    assert_int_equal(consider("1.0", "a", NULL), -ECANCELED);
    assert_int_equal(catalog_find(catalog, "app", "1.0", &e), -ENOENT);
}

static void the_highest_vsn_is_found(void **state)
{
    struct catalog_entry e;

    add("1.9.0", "a");
    add("1.10.0", "b");
    add("1.10.0-rc1", "c");
    refuse("2.0.0", "d", "no");
    assert_int_equal(catalog_find_highest(catalog, "app", &e), 0);
    assert_string_equal(e.manifest.vsn, "1.10.0");
    assert_string_equal(e.stored, "store/x.so");
    catalog_entry_release(&e);
    assert_int_equal(catalog_find_highest(catalog, "other", &e), -ENOENT);
}

static void the_running_one_is_found(void **state)
{
    struct catalog_entry e;

    add("1.0", "a");
    add("2.0", "b");
    assert_int_equal(catalog_find_running(catalog, "app", &e), -ENOENT);
    assert_int_equal(catalog_set_status(catalog, "app", "1.0", CATALOG_RUNNING), 0);
    assert_int_equal(catalog_set_stored(catalog, "app", "1.0", "store/y.so"), 0);
    assert_int_equal(catalog_find_running(catalog, "app", &e), 0);
    assert_string_equal(e.manifest.vsn, "1.0");
    assert_string_equal(e.stored, "store/y.so");
    catalog_entry_release(&e);
    assert_int_equal(catalog_set_status(catalog, "app", "9", CATALOG_OLD), -ENOENT);
}

static void a_file_that_could_not_be_read_is_not_remembered(void **state)
{
    struct manifest none = {0};
    json_t *all;

    assert_int_equal(catalog_refuse(catalog, &none, "drop/x.so", "no"), 0);
    all = catalog_json(catalog);
    assert_int_equal(json_array_size(all), 0);
    json_decref(all);
}

static const char *text_at(const json_t *all, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(all, i), key));
}

static void all_is_told_in_order(void **state)
{
    struct manifest m = of("app", "1.0", "c");
    json_t *lints = json_pack("[s]", "leaks a little"), *all;

    snprintf(m.lints[LINT_BUILD_ID], sizeof(m.lints[0]), "has no build id");
    add("2.0", "b");
    refuse("3.0", "a", "no");
    assert_int_equal(catalog_add(catalog, &m, "s", "d/\xff.so", lints), 0);
    all = catalog_json(catalog);
    assert_int_equal(json_array_size(all), 3);
    assert_string_equal(text_at(all, 0, "vsn"), "1.0");
    assert_string_equal(text_at(all, 0, "file"), "d/?.so");
    assert_string_equal(text_at(all, 0, "status"), "staged");
    assert_int_equal(json_array_size(json_object_get(json_array_get(all, 0), "lints")),
                     2);
    assert_int_equal(strlen(text_at(all, 0, "since")), 24);
    assert_null(text_at(all, 1, "reason"));
    assert_string_equal(text_at(all, 2, "reason"), "no");
    json_decref(all);
    json_decref(lints);
}

static void a_file_that_was_never_dropped_has_no_path(void **state)
{
    struct manifest m = of("app", "1.0", "a");
    json_t *all;

    assert_int_equal(catalog_add(catalog, &m, "store/x.so", NULL, NULL), 0);
    all = catalog_json(catalog);
    assert_true(json_is_null(json_object_get(json_array_get(all, 0), "file")));
    json_decref(all);
}

static void of_the_refused_only_the_last_are_kept(void **state)
{
    char content[16];
    json_t *all;

    for (unsigned i = 0; i <= CATALOG_REFUSED_MAX; i++) {
        snprintf(content, sizeof(content), "%u", i);
        refuse("1.0", content, "no");
    }
    all = catalog_json(catalog);
    assert_int_equal(json_array_size(all), CATALOG_REFUSED_MAX);
    json_decref(all);
    assert_int_equal(consider("1.0", "0", NULL), 0);
    assert_int_equal(consider("1.0", "1", NULL), -ECANCELED);
}

static void there_is_an_end_to_the_versions_that_are_taken_in(void **state)
{
    struct fault why = {0};
    char text[16];

    for (unsigned i = 0; i < CATALOG_VERSIONS_MAX; i++) {
        snprintf(text, sizeof(text), "1.%u", i);
        assert_int_equal(consider(text, text, NULL), 0);
        add(text, text);
    }
    assert_int_equal(consider("2.0", "more", &why), -EDQUOT);
    assert_non_null(strstr(why.text, "there are 1000 versions in the store"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_content_is_to_be_tried),
        TEST(the_same_content_again_is_nothing_new),
        TEST(another_content_of_the_same_vsn_is_refused),
        TEST(a_refused_content_is_not_tried_again),
        TEST(a_refused_vsn_may_come_with_another_content),
        TEST(what_is_forgotten_is_new),
        TEST(what_was_taken_in_may_be_refused_later),
        TEST(the_highest_vsn_is_found),
        TEST(the_running_one_is_found),
        TEST(a_file_that_could_not_be_read_is_not_remembered),
        TEST(all_is_told_in_order),
        TEST(a_file_that_was_never_dropped_has_no_path),
        TEST(of_the_refused_only_the_last_are_kept),
        TEST(there_is_an_end_to_the_versions_that_are_taken_in),
    };

    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
