/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "ledger.h"

/* Applications as they are in a ledger, {"counter": "1.0.0"} written short; given. */
static json_t *apps(const char *text)
{
    json_t *all = json_loads(text, 0, NULL), *vsn;
    const char *app;
    void *next;

    json_object_foreach_safe(all, next, app, vsn)
    {
        json_t *hash = json_sprintf("%s-%s", app, json_string_value(vsn));

        json_object_set_new(all, app,
                            json_pack("{s:O, s:o}", "vsn", vsn, "hash", hash));
    }
    return all;
}

/* Replace `*ledger` by what comes of it. */
static void become(json_t **ledger, const char *text, bool manual)
{
    json_t *all = apps(text), *next = ledger_become(*ledger, all, manual);

    assert_non_null(next);
    json_decref(all);
    json_decref(*ledger);
    *ledger = next;
}

static json_t *find(json_t *ledger, const char *name)
{
    json_t *release = NULL;

    assert_int_equal(ledger_find(ledger, name, &release, NULL), 0);
    return release;
}

static void replace(json_t **ledger, json_t *next)
{
    assert_non_null(next);
    json_decref(*ledger);
    *ledger = next;
}

static void add(json_t **ledger, const char *name, const char *vsn, const char *text)
{
    json_t *all = apps(text);

    replace(ledger, ledger_add(*ledger, name, vsn, all));
    json_decref(all);
}

static void install(json_t **ledger, const char *name)
{
    replace(ledger, ledger_install(*ledger, find(*ledger, name)));
}

static void make_permanent(json_t **ledger, const char *name)
{
    replace(ledger, ledger_make_permanent(*ledger, find(*ledger, name)));
}

static void is(json_t *ledger, const char *name, const char *status)
{
    json_t *release = find(ledger, name);

    assert_string_equal(json_string_value(json_object_get(release, "status")), status);
}

static int runs(json_t **state)
{
    *state = ledger_create();
    become(state, "{\"counter\": \"1.0.0\"}", false);
    return 0;
}

static int setup(void **state)
{
    return runs((json_t **)state);
}

static int teardown(void **state)
{
    json_decref(*state);
    return 0;
}

#define LEDGER ((json_t **)state)

static void the_first_release_is_permanent_whoever_asks(void **state)
{
    json_t *manual = ledger_create();

    is(*state, "local@1", "permanent");
    become(&manual, "{\"counter\": \"1.0.0\"}", true);
    is(manual, "local@1", "permanent");
    json_decref(manual);
}

static void what_is_upgraded_to_is_permanent_and_what_ran_is_old(void **state)
{
    become(LEDGER, "{\"counter\": \"2.0.0\"}", false);
    is(*state, "local@1", "old");
    is(*state, "local@2", "permanent");
    assert_ptr_equal(ledger_running(*state), find(*state, "local@2"));
}

static void manually_it_is_current_until_it_is_made_permanent(void **state)
{
    become(LEDGER, "{\"counter\": \"2.0.0\"}", true);
    is(*state, "local@1", "permanent");
    is(*state, "local@2", "current");
    assert_ptr_equal(ledger_running(*state), find(*state, "local@2"));
    make_permanent(LEDGER, "local@2");
    is(*state, "local@1", "old");
    is(*state, "local@2", "permanent");
}

static void going_back_is_to_the_release_that_there_was(void **state)
{
    become(LEDGER, "{\"counter\": \"2.0.0\"}", true);
    become(LEDGER, "{\"counter\": \"1.0.0\"}", true);
    is(*state, "local@1", "permanent");
    is(*state, "local@2", "old");
    assert_ptr_equal(ledger_running(*state), find(*state, "local@1"));
    become(LEDGER, "{\"counter\": \"2.0.0\"}", true);
    is(*state, "local@2", "current");
    assert_int_equal(json_array_size(json_object_get(*state, "releases")), 2);
}

static void what_changes_a_release_on_trial_is_on_trial_too(void **state)
{
    add(LEDGER, "shop", "1.0", "{\"counter\": \"1.1.0\"}");
    install(LEDGER, "shop");
    is(*state, "shop@1.0", "current");
    become(LEDGER, "{\"counter\": \"2.0.0\"}", false);
    is(*state, "local@1", "permanent");
    is(*state, "shop@1.0", "old");
    is(*state, "shop@1.0+2", "current");
    become(LEDGER, "{\"counter\": \"3.0.0\"}", false);
    is(*state, "shop@1.0+3", "current");
}

