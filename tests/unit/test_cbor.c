/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "random.h"
#include "tag.h"

#define BYTES(text) (text), sizeof(text) - 1

/* A cursor over a copy of exactly `len` bytes, which the next call frees. */
static moult_in exact(const void *bytes, size_t len)
{
    static void *copy;

    free(copy);
    copy = malloc(len);
    if (len > 0)
        memcpy(copy, bytes, len);
    return moult_in_over(copy, len);
}

static void assert_written(const moult_out *out, const char *bytes, size_t len)
{
    assert_int_equal(out->error, 0);
    assert_int_equal(out->len, len);
    assert_memory_equal(out->bytes, bytes, len);
}

/* -- writing -- */

static void numbers_take_the_shortest_form(void **state)
{
    moult_out out = {0};

    moult_put_int(&out, 23);
    moult_put_int(&out, 24);
    moult_put_int(&out, 256);
    moult_put_int(&out, -1);
    moult_put_int(&out, -25);
    moult_put_uint(&out, UINT64_MAX);
    moult_put_int(&out, INT64_MIN);
    moult_put_float(&out, 1.5);
    moult_put_float(&out, 0.1);
    assert_written(&out, BYTES("\x17\x18\x18\x19\x01\x00\x20\x38\x18"
                               "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"
                               "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"
                               "\xfa\x3f\xc0\x00\x00"
                               "\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a"));
    out_release(&out);
}

static void other_items_are_as_the_rfc_says(void **state)
{
    moult_out out = {0};

    moult_put_null(&out);
    moult_put_bool(&out, true);
    moult_put_bool(&out, false);
    moult_put_text(&out, "a\xc3\xbc");
    moult_put_bytes(&out, "\xff", 1);
    moult_put_array(&out, 2);
    moult_put_map(&out, 30);
    moult_put_tag(&out, 6);
    moult_put_tag(&out, 1000);
    moult_put_item(&out, "\x01", 1);
    assert_written(&out, BYTES("\xf6\xf5\xf4\x63"
                               "a\xc3\xbc\x41\xff\x82\xb8\x1e\xc6\xd9\x03\xe8\x01"));
    out_release(&out);
}

static void a_pid_is_a_tag_round_bytes(void **state)
{
    moult_out out = {0};

    moult_put_pid(&out, (moult_pid){0x0102030405060708});
    assert_written(&out, BYTES("\xdampid\x48\x01\x02\x03\x04\x05\x06\x07\x08"));
    out_release(&out);
}

static void pairs_are_a_key_and_a_value(void **state)
{
    moult_out out = {0};

    moult_put_int_at(&out, "a", 1);
    moult_put_bool_at(&out, "b", true);
    moult_put_text_at(&out, "c", "d");
    assert_written(&out, BYTES("\x61"
                               "a\x01\x61"
                               "b\xf5\x61"
                               "c\x61"
                               "d"));
    out_release(&out);
}

static void text_that_is_not_utf8_sticks_as_an_error(void **state)
{
    moult_out out = {0};

    moult_put_text(&out, "\xff");
    assert_int_equal(moult_out_error(&out), -EINVAL);
    moult_put_int(&out, 1);
    moult_put_text(&out, "fine");
    assert_int_equal(out.len, 0);
    assert_int_equal(moult_out_error(&out), -EINVAL);
    out_reset(&out);
    assert_int_equal(moult_out_error(&out), 0);
    out_release(&out);
}

static void a_message_that_fits_its_envelope_stays_there(void **state)
{
    uint8_t space[72];
    moult_out out;

    out_init(&out, space, sizeof(space));
    moult_put_array(&out, 9);
    for (int i = 0; i < 7; i++)
        moult_put_uint(&out, UINT64_MAX);
    moult_put_uint(&out, 0xffffffff);
    moult_put_text(&out, "x");
    moult_put_int(&out, 1);
    assert_int_equal(out.len, 72);
    assert_false(out.owned);
    assert_ptr_equal(out.bytes, space);
    moult_put_null(&out);
    assert_true(out.owned);
    assert_int_equal(out.len, 73);
    assert_memory_equal(out.bytes, space, 72);
    out_release(&out);
    assert_int_equal(out.capacity, 0);
}

