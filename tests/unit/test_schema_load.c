/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctx.h"
#include "json.h"
#include "out.h"
#include "schema.h"

/* Maps are written as JSON here; what JSON lacks is tested in bytes. */

struct old {
    int64_t count;
    char name[16];
    int32_t gone;
};
MOULT_STATE(old, struct old, MOULT_FIELD(count), MOULT_FIELD(name), MOULT_FIELD(gone));

struct new
{
    int64_t step, count;
    moult_text label;
};
MOULT_STATE(new, struct new, MOULT_FIELD(step, .initial = 1), MOULT_FIELD(count),
            MOULT_FIELD(label, .was = "name"));

struct item {
    int32_t amount;
    uint8_t hash[4];
};
MOULT_STATE(item, struct item, MOULT_FIELD(amount, .was = "sum"), MOULT_FIELD(hash));

struct all {
    int8_t small;
    uint16_t port;
    uint64_t big;
    int64_t wide;
    float narrow;
    double exact;
    bool on;
    char text[4];
    moult_text any;
    moult_bytes bytes;
    int16_t fixed[3];
    MOULT_LIST_OF(struct item) history;
    struct item last;
    moult_pid who;
};
MOULT_STATE(all, struct all, MOULT_FIELD(small), MOULT_FIELD(port), MOULT_FIELD(big),
            MOULT_FIELD(wide), MOULT_FIELD(narrow), MOULT_FIELD(exact), MOULT_FIELD(on),
            MOULT_FIELD(text, .initial_text = "abc"), MOULT_FIELD(any),
            MOULT_FIELD(bytes), MOULT_ARRAY_FIELD(fixed, .initial = 7),
            MOULT_STRUCT_LIST_FIELD(history, item), MOULT_STRUCT_FIELD(last, item),
            MOULT_FIELD(who));

static struct {
    struct moult_ctx ctx;
    struct all all;
    struct new new;
    struct old old;
    struct fault why;
} t;

static int start(void **state)
{
    memset(&t, 0, sizeof(t));
    assert_int_equal(schema_check(all(), NULL), 0);
    assert_int_equal(schema_check(old(), NULL), 0);
    assert_int_equal(schema_check(new (), NULL), 0);
    schema_init(&t.ctx, all(), &t.all);
    schema_init(&t.ctx, new (), &t.new);
    schema_init(&t.ctx, old(), &t.old);
    return 0;
}

static int stop(void **state)
{
    heap_finish(&t.ctx.heap);
    return 0;
}

static int load(const moult_schema *schema, void *into, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    moult_out out = {0};
    moult_in in;
    int err;

    assert_non_null(json);
    assert_int_equal(json_to_cbor(json, &out, NULL), 0);
    json_decref(json);
    in = out_read(&out);
    memset(&t.why, 0, sizeof(t.why));
    err = schema_load(&t.ctx, schema, NULL, into, &in, &t.why);
    out_release(&out);
    return err;
}

static int load_bytes(const char *bytes, size_t len)
{
    moult_in in = moult_in_over(bytes, len);

    memset(&t.why, 0, sizeof(t.why));
    return schema_load(&t.ctx, all(), NULL, &t.all, &in, &t.why);
}

#define LOAD(text)        load(all(), &t.all, text)
#define LOAD_BYTES(bytes) load_bytes(bytes, sizeof(bytes) - 1)

/* -- from version to version -- */

static void an_old_state_becomes_a_new_one(void **state)
{
    struct old before = {.count = 42, .name = "tally", .gone = 1};
    moult_out out = {0};
    moult_in in;

    assert_int_equal(schema_save(old(), &before, &out, NULL), 0);
    in = out_read(&out);
    assert_int_equal(schema_load(&t.ctx, new (), NULL, &t.new, &in, NULL), 0);
    assert_int_equal(t.new.count, 42);
    assert_int_equal(t.new.step, 1);
    assert_string_equal(t.new.label.text, "tally");
    out_release(&out);
}

