/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "schema.h"

struct inner {
    int32_t a;
    char b[4];
};
MOULT_STATE(inner, struct inner, MOULT_FIELD(a), MOULT_FIELD(b));

struct outer {
    int64_t count;
    float ratio;
    bool on;
    char label[8];
    uint8_t key[4];
    moult_text name;
    moult_bytes blob;
    moult_pid who;
    moult_from from;
    struct inner one, three[3];
    MOULT_LIST_OF(struct inner) many;
    MOULT_LIST_OF(moult_text) names;
    int16_t scores[5];
    char words[2][8];
};
MOULT_STATE(outer, struct outer, MOULT_FIELD(count, .initial = -3, .was = "total"),
            MOULT_FIELD(ratio, .initial_float = 0.5), MOULT_FIELD(on, .initial = 1),
            MOULT_FIELD(label, .initial_text = "seven77"), MOULT_FIELD(key),
            MOULT_FIELD(name, .initial_text = "some name"), MOULT_FIELD(blob),
            MOULT_FIELD(who), MOULT_FIELD(from), MOULT_STRUCT_FIELD(one, inner),
            MOULT_STRUCT_ARRAY_FIELD(three, inner),
            MOULT_STRUCT_LIST_FIELD(many, inner), MOULT_LIST_FIELD(names),
            MOULT_ARRAY_FIELD(scores, .initial = 9), MOULT_ARRAY_FIELD(words));

static const moult_schema *myself(void);
static const moult_field me[] = {
    {.key = "me", .size = 8, .kind = MOULT_KIND_STRUCT, .nested = myself, .line = 7},
    {.key = NULL},
};
static const moult_schema *myself(void)
{
    static const moult_schema schema = {8, 8, "myself", "myself.c", me};

    return &schema;
}

static const moult_schema *nothing(void)
{
    return NULL;
}

/* A schema of two fields, from what a mistaken author or a liar would write. */
static int check(moult_field first, moult_field second, struct fault *why)
{
    moult_field fields[] = {first, second, {.key = NULL}};
    moult_schema schema = {64, 8, "mistaken", "some/where/mistaken.c", fields};

    *why = (struct fault){0};
    return schema_check(&schema, why);
}

#define NONE ((moult_field){.key = NULL})