/* OTP: the status machine of release_handler_SUITE upgrade. */
static void installing_another_makes_what_was_current_old(void **state)
{
    add(LEDGER, "shop", "1.0", "{\"counter\": \"1.1.0\"}");
    add(LEDGER, "shop", "2.0", "{\"counter\": \"2.0.0\"}");
    is(*state, "shop@1.0", "unpacked");
    install(LEDGER, "shop@1.0");
    install(LEDGER, "shop@2.0");
    is(*state, "local@1", "permanent");
    is(*state, "shop@1.0", "old");
    is(*state, "shop@2.0", "current");
    install(LEDGER, "local@1"); /* the way back */
    is(*state, "local@1", "permanent");
    is(*state, "shop@2.0", "old");
    assert_ptr_equal(ledger_running(*state), find(*state, "local@1"));
    install(LEDGER, "shop@2.0");
    make_permanent(LEDGER, "shop@2.0");
    is(*state, "local@1", "old");
}

static void what_is_current_is_unpacked_when_the_host_ends(void **state)
{
    json_t *saved;

    add(LEDGER, "shop", "1.0", "{\"counter\": \"1.1.0\"}");
    install(LEDGER, "shop");
    saved = ledger_saved(*state);
    is(saved, "shop@1.0", "unpacked");
    is(saved, "local@1", "permanent");
    assert_ptr_equal(ledger_running(saved), find(saved, "local@1"));
    assert_true(ledger_is_valid(saved));
    json_decref(saved);
}

static void it_is_called_in_full_or_by_what_only_one_has(void **state)
{
    struct fault why = {0};
    json_t *release = NULL;

    add(LEDGER, "shop", "1.0", "{\"counter\": \"1.1.0\"}");
    assert_ptr_equal(find(*state, "shop"), find(*state, "shop@1.0"));
    assert_ptr_equal(find(*state, "1.0"), find(*state, "shop@1.0"));
    add(LEDGER, "shop", "2.0", "{\"counter\": \"2.0.0\"}");
    assert_int_equal(ledger_find(*state, "shop", &release, &why), -ENOTUNIQ);
    assert_non_null(strstr(why.text, "shop@2.0"));
    assert_int_equal(ledger_find(*state, "shop@3.0", &release, NULL), -ENOENT);
}

static void removing_names_the_versions_that_no_other_has(void **state)
{
    const json_t *removed;

    add(LEDGER, "shop", "1.0", "{\"counter\": \"1.0.0\", \"cart\": \"1.0\"}");
    replace(LEDGER, ledger_remove(*state, find(*state, "shop")));
    assert_int_equal(ledger_find(*state, "shop", &(json_t *){NULL}, NULL), -ENOENT);
    removed = ledger_removed(*state);
    assert_int_equal(json_array_size(removed), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(removed, 0), "name")), "cart");
    assert_true(ledger_is_valid(*state));
    replace(LEDGER, ledger_swept(*state));
    assert_int_equal(json_array_size(ledger_removed(*state)), 0);
}

static void of_those_that_the_host_made_the_oldest_are_forgotten(void **state)
{
    add(LEDGER, "shop", "1.0", "{\"counter\": \"0.9\"}");
    for (unsigned i = 0; i < 2 * LEDGER_MADE_MAX; i++) {
        char text[64];

        snprintf(text, sizeof(text), "{\"counter\": \"2.%u\"}", i);
        become(LEDGER, text, false);
    }
    assert_int_equal(json_array_size(json_object_get(*state, "releases")),
                     LEDGER_MADE_MAX + 2);
    assert_int_equal(ledger_find(*state, "local@1", &(json_t *){NULL}, NULL), -ENOENT);
    is(*state, "shop@1.0", "unpacked");
    is(*state, "local@65", "permanent");
}

/* What a host is to begin with next, once: 2.0 after 1.0. */
static void next_is(json_t **ledger, const char *text)
{
    json_t *all = apps(text), *after = ledger_become(*ledger, all, true);

    replace(ledger, ledger_once(*ledger, after));
    json_decref(after);
    json_decref(all);
}