static void more_than_a_gigabyte_is_refused(void **state)
{
    moult_out out = {0};

    moult_put_bytes(&out, "", (size_t)OUT_LIMIT + 1);
    assert_int_equal(moult_out_error(&out), -EMSGSIZE);
    out_release(&out);
    assert_null(out_room(&out, SIZE_MAX));
    assert_int_equal(moult_out_error(&out), -EMSGSIZE);
    out_release(&out);
}

static void what_was_written_can_be_given_away(void **state)
{
    uint8_t space[8], *bytes;
    moult_out out;
    uint32_t len = 0;

    out_init(&out, space, sizeof(space));
    moult_put_int(&out, 7);
    bytes = out_give(&out, &len);
    assert_int_equal(len, 1);
    assert_int_equal(bytes[0], 7);
    assert_int_equal(out.capacity, 0);
    free(bytes);
    moult_put_bytes(&out, "0123456789", 10);
    bytes = out_give(&out, &len);
    assert_int_equal(len, 11);
    free(bytes);
    out.error = -EINVAL;
    assert_null(out_give(&out, &len));
}

/* -- reading -- */

static void what_is_next_can_be_seen(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int32_t kind;
    } items[] = {
        {BYTES("\x00"), MOULT_INT},
        {BYTES("\x20"), MOULT_INT},
        {BYTES("\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"), MOULT_INT},
        {BYTES("\x1b\x80\x00\x00\x00\x00\x00\x00\x00"), MOULT_UINT},
        {BYTES("\x40"), MOULT_BYTES},
        {BYTES("\x60"), MOULT_TEXT},
        {BYTES("\x80"), MOULT_ARRAY},
        {BYTES("\xa0"), MOULT_MAP},
        {BYTES("\xc1\x00"), MOULT_TAG},
        {BYTES("\xf4"), MOULT_BOOL},
        {BYTES("\xf5"), MOULT_BOOL},
        {BYTES("\xf6"), MOULT_NULL},
        {BYTES("\xf7"), MOULT_NULL},
        {BYTES("\xf9\x00\x00"), MOULT_FLOAT},
        {BYTES("\xfa\x00\x00\x00\x00"), MOULT_FLOAT},
        {BYTES("\xfb\x00\x00\x00\x00\x00\x00\x00\x00"), MOULT_FLOAT},
        {BYTES("\xf8\x20"), MOULT_NOTHING},
        {BYTES("\xe0"), MOULT_NOTHING},
        {BYTES("\xff"), MOULT_NOTHING},
        {BYTES("\x9f"), MOULT_NOTHING},
        {BYTES("\x1c"), MOULT_NOTHING},
        {BYTES(""), MOULT_NOTHING},
    };

    for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
        moult_in in = exact(items[i].bytes, items[i].len);

        assert_int_equal(moult_peek(&in), items[i].kind);
        moult_skip(&in);
        assert_int_equal(in.error != 0, items[i].kind == MOULT_NOTHING);
    }
}

static void integers_of_any_width_are_read(void **state)
{
    moult_in in =
        exact(BYTES("\x18\x05\x1b\x00\x00\x00\x00\x00\x00\x00\x05\x39\x01\x00"
                    "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff\x1a\xff\xff\xff\xff"));

    assert_int_equal(moult_get_int(&in), 5);
    assert_int_equal(moult_get_int(&in), 5);
    assert_int_equal(moult_get_int(&in), -257);
    assert_true(moult_get_int(&in) == INT64_MIN);
    assert_true(moult_get_uint(&in) == UINT32_MAX);
    assert_int_equal(in.error, 0);
    assert_ptr_equal(in.at, in.end);
}

