/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "loop_memory.h"

static void nothing(uv_poll_t *poll, int status, int events)
{
}

/* Have a loop watch a descriptor of that number. */
static void watch(int number)
{
    uv_poll_t poll;
    uv_loop_t loop;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[0], F_DUPFD_CLOEXEC, number), number);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_poll_init(&loop, &poll, number), 0);
    assert_int_equal(uv_poll_start(&poll, UV_READABLE, nothing), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_close((uv_handle_t *)&poll, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(number);
    close(ends[0]);
    close(ends[1]);
}

static void descriptors_of_any_number_are_watched(void **state)
{
    const int numbers[] = {20, 500, LOOP_MEMORY_DESCRIPTORS - 1, 30,
                           LOOP_MEMORY_DESCRIPTORS + 10};
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = LOOP_MEMORY_DESCRIPTORS + 64;
    if (files.rlim_cur > files.rlim_max || setrlimit(RLIMIT_NOFILE, &files) < 0)
        skip();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        watch(numbers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_of_any_number_are_watched),
    };

    loop_memory_use();
    return cmocka_run_group_tests_name("loop_memory", tests, NULL, NULL);
}
