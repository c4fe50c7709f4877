/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "moult.h"
#include "pid.h"

static void reasons_have_otps_names(void **state)
{
    assert_string_equal(moult_strerror(MOULT_NORMAL), "normal");
    assert_string_equal(moult_strerror(MOULT_SHUTDOWN), "shutdown");
    assert_string_equal(moult_strerror(MOULT_KILL), "kill");
    assert_string_equal(moult_strerror(MOULT_KILLED), "killed");
    assert_string_equal(moult_strerror(MOULT_NOPROC), "no such process");
}

static void errors_say_what_the_abi_means_by_them(void **state)
{
    assert_string_equal(moult_strerror(-ETIMEDOUT), "no reply in time");
    assert_string_equal(moult_strerror(-ESRCH), "no such process");
    assert_string_equal(moult_strerror(-ENOENT), "No such file or directory");
}

static void any_number_has_a_text(void **state)
{
    assert_string_equal(moult_strerror(-99999), "unknown error");
    assert_string_equal(moult_strerror(99999), "unknown reason");
    assert_string_equal(moult_strerror(INT32_MIN), "unknown reason");
}

static void a_pid_is_made_printed_and_taken_apart(void **state)
{
    moult_pid pid = pid_make(PID_INDEX_MAX, 3);
    char text[PID_TEXT];

    assert_int_equal(pid_index(pid), PID_INDEX_MAX);
    assert_int_equal(pid_generation(pid), 3);
    assert_int_equal(pid_node(pid), 0);
    assert_string_equal(pid_print(pid_make(5, 3), text), "<0.5.3>");
    pid.bits = UINT64_MAX;
    assert_string_equal(pid_print(pid, text), "<255.268435455.268435455>");
    assert_false(moult_pid_is_none(pid_make(0, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_otps_names),
        cmocka_unit_test(errors_say_what_the_abi_means_by_them),
        cmocka_unit_test(any_number_has_a_text),
        cmocka_unit_test(a_pid_is_made_printed_and_taken_apart),
    };

    return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
