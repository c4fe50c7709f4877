/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "test.h"
#include "version.h"

/* Each is lower than the next. */
static const char *const ascending[] = {"0",
                                        "0.1",
                                        "0.9",
                                        "0.10",
                                        "1-alpha",
                                        "1.0-alpha",
                                        "1.0-alpha.1",
                                        "1.0-beta",
                                        "1.0-rc1",
                                        "1.0-rc2",
                                        "1.0-rc10",
                                        "1.0",
                                        "1.0.0",
                                        "1.0.0+2",
                                        "1.0.1~beta",
                                        "1.0.1",
                                        "1.2.3.4",
                                        "9",
                                        "10",
                                        "18446744073709551616",
                                        "18446744073709551617"};

static void a_list_in_order_stays_in_order(void **state)
{
    size_t count = sizeof(ascending) / sizeof(ascending[0]);

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            int order = version_compare(ascending[i], ascending[k]);

            if ((i > k) - (i < k) != order)
                fail_msg("%s against %s gave %d", ascending[i], ascending[k], order);
        }
}

static void zeros_in_front_do_not_count(void **state)
{
    assert_int_equal(version_compare("1.02", "1.3"), -1);
    assert_int_equal(version_compare("1.010", "1.9"), 1);
}

static void a_number_is_lower_than_a_word(void **state)
{
    assert_int_equal(version_compare("1.0-7", "1.0-rc"), -1);
}

static void only_plain_characters_are_valid(void **state)
{
    char longest[VERSION_MAX + 2];

    memset(longest, '1', sizeof(longest));
    longest[VERSION_MAX + 1] = '\0';
    assert_false(version_is_valid(longest));
    longest[VERSION_MAX] = '\0';
    assert_true(version_is_valid(longest));
    assert_true(version_is_valid("1.0-rc1+build~x"));
    assert_false(version_is_valid(""));
    assert_false(version_is_valid("1.0/2"));
    assert_false(version_is_valid("1 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_in_order_stays_in_order),
        cmocka_unit_test(zeros_in_front_do_not_count),
        cmocka_unit_test(a_number_is_lower_than_a_word),
        cmocka_unit_test(only_plain_characters_are_valid),
    };

    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