static void a_renamed_field_finds_its_way_back(void **state)
{
    moult_out out = {0};
    moult_in in;

    t.new.count = 43;
    moult_text_set(&t.ctx, &t.new.label, "tally", 5);
    assert_int_equal(schema_save(new (), &t.new, &out, NULL), 0);
    in = out_read(&out);
    assert_int_equal(schema_load(&t.ctx, old(), new (), &t.old, &in, NULL), 0);
    assert_int_equal(t.old.count, 43);
    assert_string_equal(t.old.name, "tally");
    assert_int_equal(t.old.gone, 0);
    out_release(&out);
}

struct nested_old {
    struct {
        int32_t sum;
    } list[2];
    struct old inside;
};
static const moult_field sum_fields[] = {
    {.key = "sum", .size = 4, .kind = MOULT_KIND_INT32},
    {.key = NULL},
};
static const moult_schema *sum(void)
{
    static const moult_schema schema = {4, 4, "sum", "sum.c", sum_fields};

    return &schema;
}
MOULT_STATE(nested_old, struct nested_old, MOULT_STRUCT_ARRAY_FIELD(list, sum));

struct nested_new {
    MOULT_LIST_OF(struct item) entries;
};
MOULT_STATE(nested_new, struct nested_new,
            MOULT_STRUCT_LIST_FIELD(entries, item, .was = "list"));

static void so_do_renamed_fields_of_renamed_structs(void **state)
{
    struct nested_old back = {.list = {{0}}};
    struct nested_new n = {.entries = {0}};
    struct item *added = moult_list_add(&t.ctx, &n.entries, sizeof(*added));
    moult_out out = {0};
    moult_in in;

    added->amount = 5;
    ((struct item *)moult_list_add(&t.ctx, &n.entries, sizeof(*added)))->amount = 6;
    assert_int_equal(schema_save(nested_new(), &n, &out, NULL), 0);
    in = out_read(&out);
    assert_int_equal(schema_load(&t.ctx, nested_old(), nested_new(), &back, &in, NULL),
                     0);
    assert_int_equal(back.list[0].sum, 5);
    assert_int_equal(back.list[1].sum, 6);
    out_reset(&out);
    assert_int_equal(schema_save(nested_old(), &back, &out, NULL), 0);
    in = out_read(&out);
    n = (struct nested_new){.entries = {0}};
    assert_int_equal(schema_load(&t.ctx, nested_new(), NULL, &n, &in, NULL), 0);
    assert_int_equal(n.entries.count, 2);
    assert_int_equal(n.entries.items[1].amount, 6);
    out_release(&out);
}

static void a_fields_own_key_counts_more_than_an_old_one(void **state)
{
    assert_int_equal(load(new (), &t.new, "{\"name\": \"old\", \"label\": \"new\"}"),
                     0);
    assert_string_equal(t.new.label.text, "new");
    assert_int_equal(load(new (), &t.new, "{\"label\": \"new\", \"name\": \"old\"}"),
                     0);
    assert_string_equal(t.new.label.text, "new");
    assert_int_equal(LOAD("{\"last\": {\"sum\": 3, \"amount\": 4}}"), 0);
    assert_int_equal(t.all.last.amount, 4);
}

static void the_order_of_keys_does_not_matter(void **state)
{
    assert_int_equal(LOAD("{\"who_knows\": [1, {\"a\": 2}], \"wide\": 4, \"small\": 1, "
                          "\"port\": 2, \"fixed\": [1, 2, 3]}"),
                     0);
    assert_int_equal(t.all.wide, 4);
    assert_int_equal(t.all.small, 1);
    assert_int_equal(t.all.port, 2);
    assert_int_equal(t.all.fixed[2], 3);
}

static void a_key_twice_is_refused(void **state)
{
    assert_int_equal(LOAD_BYTES("\xa2\x65small\x01\x65small\x02"), -EBADMSG);
    assert_string_equal(t.why.field, "small");
    assert_int_equal(LOAD_BYTES("\xa1\x64last\xa2\x63sum\x01\x63sum\x02"), -EBADMSG);
}

static void keys_that_are_no_text_are_dropped(void **state)
{
    assert_int_equal(LOAD_BYTES("\xa3\x01\x02\x82\x01\x02\x03\x65small\x05"), 0);
    assert_int_equal(t.all.small, 5);
}

/* -- values that fit and values that don't -- */

