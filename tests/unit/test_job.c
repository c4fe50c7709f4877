/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "job.h"

static int post(enum job_kind kind, const char *path)
{
    return job_post(job_create(kind, path));
}

static void they_are_done_in_the_order_they_came(void **state)
{
    assert_int_equal(post(JOB_ASKED, "one"), 0);
    assert_int_equal(post(JOB_DROP, "two"), 0);
    for (const char *const *path = (const char *[]){"one", "two", NULL}; *path;
         path++) {
        struct job *job = job_take();

        assert_string_equal(job->path, *path);
        job_destroy(job);
    }
}

static void a_file_waits_once(void **state)
{
    struct job *job;

    assert_int_equal(post(JOB_DROP, "one"), 0);
    assert_int_equal(post(JOB_DROP, "one"), 0);
    assert_int_equal(post(JOB_DROP, "two"), 0);
    job_destroy(job_take());
    job = job_take();
    assert_string_equal(job->path, "two");
    job_destroy(job);
}

static void so_many_wait_and_the_end_besides(void **state)
{
    for (unsigned i = 0; i < RELEASE_JOBS_MAX; i++)
        assert_int_equal(post(JOB_ASKED, ""), 0);
    assert_int_equal(post(JOB_ASKED, ""), -EAGAIN);
    assert_int_equal(post(JOB_DROP, "new"), -EAGAIN);
    assert_int_equal(post(JOB_END, ""), 0);
    job_destroy(job_take());
    job_destroy(job_take());
    assert_int_equal(post(JOB_ASKED, ""), 0);
}

static int forget_all(void **state)
{
    job_finish();
    return 0;
}

#define JOB_TEST(f) cmocka_unit_test_teardown(f, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOB_TEST(they_are_done_in_the_order_they_came),
        JOB_TEST(a_file_waits_once),
        JOB_TEST(so_many_wait_and_the_end_besides),
    };

    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
