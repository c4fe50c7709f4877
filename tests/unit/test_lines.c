/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

static void feed(struct lines *lines, const char *text)
{
    size_t left = strlen(text), room;

    while (left > 0) {
        char *to = lines_room(lines, &room);
        size_t len = left < room ? left : room;

        memcpy(to, text, len);
        lines_filled(lines, len);
        text += len;
        left -= len;
    }
}

static void is_line(struct lines *lines, const char *expected)
{
    char *line;
    size_t len;

    assert_int_equal(lines_next(lines, &line, &len), 1);
    assert_string_equal(line, expected);
    assert_int_equal(len, strlen(expected));
}

static void is_none(struct lines *lines, int expected)
{
    char *line;
    size_t len;

    assert_int_equal(lines_next(lines, &line, &len), expected);
}

static void lines_come_out_as_they_went_in(void **state)
{
    struct lines lines = {.limit = 100};

    is_none(&lines, 0);
    feed(&lines, "one\n\ntwo\nthr");
    is_line(&lines, "one");
    is_line(&lines, "");
    is_line(&lines, "two");
    is_none(&lines, 0);
    assert_int_equal(lines_left(&lines), 3);
    feed(&lines, "ee\n");
    is_line(&lines, "three");
    is_none(&lines, 0);
    lines_finish(&lines);
}

static void a_line_may_be_as_long_as_the_limit_and_no_longer(void **state)
{
    struct lines lines = {.limit = 4};

    feed(&lines, "1234\n12345\n");
    is_line(&lines, "1234");
    is_none(&lines, -EMSGSIZE);
    lines_finish(&lines);
    feed(&lines, "12345");
    is_none(&lines, -EMSGSIZE);
    is_none(&lines, -EMSGSIZE);
    lines_finish(&lines);
}

static void a_long_line_is_whole_and_its_memory_goes_back(void **state)
{
    struct lines lines = {.limit = 1 << 20};
    char *text = malloc((1 << 20) + 1), *line;
    size_t len;

    memset(text, 'x', 1 << 20);
    text[1 << 20] = 0;
    feed(&lines, text);
    is_none(&lines, 0);
    feed(&lines, "\n");
    assert_int_equal(lines_next(&lines, &line, &len), 1);
    assert_int_equal(len, 1 << 20);
    is_none(&lines, 0);
    assert_int_equal(lines.capacity, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_as_they_went_in),
        cmocka_unit_test(a_line_may_be_as_long_as_the_limit_and_no_longer),
        cmocka_unit_test(a_long_line_is_whole_and_its_memory_goes_back),
    };

    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