static void integers_may_change_width_where_they_fit(void **state)
{
    assert_int_equal(LOAD("{\"small\": -128, \"port\": 65535, \"big\": 5, "
                          "\"wide\": -9223372036854775808}"),
                     0);
    assert_int_equal(t.all.small, -128);
    assert_int_equal(t.all.port, 65535);
    assert_int_equal(t.all.big, 5);
    assert_true(t.all.wide == INT64_MIN);
    assert_int_equal(LOAD_BYTES("\xa1\x63"
                                "big\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
                     0);
    assert_true(t.all.big == UINT64_MAX);
}

static void an_integer_that_does_not_fit_is_named(void **state)
{
    assert_int_equal(LOAD("{\"small\": 128}"), -EOVERFLOW);
    assert_string_equal(t.why.field, "small");
    assert_int_equal(t.why.error, -EOVERFLOW);
    assert_int_equal(
        strncmp(t.why.text, "field 'small': 128 does not fit an int8_t (test_", 48), 0);
    assert_int_equal(LOAD("{\"small\": -129}"), -EOVERFLOW);
    assert_int_equal(LOAD("{\"port\": 65536}"), -EOVERFLOW);
    assert_int_equal(LOAD("{\"port\": -1}"), -EOVERFLOW);
    assert_int_equal(LOAD("{\"fixed\": [1, 2, 32768]}"), -EOVERFLOW);
    assert_string_equal(t.why.field, "fixed[2]");
    assert_int_equal(LOAD_BYTES("\xa1\x64wide\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
                     -EOVERFLOW);
    assert_string_equal(t.why.field, "wide");
}

static void a_path_leads_to_the_item(void **state)
{
    assert_int_equal(LOAD("{\"history\": [{}, {}, {\"amount\": 4294967296}]}"),
                     -EOVERFLOW);
    assert_string_equal(t.why.field, "history[2].amount");
    assert_int_equal(LOAD("{\"history\": [{}, 1]}"), -EBADMSG);
    assert_string_equal(t.why.field, "history[1]");
    assert_non_null(strstr(t.why.text, "an integer is saved where a map is wanted"));
}

static void floats_take_any_number_that_fits(void **state)
{
    assert_int_equal(LOAD("{\"narrow\": 0.1, \"exact\": 3}"), 0);
    assert_true(fabsf(t.all.narrow - 0.1f) < 1e-6f);
    assert_true(fabs(t.all.exact - 3) < 1e-9);
    assert_int_equal(LOAD("{\"narrow\": 1e300}"), -EOVERFLOW);
    assert_string_equal(t.why.field, "narrow");
    assert_int_equal(LOAD_BYTES("\xa1\x66narrow\xf9\x7c\x00"), 0);
    assert_true(isinf(t.all.narrow));
    assert_int_equal(LOAD_BYTES("\xa1\x66narrow\xf9\x7e\x00"), 0);
    assert_true(isnan(t.all.narrow));
}

static void another_kind_is_refused_by_name(void **state)
{
    static const char *const mistakes[] = {
        "{\"small\": \"1\"}", "{\"small\": 1.0}", "{\"small\": true}",
        "{\"small\": null}",  "{\"small\": [1]}", "{\"on\": 1}",
        "{\"text\": 5}",      "{\"any\": {}}",    "{\"bytes\": \"text\"}",
        "{\"fixed\": 1}",     "{\"last\": []}",   "{\"history\": {}}",
        "{\"who\": 7}",       "{\"narrow\": []}",
    };

    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        assert_int_equal(LOAD(mistakes[i]), -EBADMSG);
        assert_non_null(strstr(t.why.text, " is saved where "));
        assert_string_not_equal(t.why.field, "");
    }
    assert_int_equal(LOAD("{\"small\": \"1\"}"), -EBADMSG);
    assert_non_null(strstr(t.why.text, "text is saved where an int8_t is wanted"));
    assert_int_equal(load(all(), &t.all, "[]"), -EBADMSG);
    assert_non_null(strstr(t.why.text, "state 'all'"));
}

static void text_is_never_cut(void **state)
{
    assert_int_equal(LOAD("{\"text\": \"abcd\"}"), -EOVERFLOW);
    assert_string_equal(t.why.field, "text");
    assert_int_equal(LOAD("{\"text\": \"x\"}"), 0);
    assert_memory_equal(t.all.text, "x\0\0\0", 4);
    assert_int_equal(LOAD_BYTES("\xa1\x64text\x63\x61\x00\x62"), -EBADMSG);
    assert_int_equal(LOAD_BYTES("\xa1\x63"
                                "any\x63\x61\x00\x62"),
                     0);
    assert_int_equal(t.all.any.len, 3);
    assert_int_equal(LOAD_BYTES("\xa1\x64last\xa1\x64hash\x45\x01\x02\x03\x04\x05"),
                     -EOVERFLOW);
    assert_string_equal(t.why.field, "last.hash");
    assert_int_equal(LOAD_BYTES("\xa1\x64last\xa1\x64hash\x42\x01\x02"), 0);
    assert_memory_equal(t.all.last.hash, "\1\2\0\0", 4);
}

static void a_longer_array_is_refused_a_shorter_one_keeps_the_rest(void **state)
{
    assert_int_equal(LOAD("{\"fixed\": [1, 2, 3, 4]}"), -EOVERFLOW);
    assert_string_equal(t.why.field, "fixed");
    assert_int_equal(LOAD("{\"fixed\": [5]}"), 0);
    assert_int_equal(t.all.fixed[0], 5);
    assert_int_equal(t.all.fixed[1], 7);
    assert_int_equal(LOAD("{\"fixed\": []}"), 0);
}

static void a_list_that_is_empty_has_no_memory(void **state)
{
    assert_int_equal(LOAD("{\"history\": [], \"any\": \"\"}"), 0);
    assert_null(t.all.history.items);
    assert_null(t.all.any.text);
}

static void what_a_state_does_not_mention_stays_initial(void **state)
{
    assert_int_equal(LOAD("{}"), 0);
    assert_string_equal(t.all.text, "abc");
    assert_int_equal(t.all.fixed[2], 7);
}

static void malformed_bytes_are_told_from_mistakes(void **state)
{
    assert_int_equal(LOAD_BYTES("\xa1\x65small\x18"), -EBADMSG);
    assert_non_null(strstr(t.why.text, "malformed: cut short"));
    assert_string_equal(t.why.field, "small");
    assert_int_equal(LOAD_BYTES("\xa1\x61\xff\x01"), -EBADMSG);
    assert_non_null(strstr(t.why.text, "text that is not UTF-8"));
    assert_int_equal(LOAD_BYTES("\xa2\x65small\x01"), -EBADMSG);
    assert_int_equal(LOAD_BYTES("\xbf\xff"), -EBADMSG);
    assert_int_equal(LOAD_BYTES(""), -EBADMSG);
    assert_int_equal(LOAD_BYTES("\xa1\x67history\x9a\xff\xff\xff\xff\xa0"), -EBADMSG);
}

#define LOAD_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(an_old_state_becomes_a_new_one),
        LOAD_TEST(a_renamed_field_finds_its_way_back),
        LOAD_TEST(so_do_renamed_fields_of_renamed_structs),
        LOAD_TEST(a_fields_own_key_counts_more_than_an_old_one),
        LOAD_TEST(the_order_of_keys_does_not_matter),
        LOAD_TEST(a_key_twice_is_refused),
        LOAD_TEST(keys_that_are_no_text_are_dropped),
        LOAD_TEST(integers_may_change_width_where_they_fit),
        LOAD_TEST(an_integer_that_does_not_fit_is_named),
        LOAD_TEST(a_path_leads_to_the_item),
        LOAD_TEST(floats_take_any_number_that_fits),
        LOAD_TEST(another_kind_is_refused_by_name),
        LOAD_TEST(text_is_never_cut),
        LOAD_TEST(a_longer_array_is_refused_a_shorter_one_keeps_the_rest),
        LOAD_TEST(a_list_that_is_empty_has_no_memory),
        LOAD_TEST(what_a_state_does_not_mention_stays_initial),
        LOAD_TEST(malformed_bytes_are_told_from_mistakes),
    };

    return cmocka_run_group_tests_name("schema_load", tests, NULL, NULL);
}