static void a_number_that_does_not_fit_is_an_error(void **state)
{
    moult_in in = exact(BYTES("\x1b\x80\x00\x00\x00\x00\x00\x00\x00"));

    assert_int_equal(moult_get_int(&in), 0);
    assert_int_equal(in.error, -EOVERFLOW);
    in = exact(BYTES("\x3b\x80\x00\x00\x00\x00\x00\x00\x00"));
    assert_int_equal(moult_get_int(&in), 0);
    assert_int_equal(in.error, -EOVERFLOW);
    in = exact(BYTES("\x20"));
    assert_int_equal(moult_get_uint(&in), 0);
    assert_int_equal(in.error, -EOVERFLOW);
}

static void floats_are_read_from_any_number(void **state)
{
    moult_in in = exact(BYTES("\xf9\x3c\x00\xfa\x3f\xc0\x00\x00\x03\x22"
                              "\x1b\xff\xff\xff\xff\xff\xff\xff\xff\xf9\x7e\x00"));

    assert_true(fabs(moult_get_float(&in) - 1.0) < 1e-9);
    assert_true(fabs(moult_get_float(&in) - 1.5) < 1e-9);
    assert_true(fabs(moult_get_float(&in) - 3.0) < 1e-9);
    assert_true(fabs(moult_get_float(&in) + 3.0) < 1e-9);
    assert_true(moult_get_float(&in) > 1.8e19);
    assert_true(isnan(moult_get_float(&in)));
    assert_int_equal(in.error, 0);
}

static void the_first_error_sticks(void **state)
{
    moult_in in = exact(BYTES("\x01\x02"));
    size_t len = 9;

    assert_string_equal(moult_get_text(&in, &len), "");
    assert_int_equal(len, 0);
    assert_int_equal(in.error, -EBADMSG);
    assert_string_equal(in.why, "text was expected");
    assert_int_equal(moult_get_int(&in), 0);
    assert_false(moult_get_bool(&in));
    assert_int_equal(moult_get_array(&in), 0);
    assert_true(moult_pid_is_none(moult_get_pid(&in)));
    assert_non_null(moult_get_bytes(&in, &len));
    assert_int_equal(moult_peek(&in), MOULT_NOTHING);
    assert_string_equal(in.why, "text was expected");
}

static void pids_and_froms_come_back(void **state)
{
    moult_from from = {{1}, {UINT64_MAX}, 77}, read;
    moult_out out = {0};
    moult_in in;

    moult_put_pid(&out, (moult_pid){12345});
    moult_put_from(&out, &from);
    in = exact(out.bytes, out.len);
    assert_int_equal(moult_get_pid(&in).bits, 12345);
    read = moult_get_from(&in);
    assert_int_equal(in.error, 0);
    assert_memory_equal(&read, &from, sizeof(from));
    in = exact(out.bytes, out.len);
    moult_get_from(&in);
    assert_int_equal(in.error, -EBADMSG);
    out_release(&out);
}

static void a_lying_count_is_an_error_at_once(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } lies[] = {
        {BYTES("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00")},
        {BYTES("\xbb\x7f\xff\xff\xff\xff\xff\xff\xff\x00")},
        {BYTES("\xbb\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00")},
        {BYTES("\x82\x01")},
        {BYTES("\xa1\x01")},
        {BYTES("\x9a\x00\x10\x00\x00\x00")},
        {BYTES("\x5b\xff\xff\xff\xff\xff\xff\xff\xff\x00")},
        {BYTES("\x7b\xff\xff\xff\xff\xff\xff\xff\xf7\x00")},
        {BYTES("\x62\x61")},
    };

    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        moult_in in = exact(lies[i].bytes, lies[i].len);
        size_t len;

        if (moult_peek(&in) == MOULT_ARRAY)
            moult_get_array(&in);
        else if (moult_peek(&in) == MOULT_MAP)
            moult_get_map(&in);
        else
            moult_get_item(&in, &len);
        assert_int_equal(in.error, -EBADMSG);
        assert_non_null(in.why);
    }
}