/* An int64_t at `offset`, and what is to be otherwise. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define INT(key_, ...) INT_(key_, __VA_ARGS__, .line = 12)
#define INT_(key_, offset_, ...)             \
    ((moult_field){.key = (key_),            \
                   .offset = (offset_),      \
                   .size = 8,                \
                   .kind = MOULT_KIND_INT64, \
                   __VA_ARGS__})

static void what_the_macros_write_is_fine(void **state)
{
    struct fault why = {0};

    assert_int_equal(schema_check(outer(), &why), 0);
    assert_string_equal(why.text, "");
    assert_int_equal(check(INT("a", 0), INT("b", 8), &why), 0);
}

static void a_mistake_is_named_with_its_field_file_and_line(void **state)
{
    struct fault why;

    assert_int_equal(check(INT("a", 0), INT("b", 60), &why), -EINVAL);
    assert_string_equal(why.field, "b");
    assert_string_equal(why.text, "field 'b': it ends 68 bytes into a struct of 64 "
                                  "(mistaken.c:12)");
}

static void keys_are_unique_old_ones_too(void **state)
{
    struct fault why;

    assert_int_equal(check(INT("a", 0), INT("a", 8), &why), -EINVAL);
    assert_int_equal(check(INT("a", 0, .was = "b"), INT("b", 8), &why), -EINVAL);
    assert_int_equal(check(INT("a", 0), INT("b", 8, .was = "a"), &why), -EINVAL);
    assert_int_equal(check(INT("a", 0, .was = "c"), INT("b", 8, .was = "c"), &why),
                     -EINVAL);
    assert_int_equal(check(INT("a", 0, .was = "a"), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", 0, .was = "c"), INT("b", 8, .was = "d"), &why), 0);
}

static void keys_are_text_of_a_fair_length(void **state)
{
    char longest[257];
    struct fault why;

    memset(longest, 'k', sizeof(longest) - 1);
    longest[256] = 0;
    assert_int_equal(check(INT("", 0), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("\xff", 0), NONE, &why), -EINVAL);
    assert_int_equal(check(INT(longest, 0), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", 0, .was = ""), NONE, &why), -EINVAL);
    longest[255] = 0;
    assert_int_equal(check(INT(longest, 0), NONE, &why), 0);
}

static void memory_is_inside_the_struct_aligned_and_not_shared(void **state)
{
    struct fault why;

    assert_int_equal(check(INT("a", 64), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", UINT32_MAX - 7), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", 4), NONE, &why), -EINVAL);
    assert_non_null(strstr(why.text, "packed"));
    assert_int_equal(check(INT("a", 8), INT("b", 8), &why), -EINVAL);
    assert_non_null(strstr(why.text, "shares memory with field 'a'"));
    assert_int_equal(
        check(INT("a", 0, .many = MOULT_FIXED, .count = UINT32_MAX), NONE, &why),
        -EINVAL);
    assert_int_equal(check(INT("a", 0, .many = MOULT_FIXED), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", 56, .many = MOULT_GROWING), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", 48, .many = MOULT_GROWING), NONE, &why), 0);
}

static void kinds_are_known_and_have_their_size(void **state)
{
    struct fault why;

    for (uint32_t kind = MOULT_KIND_INT8; kind <= MOULT_KIND_FROM; kind++) {
        moult_field f = {.key = "a", .size = 7, .kind = kind};
        bool any_size = kind == MOULT_KIND_CHARS || kind == MOULT_KIND_OCTETS;

        assert_int_equal(check(f, NONE, &why), any_size ? 0 : -EINVAL);
        f.size = 0;
        assert_int_equal(check(f, NONE, &why), -EINVAL);
    }
    assert_int_equal(check((moult_field){.key = "a", .size = 8}, NONE, &why), -EINVAL);
    assert_int_equal(
        check((moult_field){.key = "a", .size = 8, .kind = 99}, NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", 0, .many = 3), NONE, &why), -EINVAL);
}

static void structs_are_described_and_not_within_themselves(void **state)
{
    moult_field f = {.key = "a", .size = 8, .kind = MOULT_KIND_STRUCT};
    struct fault why = {0};

    assert_int_equal(check(f, NONE, &why), -EINVAL);
    f.nested = nothing;
    assert_int_equal(check(f, NONE, &why), -EINVAL);
    assert_non_null(strstr(why.text, "'a'"));
    f.nested = inner;
    assert_int_equal(check(f, NONE, &why), 0);
    f.size = 12;
    assert_int_equal(check(f, NONE, &why), -EINVAL);
    why = (struct fault){0};
    assert_int_equal(schema_check(myself(), &why), -EINVAL);
    assert_non_null(strstr(why.text, "within itself"));
}

static void a_nested_mistake_is_named_by_its_path(void **state)
{
    static const moult_field fields[] = {
        {.key = "a", .offset = 2, .size = 4, .kind = MOULT_KIND_INT32, .line = 3},
        {.key = NULL},
    };
    static const moult_schema schema = {8, 4, "bad", "bad.c", fields};
    struct fault why = {0};
    moult_field f = {.key = "outside", .size = 8, .kind = MOULT_KIND_STRUCT};

    assert_int_equal(schema_check(&schema, &why), -EINVAL);
    assert_string_equal(why.field, "a");
    f.nested = myself;
    assert_int_equal(check(f, NONE, &why), -EINVAL);
    assert_int_equal(strncmp(why.field, "outside.me.me.", 14), 0);
}

static void a_state_has_a_sane_size_and_alignment(void **state)
{
    static const moult_field fields[] = {{.key = NULL}};
    moult_schema schema = {8, 8, "state", "state.c", fields};

    assert_int_equal(schema_check(&schema, NULL), 0);
    schema.alignment = 32;
    assert_int_equal(schema_check(&schema, NULL), -EINVAL);
    schema.alignment = 3;
    assert_int_equal(schema_check(&schema, NULL), -EINVAL);
    schema.alignment = 0;
    assert_int_equal(schema_check(&schema, NULL), -EINVAL);
    schema.alignment = 8;
    schema.size = 0;
    assert_int_equal(schema_check(&schema, NULL), -EINVAL);
    schema.size = UINT32_MAX;
    assert_int_equal(schema_check(&schema, NULL), -EINVAL);
    schema.fields = NULL;
    assert_int_equal(schema_check(&schema, NULL), -EINVAL);
    assert_int_equal(schema_check(NULL, NULL), -EINVAL);
}

static void initial_integers_fit(void **state)
{
    static const struct {
        uint32_t kind, size;
        int64_t least, most;
    } kinds[] = {
        {MOULT_KIND_INT8, 1, INT8_MIN, INT8_MAX},
        {MOULT_KIND_INT16, 2, INT16_MIN, INT16_MAX},
        {MOULT_KIND_INT32, 4, INT32_MIN, INT32_MAX},
        {MOULT_KIND_UINT8, 1, 0, UINT8_MAX},
        {MOULT_KIND_UINT16, 2, 0, UINT16_MAX},
        {MOULT_KIND_UINT32, 4, 0, UINT32_MAX},
        {MOULT_KIND_BOOL, 1, 0, 1},
    };
    struct fault why;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        moult_field f = {.key = "a", .size = kinds[i].size, .kind = kinds[i].kind};

        f.initial = kinds[i].least;
        assert_int_equal(check(f, NONE, &why), 0);
        f.initial = kinds[i].most;
        assert_int_equal(check(f, NONE, &why), 0);
        f.initial = kinds[i].least - 1;
        assert_int_equal(check(f, NONE, &why), -EOVERFLOW);
        f.initial = kinds[i].most + 1;
        assert_int_equal(check(f, NONE, &why), -EOVERFLOW);
    }
    assert_int_equal(check(INT("a", 0, .initial = INT64_MIN), NONE, &why), 0);
    assert_int_equal(
        check(INT("a", 0, .initial = -1, .kind = MOULT_KIND_UINT64), NONE, &why),
        -EOVERFLOW);
}

static void initial_values_are_of_the_fields_kind(void **state)
{
    moult_field text = {.key = "a", .size = 4, .kind = MOULT_KIND_CHARS},
                real = {.key = "a", .size = 4, .kind = MOULT_KIND_FLOAT};
    struct fault why;

    text.initial_text = "abc";
    assert_int_equal(check(text, NONE, &why), 0);
    text.initial_text = "abcd";
    assert_int_equal(check(text, NONE, &why), -EOVERFLOW);
    text.initial_text = "\xff";
    assert_int_equal(check(text, NONE, &why), -EINVAL);
    real.initial_float = 1e30;
    assert_int_equal(check(real, NONE, &why), 0);
    real.initial_float = (double)INFINITY;
    assert_int_equal(check(real, NONE, &why), 0);
    real.initial_float = 1e300;
    assert_int_equal(check(real, NONE, &why), -EOVERFLOW);
    real.initial_float = 0;
    real.initial = 1;
    assert_int_equal(check(real, NONE, &why), -EINVAL);
    assert_non_null(strstr(why.text, ".initial_float"));
    assert_int_equal(check(INT("a", 0, .initial_float = 1), NONE, &why), -EINVAL);
    assert_int_equal(check(INT("a", 0, .initial_text = "1"), NONE, &why), -EINVAL);
    assert_int_equal(
        check(INT("a", 0, .initial = 1, .many = MOULT_GROWING), NONE, &why), -EINVAL);
}

/* -- layout -- */

