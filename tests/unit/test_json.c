/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "out.h"
#include "pid.h"
#include "random.h"

#define BYTES(text) (text), sizeof(text) - 1

/* The JSON text of `len` bytes of CBOR, lent until the next call. */
static const char *shown(const char *bytes, size_t len)
{
    static char *text;
    struct fault why = {0};
    uint8_t *copy = malloc(len); /* exact, so that a sanitizer sees who reads on */
    json_t *json;
    moult_in in;

    memcpy(copy, bytes, len);
    in = moult_in_over(copy, len);
    json = json_from_cbor(&in, &why);
    assert_string_equal(why.text, "");
    assert_non_null(json);
    assert_ptr_equal(in.at, in.end);
    free(text);
    text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(json);
    free(copy);
    return text;
}

#define SHOWN(bytes) shown(BYTES(bytes))

static int refused(const void *bytes, size_t len)
{
    struct fault why = {0};
    uint8_t *copy = malloc(len);
    moult_in in;

    memcpy(copy, bytes, len);
    in = moult_in_over(copy, len);
    assert_null(json_from_cbor(&in, &why));
    assert_string_not_equal(why.text, "");
    free(copy);
    return why.error;
}

/* -- from CBOR -- */

static void plain_items_are_what_they_are(void **state)
{
    assert_string_equal(SHOWN("\x18\x2a"), "42");
    assert_string_equal(SHOWN("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"),
                        "-9223372036854775808");
    assert_string_equal(SHOWN("\xf5"), "true");
    assert_string_equal(SHOWN("\xf4"), "false");
    assert_string_equal(SHOWN("\xf6"), "null");
    assert_string_equal(SHOWN("\xf7"), "null");
    assert_string_equal(SHOWN("\xf9\x3e\x00"), "1.5");
    assert_string_equal(SHOWN("\x64gr\xc3\xbc"), "\"gr\xc3\xbc\"");
    assert_string_equal(SHOWN("\x61\x00"), "\"\\u0000\"");
    assert_string_equal(SHOWN("\x83\x01\x80\xa0"), "[1,[],{}]");
}

static void numbers_that_json_lacks_are_null_or_text(void **state)
{
    assert_string_equal(SHOWN("\xf9\x7e\x00"), "null");
    assert_string_equal(SHOWN("\xf9\x7c\x00"), "null");
    assert_string_equal(SHOWN("\xfa\xff\x80\x00\x00"), "null");
    assert_string_equal(SHOWN("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
                        "\"18446744073709551615\"");
    assert_string_equal(SHOWN("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"),
                        "-1.8446744073709552e19");
}

static void bytes_are_base64url_unless_a_tag_says_otherwise(void **state)
{
    assert_string_equal(SHOWN("\x40"), "\"\"");
    assert_string_equal(SHOWN("\x41\xff"), "\"_w\"");
    assert_string_equal(SHOWN("\x42\xff\xfe"), "\"__4\"");
    assert_string_equal(SHOWN("\x43\xfb\xff\xbf"), "\"-_-_\"");
    assert_string_equal(SHOWN("\xd6\x42\xff\xfe"), "\"//4=\"");
    assert_string_equal(SHOWN("\xd6\x82\x41\xff\x43\xfb\xff\xbf"),
                        "[\"/w==\",\"+/+/\"]");
    assert_string_equal(SHOWN("\xd7\x42\xab\x0c"), "\"AB0C\"");
    assert_string_equal(SHOWN("\x82\xd7\x41\xab\x41\xff"), "[\"AB\",\"_w\"]");
    assert_string_equal(SHOWN("\xd7\xd5\x41\xff"), "\"_w\"");
    assert_string_equal(SHOWN("\xc2\x42\x01\x00"), "\"AQA\"");
    assert_string_equal(SHOWN("\xc3\x42\x01\x00"), "\"~AQA\"");
}

static void keys_that_are_no_text_become_their_json_text(void **state)
{
    assert_string_equal(SHOWN("\xa1\x01\x02"), "{\"1\":2}");
    assert_string_equal(SHOWN("\xa1\x82\x01\x02\xf6"), "{\"[1,2]\":null}");
    assert_string_equal(SHOWN("\xa1\x41\xff\x02"), "{\"_w\":2}");
    assert_string_equal(SHOWN("\xa1\xf6\x02"), "{\"null\":2}");
    assert_string_equal(SHOWN("\xa1\x62\x61\x00\x02"), "{\"a\\u0000\":2}");
}

static void tags_are_their_content_but_pids_have_a_form(void **state)
{
    moult_from from = {pid_make(5, 3), pid_make(6, 1), 77};
    moult_out out = {0};

    assert_string_equal(SHOWN("\xc1\x18\x2a"), "42");
    assert_string_equal(SHOWN("\xd9\xd9\xf7\xc6\x61\x61"), "\"a\"");
    moult_put_array(&out, 2);
    moult_put_pid(&out, pid_make(5, 3));
    moult_put_from(&out, &from);
    assert_string_equal(
        shown((char *)out.bytes, out.len),
        "[\"<0.5.3>\",{\"caller\":\"<0.5.3>\",\"callee\":\"<0.6.1>\",\"ref\":\"77\"}]");
    out_release(&out);
    assert_int_equal(refused(BYTES("\xdampid\x41\x00")), -EBADMSG);
    assert_int_equal(refused(BYTES("\xdamfrm\x01")), -EBADMSG);
}

static void malformed_cbor_is_refused(void **state)
{
    assert_int_equal(refused(BYTES("\x82\x01")), -EBADMSG);
    assert_int_equal(refused(BYTES("\xa1\x01")), -EBADMSG);
    assert_int_equal(refused(BYTES("\xa1\x61\x61\xff")), -EBADMSG);
    assert_int_equal(refused(BYTES("\x61\xff")), -EBADMSG);
    assert_int_equal(refused(BYTES("\x9f\xff")), -EBADMSG);
    assert_int_equal(refused(BYTES("\xf8\x20")), -EBADMSG);
    assert_int_equal(refused(BYTES("\xc1")), -EBADMSG);
    assert_int_equal(refused(BYTES("\x18")), -EBADMSG);
    assert_int_equal(refused("", 0), -EBADMSG);
}

/* -- to CBOR -- */

static void assert_encoded(const char *text, const char *bytes, size_t len)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    moult_out out = {0};

    assert_non_null(json);
    assert_int_equal(json_to_cbor(json, &out, NULL), 0);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.bytes, bytes, len);
    out_release(&out);
    json_decref(json);
}