static void open_lengths_and_bad_text_are_refused_with_a_reason(void **state)
{
    moult_in in = exact(BYTES("\x9f\x01\xff"));

    moult_skip(&in);
    assert_string_equal(in.why,
                        "its length is left open; moult wants it said beforehand");
    in = exact(BYTES("\x7f\x61\x61\xff"));
    moult_skip(&in);
    assert_int_equal(in.error, -EBADMSG);
    in = exact(BYTES("\x82\x01\x62\xc3\x28"));
    moult_skip(&in);
    assert_string_equal(in.why, "text that is not UTF-8");
}

static void depth_does_not_matter_to_skip(void **state)
{
    enum { DEPTH = 1000000 };
    uint8_t *bytes = malloc(DEPTH + 1);
    moult_in in;

    memset(bytes, 0x81, DEPTH);
    bytes[DEPTH] = 0;
    in = moult_in_over(bytes, DEPTH + 1);
    moult_skip(&in);
    assert_int_equal(in.error, 0);
    assert_ptr_equal(in.at, in.end);
    memset(bytes, 0xc1, DEPTH); /* tags within tags */
    in = moult_in_over(bytes, DEPTH + 1);
    moult_skip(&in);
    assert_int_equal(in.error, 0);
    in = moult_in_over(bytes, DEPTH);
    moult_skip(&in);
    assert_int_equal(in.error, -EBADMSG);
    free(bytes);
}

static void an_item_is_lent_as_it_is_encoded(void **state)
{
    moult_in in = exact(BYTES("\x82\x01\xa1\x61\x61\x02\x05"));
    size_t len;
    const void *item = moult_get_item(&in, &len);

    assert_int_equal(len, 6);
    assert_memory_equal(item, "\x82\x01\xa1\x61\x61\x02", 6);
    assert_int_equal(moult_get_int(&in), 5);
}

static void matching_consumes_only_what_matches(void **state)
{
    moult_in in = exact(BYTES("\x63get\x01"));

    assert_false(moult_match(&in, "bump"));
    assert_false(moult_match(&in, "ge"));
    assert_false(moult_match(&in, "gets"));
    assert_false(moult_match(&in, ""));
    assert_true(moult_match(&in, "get"));
    assert_false(moult_match(&in, "get"));
    assert_int_equal(moult_get_int(&in), 1);
    assert_false(moult_match(&in, ""));
    assert_int_equal(in.error, 0);
    in = exact(BYTES("\x79\x00\x03get")); /* longer than it needs to be */
    assert_true(moult_match(&in, "get"));
    in = exact(BYTES("\x60"));
    assert_true(moult_match(&in, ""));
    in = exact(BYTES("\x78\x1a"
                     "abcdefghijklmnopqrstuvwxyz"));
    assert_true(moult_match(&in, "abcdefghijklmnopqrstuvwxyz"));
}

static void a_map_of_one_pair_is_matched_by_its_key(void **state)
{
    moult_in in = exact(BYTES("\xa1\x63"
                              "add\x05\x07")),
             before = in, value;
    int64_t number = 0;

    assert_false(moult_match_map(&in, "sub", &value));
    assert_false(moult_match_int(&in, "sub", &number));
    assert_memory_equal(&in, &before, sizeof(in));
    assert_true(moult_match_map(&in, "add", &value));
    assert_int_equal(moult_get_int(&value), 5);
    assert_int_equal(moult_peek(&value), MOULT_NOTHING);
    assert_int_equal(moult_peek(&in), MOULT_INT);
    in = before;
    assert_true(moult_match_int(&in, "add", &number));
    assert_int_equal(number, 5);
    assert_int_equal(moult_get_int(&in), 7);
}

static void matching_is_never_an_error(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } others[] = {
        {BYTES("")},
        {BYTES("\x01")},
        {BYTES("\xa2\x63"
               "add\x05\x61\x61\x01")},
        {BYTES("\xa1\x63"
               "add")},
        {BYTES("\xa1\x63"
               "ad")},
        {BYTES("\xa1\x63"
               "add\x61\x61")}, /* an integer is wanted */
        {BYTES("\xbf\xff")},
        {BYTES("\xff")},
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        moult_in in = exact(others[i].bytes, others[i].len), before = in;
        int64_t number = 42;

        assert_false(moult_match_int(&in, "add", &number));
        assert_false(moult_match(&in, "add"));
        assert_memory_equal(&in, &before, sizeof(in));
        assert_int_equal(number, 42);
    }
}

