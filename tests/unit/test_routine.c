/* SPDX-License-Identifier: Apache-2.0 */
/* What of libc a callback may end in. */
#include "test.h"

#include <dlfcn.h>

#include "routine.h"

static uintptr_t libcs_own(const char *name)
{
    void *libc = dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY);
    uintptr_t at;

    assert_non_null(libc);
    at = (uintptr_t)dlsym(libc, name);
    dlclose(libc);
    assert_true(at);
    return at;
}

static void what_a_call_runs_is_found(void **state)
{
    assert_true(routine_is_string((uintptr_t)dlsym(RTLD_DEFAULT, "strlen")));
    assert_true(routine_is_string((uintptr_t)dlsym(RTLD_DEFAULT, "poll")));
}

static void libcs_own_is_found_behind_what_stands_before_it(void **state)
{
    assert_true(routine_is_string(libcs_own("strlen")));
    assert_true(routine_is_string(libcs_own("memcpy")));
}

static void what_may_hold_a_lock_is_none(void **state)
{
    static const char *const names[] = {"malloc",      "free",
                                        "realloc",     "printf",
                                        "vfprintf",    "snprintf",
                                        "fputs",       "fwrite",
                                        "fflush",      "qsort",
                                        "getenv",      "setenv",
                                        "strerror",    "strftime",
                                        "localtime",   "setlocale",
                                        "syslog",      "dlopen",
                                        "getaddrinfo", "rand",
                                        "exit",        "pthread_mutex_lock",
                                        "sigaction"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (routine_is_string(libcs_own(names[i])))
            fail_msg("%s is taken for a string function", names[i]);
}

/* Their bodies, which have no name, are hit where the test of faults calls them all. */
static void what_only_leads_to_another_is_found(void **state)
{
    assert_true(routine_is_string(libcs_own("strtol")));
    assert_true(routine_is_string(libcs_own("strtol_l")));
    assert_true(routine_is_string(libcs_own("wmemset")));
    assert_true(routine_is_string(libcs_own("wcsxfrm")));
}

static void what_calls_back_is_told_apart(void **state)
{
    assert_true(routine_calls_back((uintptr_t)dlsym(RTLD_DEFAULT, "bsearch")));
    assert_false(routine_calls_back(libcs_own("strlen")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_call_runs_is_found),
        cmocka_unit_test(libcs_own_is_found_behind_what_stands_before_it),
        cmocka_unit_test(what_may_hold_a_lock_is_none),
        cmocka_unit_test(what_only_leads_to_another_is_found),
        cmocka_unit_test(what_calls_back_is_told_apart),
    };

    routines_find();
    return cmocka_run_group_tests_name("routine", tests, NULL, NULL);
}