static void json_becomes_the_items_it_names(void **state)
{
    assert_encoded("9223372036854775807",
                   BYTES("\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"));
    assert_encoded("-1", BYTES("\x20"));
    assert_encoded("1.0", BYTES("\xfa\x3f\x80\x00\x00"));
    assert_encoded("\"a\\u0000b\"", BYTES("\x63\x61\x00\x62"));
    assert_encoded("[true, false, null]", BYTES("\x83\xf5\xf4\xf6"));
    assert_encoded("{\"z\": 1, \"a\": {}}", BYTES("\xa2\x61z\x01\x61\x61\xa0"));
}

static void nothing_at_all_is_null(void **state)
{
    moult_out out = {0};

    assert_int_equal(json_to_cbor(NULL, &out, NULL), 0);
    assert_memory_equal(out.bytes, "\xf6", 1);
    out_release(&out);
}

/* -- depth -- */

static int depth_to_cbor(int depth)
{
    json_t *json = json_integer(1);
    moult_out out = {0};
    struct fault why = {0};
    int err;

    for (int i = 0; i < depth; i++)
        json = json_pack("[o]", json);
    err = json_to_cbor(json, &out, &why);
    assert_int_equal(err == 0, why.text[0] == 0);
    out_release(&out);
    json_decref(json);
    return err;
}

static int depth_from_cbor(int head, int depth)
{
    uint8_t *bytes = malloc((size_t)depth + 1);
    struct fault why = {0};
    moult_in in;
    json_t *json;

    memset(bytes, head, (size_t)depth);
    bytes[depth] = 0xa0;
    in = moult_in_over(bytes, (size_t)depth + 1);
    json = json_from_cbor(&in, &why);
    json_decref(json);
    free(bytes);
    return json ? 0 : why.error;
}

static void depth_is_limited_both_ways(void **state)
{
    assert_int_equal(depth_to_cbor(JSON_DEPTH), 0);
    assert_int_equal(depth_to_cbor(JSON_DEPTH + 1), -EOVERFLOW);
    assert_int_equal(depth_from_cbor(0x81, JSON_DEPTH), 0);
    assert_int_equal(depth_from_cbor(0x81, JSON_DEPTH + 1), -EOVERFLOW);
    assert_int_equal(depth_from_cbor(0x81, 1000000), -EOVERFLOW);
    assert_int_equal(depth_from_cbor(0xc1, 1000000), -EOVERFLOW); /* tags */
    assert_int_equal(depth_from_cbor(0xd6, JSON_DEPTH + 1), -EOVERFLOW);
}