static void a_key_is_found_and_the_map_stays(void **state)
{
    moult_in in = exact(BYTES("\xa3\x01\x02\x61"
                              "a\x82\x01\x02\x61"
                              "b\x18\x2a")),
             value;
    const uint8_t *at = in.at;

    assert_int_equal(moult_int_at(&in, "b"), 42);
    assert_true(moult_find(&in, "a", &value));
    assert_int_equal(moult_get_array(&value), 2);
    assert_false(moult_find(&in, "c", &value));
    assert_ptr_equal(in.at, at);
    assert_int_equal(in.error, 0);
    assert_int_equal(moult_int_at(&in, "c"), 0);
    assert_int_equal(in.error, -EBADMSG);
    in = exact(BYTES("\x01"));
    assert_false(moult_find(&in, "a", &value));
    assert_int_equal(in.error, -EBADMSG);
}

/* -- by chance -- */

static void put_random(moult_out *out, int depth)
{
    uint32_t n = random_below(5), kind = random_below(depth > 0 ? 11 : 8);
    moult_from from = {{random_bits()}, {random_bits()}, random_bits()};
    static const char text[] = "abc\xc3\xbc some text that is longer than 24 bytes";

    if (kind == 0)
        moult_put_int(out, (int64_t)random_bits() >> random_below(64));
    else if (kind == 1)
        moult_put_uint(out, random_bits() >> random_below(64));
    else if (kind == 2)
        moult_put_float(out, (double)(int64_t)random_bits() / 1024);
    else if (kind == 3)
        moult_put_bool(out, n & 1);
    else if (kind == 4)
        moult_put_null(out);
    else if (kind == 5)
        moult_put_text_len(out, text, n == 4 ? sizeof(text) - 1 : n);
    else if (kind == 6)
        moult_put_bytes(out, text, random_below(sizeof(text)));
    else if (kind == 7)
        moult_put_from(out, &from);
    else if (kind == 8) {
        moult_put_tag(out, random_bits() >> random_below(64));
        put_random(out, depth - 1);
    } else {
        kind == 9 ? moult_put_array(out, n) : moult_put_map(out, n);
        for (uint32_t i = 0; i < n * (kind == 9 ? 1 : 2); i++)
            put_random(out, depth - 1);
    }
}

static void copy_item(moult_in *in, moult_out *out);

static void copy_items(moult_in *in, moult_out *out, size_t n)
{
    while (n-- > 0 && !in->error)
        copy_item(in, out);
}

/* Read an item by its kind and write it again. */
static void copy_item(moult_in *in, moult_out *out)
{
    int32_t kind = moult_peek(in);
    size_t n;
    const void *at;

    if (kind == MOULT_INT)
        moult_put_int(out, moult_get_int(in));
    else if (kind == MOULT_UINT)
        moult_put_uint(out, moult_get_uint(in));
    else if (kind == MOULT_FLOAT)
        moult_put_float(out, moult_get_float(in));
    else if (kind == MOULT_BOOL)
        moult_put_bool(out, moult_get_bool(in));
    else if (kind == MOULT_NULL)
        moult_get_null(in), moult_put_null(out);
    else if (kind == MOULT_TEXT)
        at = moult_get_text(in, &n), moult_put_text_len(out, at, n);
    else if (kind == MOULT_BYTES)
        at = moult_get_bytes(in, &n), moult_put_bytes(out, at, n);
    else if (kind == MOULT_TAG)
        moult_put_tag(out, moult_get_tag(in)), copy_items(in, out, 1);
    else if (kind == MOULT_ARRAY)
        moult_put_array(out, n = moult_get_array(in)), copy_items(in, out, n);
    else if (kind == MOULT_MAP)
        moult_put_map(out, n = moult_get_map(in)), copy_items(in, out, 2 * n);
    else
        moult_skip(in);
}

