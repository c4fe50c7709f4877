/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* In memory of exactly its size, so that a sanitizer sees who reads on. */
static bool valid(const char *text, size_t len)
{
    char *copy = malloc(len);
    bool is;

    memcpy(copy, text, len);
    is = utf8_valid(copy, len);
    free(copy);
    return is;
}

#define VALID(text) valid(text, sizeof(text) - 1)

static void ascii_and_wide_characters_are_text(void **state)
{
    assert_true(utf8_valid("", 0));
    assert_true(VALID("plain text, longer than eight"));
    assert_true(VALID("gr\xc3\xbc\xc3\x9f"));
    assert_true(VALID("12345678\xe2\x82\xac"));
    assert_true(VALID("\xf0\x9f\x90\x8d"));
    assert_true(VALID("\xf4\x8f\xbf\xbf"));
    assert_true(VALID("\xed\x9f\xbf\xee\x80\x80"));
    assert_true(valid("a\0b", 3));
}

static void what_a_decoder_must_refuse_is_refused(void **state)
{
    assert_false(VALID("\x80"));
    assert_false(VALID("\xc0\x80"));         /* overlong */
    assert_false(VALID("\xc1\xbf"));         /* overlong */
    assert_false(VALID("\xe0\x9f\xbf"));     /* overlong */
    assert_false(VALID("\xf0\x8f\xbf\xbf")); /* overlong */
    assert_false(VALID("\xed\xa0\x80"));     /* surrogate */
    assert_false(VALID("\xf4\x90\x80\x80")); /* above U+10FFFF */
    assert_false(VALID("\xf5\x80\x80\x80"));
    assert_false(VALID("\xff"));
    assert_false(VALID("12345678\xc3(")); /* no second byte */
}

static void a_cut_character_is_refused(void **state)
{
    assert_false(VALID("\xc3"));
    assert_false(VALID("abcdefg\xc3"));
    assert_false(VALID("\xe2\x82"));
    assert_false(VALID("\xf0\x9f\x90"));
}

static void trimmed(const char *text, const char *expected)
{
    char copy[32];

    strcpy(copy, text);
    utf8_trim(copy);
    assert_string_equal(copy, expected);
}

static void only_a_cut_character_is_trimmed(void **state)
{
    trimmed("", "");
    trimmed("abc", "abc");
    trimmed("ab\xc3\xa9", "ab\xc3\xa9");
    trimmed("ab\xc3", "ab");
    trimmed("ab\xe2\x82", "ab");
    trimmed("ab\xe2\x82\xac", "ab\xe2\x82\xac");
    trimmed("\xf0\x9f\x90", "");
    trimmed("ab\xf0\x9f\x90\xb8", "ab\xf0\x9f\x90\xb8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_and_wide_characters_are_text),
        cmocka_unit_test(what_a_decoder_must_refuse_is_refused),
        cmocka_unit_test(a_cut_character_is_refused),
        cmocka_unit_test(only_a_cut_character_is_trimmed),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