static void maps_as_keys_of_maps_are_no_deeper(void **state)
{
    uint8_t bytes[2000];

    memset(bytes, 0xa1, sizeof(bytes));
    bytes[999] = 1;
    memset(bytes + 1000, 1, 1000);
    assert_int_equal(refused(bytes, sizeof(bytes)), -EOVERFLOW);
}

/* -- by chance -- */

static json_t *random_json(int depth)
{
    uint32_t kind = random_below(depth > 0 ? 8 : 6), n = random_below(4);
    json_t *json;

    switch (kind) {
    case 0:
        return json_integer((json_int_t)(random_bits() >> random_below(64)));
    case 1:
        return json_integer(-(json_int_t)(random_bits() >> 1 >> random_below(63)));
    case 2:
        return json_real((double)(int64_t)random_bits() / 1024);
    case 3:
        return json_boolean(n & 1);
    case 4:
        return json_null();
    case 5:
        return json_stringn("t\xc3\xbcxt\0more", n < 2 ? 1 : 10);
    case 6:
        for (json = json_array(); n > 0; n--)
            json_array_append_new(json, random_json(depth - 1));
        return json;
    default:
        for (json = json_object(); n > 0; n--)
            json_object_set_new(json, &"abcd"[n], random_json(depth - 1));
        return json;
    }
}

static void json_comes_back_as_it_was(void **state)
{
    for (int i = 0; i < 2000; i++) {
        json_t *before = random_json(6), *after;
        moult_out out = {0};
        moult_in in;

        assert_int_equal(json_to_cbor(before, &out, NULL), 0);
        in = out_read(&out);
        after = json_from_cbor(&in, NULL);
        assert_true(json_equal(before, after));
        json_decref(before);
        json_decref(after);
        out_release(&out);
    }
}

static void hostile_bytes_do_no_harm(void **state)
{
    for (int i = 0; i < 20000; i++) {
        size_t n = random_below(48);
        struct fault why = {0};
        uint8_t *copy = malloc(n);
        moult_in in = moult_in_over(copy, n);
        json_t *json;

        for (size_t k = 0; k < n; k++)
            copy[k] = (uint8_t)(random_bits() | (k & 1 ? 0x80 : 0));
        json = json_from_cbor(&in, &why);
        assert_int_equal(json != NULL, why.text[0] == 0);
        json_decref(json);
        free(copy);
    }
}

/* -- out of memory -- */

static long allocations_left = -1; /* negative: any number */

static void *counted(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    if (allocations_left > 0)
        allocations_left--;
    return malloc(size);
}

static void running_out_of_memory_is_told_and_leaks_nothing(void **state)
{
    static const char item[] = "\xa4\x61\x61\x82\x01\xf9\x3e\x00\x01\x61t\x62kk\x41\xff"
                               "\x82\x01\x02\xa1\x61z\xc3\x41\x01";
    json_t *json = NULL;

    for (long n = 0; !json; n++) {
        moult_in in = moult_in_over(item, sizeof(item) - 1);
        struct fault why = {0};

        allocations_left = n;
        json = json_from_cbor(&in, &why);
        allocations_left = -1;
        if (!json)
            assert_int_equal(why.error, -ENOMEM);
        assert_true(n < 1000);
    }
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_items_are_what_they_are),
        cmocka_unit_test(numbers_that_json_lacks_are_null_or_text),
        cmocka_unit_test(bytes_are_base64url_unless_a_tag_says_otherwise),
        cmocka_unit_test(keys_that_are_no_text_become_their_json_text),
        cmocka_unit_test(tags_are_their_content_but_pids_have_a_form),
        cmocka_unit_test(malformed_cbor_is_refused),
        cmocka_unit_test(json_becomes_the_items_it_names),
        cmocka_unit_test(nothing_at_all_is_null),
        cmocka_unit_test(depth_is_limited_both_ways),
        cmocka_unit_test(maps_as_keys_of_maps_are_no_deeper),
        cmocka_unit_test(json_comes_back_as_it_was),
        cmocka_unit_test(hostile_bytes_do_no_harm),
        cmocka_unit_test(running_out_of_memory_is_told_and_leaks_nothing),
    };

    json_set_alloc_funcs(counted, free);
    random_start();
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