static void what_is_written_is_read_back(void **state)
{
    moult_out out = {0}, again = {0};

    for (int i = 0; i < 2000; i++) {
        moult_in in;

        out_reset(&out);
        out_reset(&again);
        put_random(&out, 6);
        in = exact(out.bytes, out.len);
        copy_item(&in, &again);
        assert_int_equal(in.error, 0);
        assert_ptr_equal(in.at, in.end);
        assert_written(&again, (const char *)out.bytes, out.len);
        in = exact(out.bytes, out.len);
        moult_skip(&in);
        assert_int_equal(in.error, 0);
        assert_ptr_equal(in.at, in.end);
    }
    out_release(&out);
    out_release(&again);
}

/* Whatever it is: nothing may read beyond it, run for ever or loop without end. */
static void read_all_ways(const uint8_t *bytes, size_t len)
{
    moult_in in = exact(bytes, len), value;
    moult_out out = {0};
    int64_t number;

    moult_match(&in, "add");
    moult_match_int(&in, "add", &number);
    moult_match_map(&in, "add", &value);
    moult_find(&in, "add", &value);
    in = moult_in_over(in.at, (size_t)(in.end - in.at));
    moult_get_pid(&in);
    in = moult_in_over(in.at, (size_t)(in.end - in.at));
    while (!in.error && in.at < in.end)
        copy_item(&in, &out);
    assert_true(in.at <= in.end);
    assert_int_equal(in.error != 0, in.why != NULL);
    out_release(&out);
}

static void every_cut_is_noticed(void **state)
{
    moult_out out = {0};

    for (int i = 0; i < 50; i++) {
        out_reset(&out);
        moult_put_array(&out, 2);
        put_random(&out, 4);
        put_random(&out, 4);
        for (size_t n = 0; n < out.len; n++) {
            moult_in in = exact(out.bytes, n);

            moult_skip(&in);
            assert_int_equal(in.error, -EBADMSG);
            read_all_ways(out.bytes, n);
        }
    }
    out_release(&out);
}

static void hostile_bytes_do_no_harm(void **state)
{
    moult_out out = {0};
    uint8_t noise[64];

    for (int i = 0; i < 20000; i++) {
        size_t n = random_below(sizeof(noise));

        for (size_t k = 0; k < n; k++)
            noise[k] = (uint8_t)random_bits();
        read_all_ways(noise, n);
        out_reset(&out);
        put_random(&out, 3);
        out.bytes[random_below(out.len)] = (uint8_t)random_bits();
        read_all_ways(out.bytes, out.len);
    }
    out_release(&out);
    exact(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_take_the_shortest_form),
        cmocka_unit_test(other_items_are_as_the_rfc_says),
        cmocka_unit_test(a_pid_is_a_tag_round_bytes),
        cmocka_unit_test(pairs_are_a_key_and_a_value),
        cmocka_unit_test(text_that_is_not_utf8_sticks_as_an_error),
        cmocka_unit_test(a_message_that_fits_its_envelope_stays_there),
        cmocka_unit_test(more_than_a_gigabyte_is_refused),
        cmocka_unit_test(what_was_written_can_be_given_away),
        cmocka_unit_test(what_is_next_can_be_seen),
        cmocka_unit_test(integers_of_any_width_are_read),
        cmocka_unit_test(a_number_that_does_not_fit_is_an_error),
        cmocka_unit_test(floats_are_read_from_any_number),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(pids_and_froms_come_back),
        cmocka_unit_test(a_lying_count_is_an_error_at_once),
        cmocka_unit_test(open_lengths_and_bad_text_are_refused_with_a_reason),
        cmocka_unit_test(depth_does_not_matter_to_skip),
        cmocka_unit_test(an_item_is_lent_as_it_is_encoded),
        cmocka_unit_test(matching_consumes_only_what_matches),
        cmocka_unit_test(a_map_of_one_pair_is_matched_by_its_key),
        cmocka_unit_test(matching_is_never_an_error),
        cmocka_unit_test(a_key_is_found_and_the_map_stays),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(hostile_bytes_do_no_harm),
    };

    random_start();
    return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
