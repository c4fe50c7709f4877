/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"

static size_t left; /* allocations until they fail */

static void *scarce(size_t size)
{
    return left > 0 && left-- ? malloc(size) : NULL;
}

static void text_is_as_jansson_has_it(void **state)
{
    json_t *json = json_pack("{s:i, s:[s, n, b, f]}", "a", 1, "b", "text", 1, 2.5);
    char *expected = json_dumps(json, JSON_COMPACT), *text;

    text = json_text(json, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
    json_decref(json);
}

static void text_may_be_long(void **state)
{
    char *word = malloc(100001), *text;
    json_t *json;

    memset(word, 'x', 100000);
    word[100000] = 0;
    json = json_string(word);
    text = json_text(json, JSON_ENCODE_ANY);
    assert_int_equal(strlen(text), 100002);
    free(text);
    free(word);
    json_decref(json);
}

static void nothing_has_no_text(void **state)
{
    assert_null(json_text(NULL, JSON_ENCODE_ANY));
}

static void without_memory_there_is_none(void **state)
{
    json_t *json = json_pack("{s:i, s:i}", "one", 1, "two", 2);
    char *text;

    json_set_alloc_funcs(scarce, free);
    text = json_text(json, JSON_SORT_KEYS); /* which needs memory of jansson's */
    json_set_alloc_funcs(malloc, free);
    assert_null(text);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_as_jansson_has_it),
        cmocka_unit_test(text_may_be_long),
        cmocka_unit_test(nothing_has_no_text),
        cmocka_unit_test(without_memory_there_is_none),
    };

    return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
