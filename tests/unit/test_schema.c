/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctx.h"
#include "out.h"
#include "random.h"
#include "schema.h"

/* -- states -- */

struct room {
    int32_t seats;
    char name[16];
    MOULT_LIST_OF(moult_text) guests;
};
MOULT_STATE(room, struct room, MOULT_FIELD(seats, .initial = 4),
            MOULT_FIELD(name, .initial_text = "room"), MOULT_LIST_FIELD(guests));

struct house {
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    float ratio;
    double exact;
    bool open;
    char label[12];
    uint8_t key[6];
    moult_text text;
    moult_bytes bytes;
    moult_pid pid;
    moult_from from;
    int32_t fixed[3];
    char words[2][8];
    MOULT_LIST_OF(double) growing;
    MOULT_LIST_OF(moult_bytes) blobs;
    struct room hall, floors[2];
    MOULT_LIST_OF(struct room) rooms;
};
MOULT_STATE(house, struct house, MOULT_FIELD(i8, .initial = -1), MOULT_FIELD(i16),
            MOULT_FIELD(i32), MOULT_FIELD(i64, .initial = INT64_MIN), MOULT_FIELD(u8),
            MOULT_FIELD(u16, .initial = 65535), MOULT_FIELD(u32), MOULT_FIELD(u64),
            MOULT_FIELD(ratio, .initial_float = 0.5), MOULT_FIELD(exact),
            MOULT_FIELD(open, .initial = 1),
            MOULT_FIELD(label, .initial_text = "a house"), MOULT_FIELD(key),
            MOULT_FIELD(text, .initial_text = "long enough a text"), MOULT_FIELD(bytes),
            MOULT_FIELD(pid), MOULT_FIELD(from), MOULT_ARRAY_FIELD(fixed, .initial = 7),
            MOULT_ARRAY_FIELD(words), MOULT_LIST_FIELD(growing),
            MOULT_LIST_FIELD(blobs), MOULT_STRUCT_FIELD(hall, room),
            MOULT_STRUCT_ARRAY_FIELD(floors, room),
            MOULT_STRUCT_LIST_FIELD(rooms, room));

static struct moult_ctx ctx;

static int start(void **state)
{
    ctx = (struct moult_ctx){0};
    return 0;
}

static int stop(void **state)
{
    heap_finish(&ctx.heap);
    return 0;
}

static void *make(const moult_schema *schema)
{
    void *made = moult_alloc(&ctx, schema->size);

    assert_int_equal(schema_check(schema, NULL), 0);
    assert_int_equal(schema_init(&ctx, schema, made), 0);
    return made;
}

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

/* -- random states -- */

static void fill(const moult_schema *schema, uint8_t *state);

static void fill_text(moult_text *text, moult_bytes *bytes)
{
    static const char letters[] = "no 1 letter is like \xc3\xbc and \xe2\x82\xac";
    uint32_t n = random_below(20);

    if (text)
        moult_text_set(&ctx, text, letters, n);
    else
        moult_bytes_set(&ctx, bytes, letters, random_below(sizeof(letters)));
}

static void fill_item(const moult_field *f, uint8_t *at)
{
    uint64_t bits = random_bits() >> random_below(64);
    double real = (double)(int64_t)random_bits() / 4096;
    float narrow = (float)real;
    moult_from from = {{random_bits()}, {random_bits()}, random_bits()};

    if (f->kind <= MOULT_KIND_UINT64 || f->kind == MOULT_KIND_OCTETS)
        memcpy(at, &bits, f->size);
    else if (f->kind == MOULT_KIND_FLOAT)
        memcpy(at, &narrow, sizeof(narrow));
    else if (f->kind == MOULT_KIND_DOUBLE)
        memcpy(at, &real, sizeof(real));
    else if (f->kind == MOULT_KIND_BOOL)
        *at = bits & 1;
    else if (f->kind == MOULT_KIND_CHARS) {
        memset(at, 0, f->size);
        memset(at, 'x', random_below(f->size));
    } else if (f->kind == MOULT_KIND_TEXT)
        fill_text((void *)at, NULL);
    else if (f->kind == MOULT_KIND_BYTES)
        fill_text(NULL, (void *)at);
    else if (f->kind == MOULT_KIND_PID || f->kind == MOULT_KIND_FROM)
        memcpy(at, &from, f->size);
    else
        fill(f->nested(), at);
}

