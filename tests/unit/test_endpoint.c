/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint.h"

struct place {
    char folder[64], path[100], lock[110];
};

static int make_folder(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    strcpy(p->folder, "/tmp/moult-endpoint.XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof(p->path), "%s/socket", p->folder);
    snprintf(p->lock, sizeof(p->lock), "%s.lock", p->path);
    *state = p;
    return 0;
}

static int remove_folder(void **state)
{
    struct place *p = *state;

    unlink(p->path);
    unlink(p->lock);
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
    return 0;
}

static void the_file_is_its_owners_whatever_the_umask(void **state)
{
    const mode_t masks[] = {0, 077, 0777};
    const struct place *p = *state;

    for (size_t i = 0; i < 3; i++) {
        mode_t before = umask(masks[i]);
        struct endpoint e;
        struct stat found;
        int error = endpoint_open(p->path, &e, NULL);

        umask(before);
        assert_int_equal(error, 0);
        assert_int_equal(stat(p->path, &found), 0);
        assert_int_equal(found.st_mode & 0777, 0600);
        endpoint_close(&e);
    }
}

static void closing_leaves_nothing_behind(void **state)
{
    const struct place *p = *state;
    struct endpoint e;

    assert_int_equal(endpoint_open(p->path, &e, NULL), 0);
    endpoint_close(&e);
    assert_int_not_equal(access(p->path, F_OK), 0);
    assert_int_not_equal(access(p->lock, F_OK), 0);
}

static void what_a_killed_host_left_is_replaced(void **state)
{
    const struct place *p = *state;
    struct endpoint e;

    assert_int_equal(endpoint_open(p->path, &e, NULL), 0);
    close(e.socket); /* as the kernel does, and nothing else */
    close(e.lock);
    assert_int_equal(access(p->path, F_OK), 0);
    assert_int_equal(endpoint_open(p->path, &e, NULL), 0);
    endpoint_close(&e);
}

static void a_host_that_is_only_starting_counts_as_running(void **state)
{
    const struct place *p = *state;
    struct endpoint e, second;

    assert_int_equal(endpoint_open(p->path, &e, NULL), 0);
    assert_int_equal(endpoint_open(p->path, &second, NULL), -EADDRINUSE);
    endpoint_close(&e);
}

static void a_listener_without_the_lock_is_not_taken_from(void **state)
{
    const struct place *p = *state;
    struct fault why = {0};
    struct endpoint e, second;
    char pid[32];

    assert_int_equal(endpoint_open(p->path, &e, NULL), 0);
    assert_int_equal(listen(e.socket, 1), 0);
    close(e.lock);
    assert_int_equal(endpoint_open(p->path, &second, &why), -EADDRINUSE);
    snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
    assert_non_null(strstr(why.text, pid));
    close(e.socket);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    const struct place *p = *state;
    struct fault why = {0};
    struct endpoint e;

    fclose(fopen(p->path, "w"));
    assert_int_equal(endpoint_open(p->path, &e, &why), -EEXIST);
    assert_non_null(strstr(why.text, "is no socket"));
    assert_int_equal(access(p->path, F_OK), 0);
}

static void closing_leaves_anothers_file_alone(void **state)
{
    const struct place *p = *state;
    struct endpoint e;

    assert_int_equal(endpoint_open(p->path, &e, NULL), 0);
    unlink(p->path);
    fclose(fopen(p->path, "w"));
    endpoint_close(&e);
    assert_int_equal(access(p->path, F_OK), 0);
}

static void a_path_beyond_the_limit_is_refused_with_it(void **state)
{
    char path[200];
    struct fault why = {0};
    struct endpoint e;

    memset(path, 'a', sizeof(path));
    path[108] = 0;
    assert_int_equal(endpoint_open(path, &e, &why), -ENAMETOOLONG);
    assert_non_null(strstr(why.text, "at most 107"));
    assert_int_equal(endpoint_open("", &e, NULL), -EINVAL);
}

static void a_missing_folder_is_told(void **state)
{
    struct fault why = {0};
    struct endpoint e;

    assert_int_equal(endpoint_open("/nowhere/at/all", &e, &why), -ENOENT);
    assert_non_null(strstr(why.text, "its directory does not exist"));
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_file_is_its_owners_whatever_the_umask),
        IN_FOLDER(closing_leaves_nothing_behind),
        IN_FOLDER(what_a_killed_host_left_is_replaced),
        IN_FOLDER(a_host_that_is_only_starting_counts_as_running),
        IN_FOLDER(a_listener_without_the_lock_is_not_taken_from),
        IN_FOLDER(a_file_that_is_no_socket_is_left_alone),
        IN_FOLDER(closing_leaves_anothers_file_alone),
        cmocka_unit_test(a_path_beyond_the_limit_is_refused_with_it),
        cmocka_unit_test(a_missing_folder_is_told),
    };

    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