static void
what_is_begun_with_once_is_neither_current_nor_permanent_before(void **state)
{
    next_is(LEDGER, "{\"counter\": \"2.0\"}");
    is(*state, "local@1", "permanent");
    is(*state, "local@2", "unpacked");
    assert_ptr_equal(ledger_next(*state), find(*state, "local@2"));
    assert_ptr_equal(ledger_running(*state), find(*state, "local@1"));
    next_is(LEDGER, "{\"counter\": \"2.0\"}"); /* there is one of it */
    assert_int_equal(json_array_size(json_object_get(*state, "releases")), 2);
    assert_true(ledger_is_valid(*state));
}

static void it_is_tried_once_and_current_meanwhile(void **state)
{
    next_is(LEDGER, "{\"counter\": \"2.0\"}");
    replace(LEDGER, ledger_try(*state));
    is(*state, "local@2", "current");
    is(*state, "local@1", "permanent");
    assert_null(ledger_next(*state));
    assert_non_null(ledger_tried(*state));
    replace(LEDGER, ledger_saved(*state)); /* the host has died */
    assert_ptr_equal(ledger_wanted(*state), find(*state, "local@1"));
    assert_true(ledger_is_valid(*state));
    replace(LEDGER, ledger_settled(*state));
    assert_null(ledger_tried(*state));
}

static void why_it_failed_is_kept_until_that_is_told(void **state)
{
    next_is(LEDGER, "{\"counter\": \"2.0\"}");
    replace(LEDGER, ledger_try(*state));
    replace(LEDGER, ledger_failed(*state, "no counter"));
    replace(LEDGER, ledger_saved(*state));
    assert_string_equal(
        json_string_value(json_object_get(ledger_tried(*state), "reason")),
        "no counter");
}

static void what_is_built_otherwise_is_not_valid(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "{\"serial\": 1, \"removed\": [], \"releases\": {}}",
        "{\"serial\": 1, \"removed\": [], \"releases\": [1]}",
        "{\"serial\": 1, \"removed\": [{}], \"releases\": []}",
        "{\"serial\": 1, \"removed\": [], \"releases\": [{\"name\": \"a\", \"vsn\": "
        "\"1\", \"status\": \"current\", \"applications\": {}}]}",
        "{\"serial\": 1, \"removed\": [], \"releases\": [{\"name\": \"a\", \"vsn\": "
        "\"1\", \"status\": \"old\", \"applications\": {\"../b\": {\"vsn\": \"1\", "
        "\"hash\": \"\"}}}]}",
        "{\"serial\": 1, \"removed\": [], \"releases\": [], \"next\": {}}",
        "{\"serial\": 1, \"removed\": [], \"releases\": [], \"tried\": \"a@1\"}",
    };

    assert_true(ledger_is_valid(*state));
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        json_t *value = json_loads(texts[i], 0, NULL);

        assert_non_null(value);
        assert_false(ledger_is_valid(value));
        json_decref(value);
    }
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_first_release_is_permanent_whoever_asks),
        LEDGER_TEST(what_is_upgraded_to_is_permanent_and_what_ran_is_old),
        LEDGER_TEST(manually_it_is_current_until_it_is_made_permanent),
        LEDGER_TEST(going_back_is_to_the_release_that_there_was),
        LEDGER_TEST(what_changes_a_release_on_trial_is_on_trial_too),
        LEDGER_TEST(installing_another_makes_what_was_current_old),
        LEDGER_TEST(what_is_current_is_unpacked_when_the_host_ends),
        LEDGER_TEST(it_is_called_in_full_or_by_what_only_one_has),
        LEDGER_TEST(removing_names_the_versions_that_no_other_has),
        LEDGER_TEST(of_those_that_the_host_made_the_oldest_are_forgotten),
        LEDGER_TEST(what_is_begun_with_once_is_neither_current_nor_permanent_before),
        LEDGER_TEST(it_is_tried_once_and_current_meanwhile),
        LEDGER_TEST(why_it_failed_is_kept_until_that_is_told),
        LEDGER_TEST(what_is_built_otherwise_is_not_valid),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