static void fill(const moult_schema *schema, uint8_t *state)
{
    for (const moult_field *f = schema->fields; f->key; f++) {
        uint8_t *at = state + f->offset;
        uint32_t n = f->many == MOULT_FIXED ? f->count : 1;

        if (f->many != MOULT_GROWING)
            for (uint32_t i = 0; i < n; i++)
                fill_item(f, at + (size_t)i * f->size);
        else
            for (uint32_t i = random_below(5); i > 0; i--)
                fill_item(f, moult_list_add(&ctx, at, f->size));
    }
}

/* -- tests of whole states -- */

static void a_state_starts_with_its_initial_values(void **state)
{
    struct house *h = make(house());

    assert_int_equal(h->i8, -1);
    assert_true(h->i64 == INT64_MIN);
    assert_int_equal(h->u16, 65535);
    assert_true(h->ratio > 0.49f && h->ratio < 0.51f);
    assert_true(h->open);
    assert_string_equal(h->label, "a house");
    assert_string_equal(h->text.text, "long enough a text");
    assert_int_equal(h->fixed[0] + h->fixed[1] + h->fixed[2], 21);
    assert_int_equal(h->floors[1].seats, 4);
    assert_string_equal(h->floors[1].name, "room");
    assert_null(h->rooms.items);
}

static void saving_what_was_loaded_gives_equal_bytes(void **state)
{
    moult_out first = {0}, second = {0};

    for (int i = 0; i < 500; i++) {
        struct house *before = make(house()), *after = make(house());
        struct fault why = {0};
        moult_in in;

        fill(house(), (void *)before);
        out_reset(&first);
        out_reset(&second);
        assert_int_equal(schema_save(house(), before, &first, &why), 0);
        in = exact(first.bytes, first.len);
        assert_int_equal(schema_load(&ctx, house(), NULL, after, &in, &why), 0);
        assert_ptr_equal(in.at, in.end);
        assert_int_equal(schema_save(house(), after, &second, &why), 0);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.bytes, second.bytes, first.len);
        heap_finish(&ctx.heap);
    }
    out_release(&first);
    out_release(&second);
}

static void every_cut_of_a_state_is_refused(void **state)
{
    struct house *h = make(house());
    moult_out out = {0};

    fill(house(), (void *)h);
    assert_int_equal(schema_save(house(), h, &out, NULL), 0);
    for (uint32_t n = 0; n < out.len; n++) {
        moult_in in = exact(out.bytes, n);
        struct fault why = {0};

        assert_int_equal(schema_load(&ctx, house(), NULL, make(house()), &in, &why),
                         -EBADMSG);
        assert_string_not_equal(why.text, "");
    }
    out_release(&out);
}

static void damaged_states_do_no_harm(void **state)
{
    moult_out out = {0};

    for (int i = 0; i < 5000; i++) {
        struct house *h = make(house());
        struct fault why = {0};
        moult_in in;
        int err;

        fill(house(), (void *)h);
        out_reset(&out);
        assert_int_equal(schema_save(house(), h, &out, NULL), 0);
        for (uint32_t k = random_below(4); k > 0; k--)
            out.bytes[random_below(out.len)] = (uint8_t)random_bits();
        in = exact(out.bytes, out.len);
        err = schema_load(&ctx, house(), house(), make(house()), &in, &why);
        assert_int_equal(err == 0, why.text[0] == 0);
        heap_finish(&ctx.heap);
    }
    out_release(&out);
}

static void out_of_memory_is_told_wherever_it_happens(void **state)
{
    struct house *h = make(house());
    moult_out out = {0};
    int err = -ENOMEM;

    fill(house(), (void *)h);
    assert_int_equal(schema_save(house(), h, &out, NULL), 0);
    for (uint64_t limit = 1; err; limit += 8) {
        struct allowance allowance = {.limit = limit};
        struct moult_ctx small;
        struct house into = {0};
        struct fault why = {0};
        moult_in in = out_read(&out);

        heap_init(&small.heap, &allowance);
        err = schema_init(&small, house(), &into);
        if (!err)
            err = schema_load(&small, house(), NULL, &into, &in, &why);
        assert_true(err == 0 || err == -ENOMEM);
        heap_finish(&small.heap);
    }
    out_release(&out);
}