static uint64_t layout_of(moult_field first, moult_field second, uint32_t size)
{
    moult_field fields[] = {first, second, {.key = NULL}};
    moult_schema schema = {size, 8, "x", "x.c", fields};

    return schema_layout(&schema);
}

static void layouts_are_equal_where_memory_can_be_handed_over(void **state)
{
    uint64_t layout = layout_of(INT("a", 0), INT("b", 8), 64);

    assert_int_equal(schema_layout(outer()), schema_layout(outer()));
    assert_int_equal(schema_layout(NULL), 0);
    assert_true(layout == layout_of(INT("a", 0, .initial = 5, .was = "z"),
                                    INT("b", 8, .line = 99), 64));
}

static void any_other_difference_changes_the_layout(void **state)
{
    uint64_t layout = layout_of(INT("a", 0), INT("b", 8), 64);
    moult_field nested = {
        .key = "b", .offset = 8, .size = 8, .kind = MOULT_KIND_STRUCT};

    assert_true(layout != layout_of(INT("a", 0), INT("b", 8), 72));
    assert_true(layout != layout_of(INT("a", 0), NONE, 64));
    assert_true(layout != layout_of(INT("b", 0), INT("a", 8), 64));
    assert_true(layout != layout_of(INT("a", 0), INT("b", 16), 64));
    assert_true(layout != layout_of(INT("a", 0), INT("bb", 8), 64));
    assert_true(layout !=
                layout_of(INT("a", 0), INT("b", 8, .kind = MOULT_KIND_UINT64), 64));
    assert_true(layout !=
                layout_of(INT("a", 0), INT("b", 8, .many = MOULT_GROWING), 64));
    assert_true(
        layout_of(INT("a", 0), INT("b", 8, .many = MOULT_FIXED, .count = 2), 64) !=
        layout_of(INT("a", 0), INT("b", 8, .many = MOULT_FIXED, .count = 3), 64));
    nested.nested = inner;
    layout = layout_of(INT("a", 0), nested, 64);
    nested.nested = outer;
    assert_true(layout != layout_of(INT("a", 0), nested, 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_macros_write_is_fine),
        cmocka_unit_test(a_mistake_is_named_with_its_field_file_and_line),
        cmocka_unit_test(keys_are_unique_old_ones_too),
        cmocka_unit_test(keys_are_text_of_a_fair_length),
        cmocka_unit_test(memory_is_inside_the_struct_aligned_and_not_shared),
        cmocka_unit_test(kinds_are_known_and_have_their_size),
        cmocka_unit_test(structs_are_described_and_not_within_themselves),
        cmocka_unit_test(a_nested_mistake_is_named_by_its_path),
        cmocka_unit_test(a_state_has_a_sane_size_and_alignment),
        cmocka_unit_test(initial_integers_fit),
        cmocka_unit_test(initial_values_are_of_the_fields_kind),
        cmocka_unit_test(layouts_are_equal_where_memory_can_be_handed_over),
        cmocka_unit_test(any_other_difference_changes_the_layout),
    };

    return cmocka_run_group_tests_name("schema_check", tests, NULL, NULL);
}