static void list_items_that_a_map_lacks_have_their_initial_values(void **state)
{
    struct house *h = make(house());
    moult_in in = exact("\xa1\x65rooms\x82\xa0\xa1\x65seats\x09", 18);

    assert_int_equal(schema_load(&ctx, house(), NULL, h, &in, NULL), 0);
    assert_int_equal(h->rooms.count, 2);
    assert_int_equal(h->rooms.items[0].seats, 4);
    assert_string_equal(h->rooms.items[0].name, "room");
    assert_int_equal(h->rooms.items[1].seats, 9);
}

/* -- saving what can't be saved -- */

static int save(const moult_schema *schema, const void *from, struct fault *why)
{
    moult_out out = {0};
    int err;

    *why = (struct fault){0};
    err = schema_save(schema, from, &out, why);
    out_release(&out);
    return err;
}

static void text_that_is_none_is_named_by_its_path(void **state)
{
    struct house *h = make(house());
    struct fault why;

    for (int i = 0; i < 4; i++)
        moult_list_add(&ctx, &h->rooms, sizeof(struct room));
    strcpy(h->rooms.items[3].name, "\xff");
    assert_int_equal(save(house(), h, &why), -EINVAL);
    assert_string_equal(why.field, "rooms[3].name");
    strcpy(h->rooms.items[3].name, "fine");
    moult_text_set(&ctx, moult_list_add(&ctx, &h->rooms.items[2].guests, 16), "\xc3",
                   1);
    assert_int_equal(save(house(), h, &why), -EINVAL);
    assert_string_equal(why.field, "rooms[2].guests[0]");
    assert_non_null(strstr(why.text, "test_schema.c:"));
}

static void chars_without_a_zero_are_refused(void **state)
{
    struct house *h = make(house());
    struct fault why;

    memset(h->words[1], 'w', sizeof(h->words[1]));
    assert_int_equal(save(house(), h, &why), -EINVAL);
    assert_string_equal(why.field, "words[1]");
}

static void items_that_are_not_there_are_refused(void **state)
{
    struct house *h = make(house());
    struct fault why;

    h->rooms.count = 1;
    assert_int_equal(save(house(), h, &why), -EINVAL);
    assert_string_equal(why.field, "rooms");
    h->rooms.count = 0;
    h->text = (moult_text){NULL, 3, 0};
    assert_int_equal(save(house(), h, &why), -EINVAL);
    assert_string_equal(why.field, "text");
    h->text.len = 0;
    h->bytes.len = 9;
    assert_int_equal(save(house(), h, &why), -EINVAL);
    assert_string_equal(why.field, "bytes");
}

static void chars_end_at_their_zero(void **state)
{
    struct room r = {.name = "ab\0cd"};
    moult_out out = {0};

    assert_int_equal(schema_save(room(), &r, &out, NULL), 0);
    assert_int_equal(out.len, 24);
    assert_memory_equal(out.bytes,
                        "\xa3\x65seats\x00\x64name\x62"
                        "ab\x66guests\x80",
                        out.len);
    out_release(&out);
}

#define SCHEMA_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHEMA_TEST(a_state_starts_with_its_initial_values),
        SCHEMA_TEST(saving_what_was_loaded_gives_equal_bytes),
        SCHEMA_TEST(every_cut_of_a_state_is_refused),
        SCHEMA_TEST(damaged_states_do_no_harm),
        SCHEMA_TEST(out_of_memory_is_told_wherever_it_happens),
        SCHEMA_TEST(list_items_that_a_map_lacks_have_their_initial_values),
        SCHEMA_TEST(text_that_is_none_is_named_by_its_path),
        SCHEMA_TEST(chars_without_a_zero_are_refused),
        SCHEMA_TEST(items_that_are_not_there_are_refused),
        SCHEMA_TEST(chars_end_at_their_zero),
    };

    random_start();
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
