/* SPDX-License-Identifier: Apache-2.0 */
/* What is configured of an application: who has the last word, and what may be. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env.h"
#include "json.h"
#include "json_text.h"
#include "out.h"

static struct env_spec specs[4];
static struct resource resource;
static struct env *env;
static struct fault why;

static moult_out encode(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    moult_out out;

    assert_non_null(json);
    out_init(&out, NULL, 0);
    assert_int_equal(json_to_cbor(json, &out, NULL), 0);
    json_decref(json);
    return out;
}

static void declare(int i, const char *key, int32_t type, const char *value)
{
    moult_out out;
    uint32_t len = 0;

    specs[i] = (struct env_spec){.key = (char *)key, .type = type};
    if (value) {
        out = encode(value);
        specs[i].value = out_give(&out, &len);
        specs[i].len = len;
    }
    resource.env_count = (size_t)i + 1;
}

static int begin(void **state)
{
    resource = (struct resource){.env = specs};
    why = (struct fault){0};
    declare(0, "port", MOULT_ENV_INT, "8080");
    specs[0].least = 1;
    specs[0].most = 65535;
    declare(1, "title", MOULT_ENV_TEXT, NULL);
    declare(2, "extra", MOULT_ENV_ANY, "[1]");
    return 0;
}

static int end(void **state)
{
    env_destroy(env_swap(&env, NULL));
    env_forget_all();
    for (size_t i = 0; i < 4; i++)
        free(specs[i].value);
    memset(specs, 0, sizeof(specs));
    return 0;
}

static int make(void)
{
    struct env *made;
    int error = env_make("web", &resource, &made, &why);

    if (!error)
        env_destroy(env_swap(&env, made));
    return error;
}

static void give(enum env_level level, const char *key, const char *value)
{
    json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);

    assert_int_equal(env_give(level, "web", key, json, "moult.conf:7: 'web'", NULL), 0);
    json_decref(json);
}

/* The value as JSON, lent until the next; "-" if there is none. */
static const char *value_of(const char *key)
{
    static char text[256];
    moult_out out;
    moult_in in;
    json_t *json;
    char *printed;

    strcpy(text, "-");
    out_init(&out, NULL, 0);
    if (env_get(&env, key, &out) == 0) {
        in = out_read(&out);
        json = json_from_cbor(&in, NULL);
        printed = json_text(json, JSON_ENCODE_ANY | JSON_COMPACT);
        snprintf(text, sizeof(text), "%s", printed);
        free(printed);
        json_decref(json);
    }
    out_release(&out);
    return text;
}

static int put(const char *key, const char *value, bool persist)
{
    moult_out out = encode(value);
    int error = env_put(&env, "web", key, out_read(&out), persist, &why);

    out_release(&out);
    return error;
}

static void assert_refused(const char *text)
{
    assert_int_equal(make(), -EINVAL);
    assert_string_equal(why.text, text);
    why = (struct fault){0};
}

static void the_default_is_what_nobody_says_more_of(void **state)
{
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("port"), "8080");
    assert_string_equal(value_of("title"), "-");
    assert_string_equal(value_of("nothing"), "-");
}

static void
the_command_line_goes_before_variables_and_those_before_the_file(void **state)
{
    char *variables[] = {(char *)"HOME=/", (char *)"MOULT_WEB_PORT=3",
                         (char *)"MOULT_WEB=4", (char *)"MOULT_WEB_PORTS=5", NULL};

    assert_int_equal(env_give_word("web.port=2", &why), 0);
    assert_int_equal(env_give_variables(variables), 0);
    give(ENV_FILE, "port", "4");
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("port"), "2");
    env_forget_all();
    give(ENV_FILE, "port", "4");
    assert_int_equal(env_give_variables(variables), 0);
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("port"), "3");
}

static void a_word_is_read_by_the_type_of_the_key(void **state)
{
    assert_int_equal(env_give_word("web.title=8080", NULL), 0);
    assert_int_equal(env_give_word("web.extra=[2, {}]", NULL), 0);
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("title"), "\"8080\"");
    assert_string_equal(value_of("extra"), "[2,{}]");
    assert_int_equal(env_give_word("web.extra=as it is", NULL), 0);
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("extra"), "\"as it is\"");
}

static void what_is_said_must_fit_the_type_and_the_range(void **state)
{
    give(ENV_FILE, "port", "\"80\"");
    assert_refused(
        "moult.conf:7: 'web' must be an integer from 1 to 65535, not \"80\"");
    give(ENV_FILE, "port", "65536");
    assert_refused("moult.conf:7: 'web' must be an integer from 1 to 65535, not 65536");
    give(ENV_FILE, "port", "80");
    specs[1].least = 2;
    specs[1].most = 4;
    assert_int_equal(env_give_word("web.title=a title", NULL), 0);
    assert_refused("--env web.title must be text of 2 to 4 bytes, not \"a title\"");
}

static void each_type_takes_its_own(void **state)
{
    static const char *const good[] = {"null",  "-3", "2.5", "true",
                                       "\"t\"", "[]", "{}"};

    for (int32_t type = MOULT_ENV_ANY; type <= MOULT_ENV_MAP; type++)
        for (int k = 0; k < 7; k++) {
            struct env_spec spec = {.key = (char *)"k", .type = type};
            moult_out out = encode(good[k]);
            bool fits = type == MOULT_ENV_ANY || k == type ||
                        (type == MOULT_ENV_FLOAT && k == MOULT_ENV_INT);

            assert_int_equal(env_check_value(&spec, "it", out.bytes, out.len, NULL),
                             fits ? 0 : -EINVAL);
            out_release(&out);
        }
}

static void what_is_said_of_no_key_is_refused(void **state)
{
    give(ENV_FILE, "prot", "80");
    assert_refused("moult.conf:7: 'web' is no key of application 'web': it has port, "
                   "title, extra");
}

static void a_required_key_must_have_a_value(void **state)
{
    specs[1].required = true;
    assert_int_equal(make(), -EINVAL);
    assert_non_null(strstr(why.text, "env 'title' of application 'web' has no value"));
    assert_int_equal(env_give_word("web.title=t", NULL), 0);
    assert_int_equal(make(), 0);
}

static void words_that_name_no_key_are_refused(void **state)
{
    assert_int_equal(env_give_word("port=80", &why), -EINVAL);
    assert_string_equal(why.text,
                        "'--env' takes APP.KEY=VALUE, as web.port=80, not 'port=80'");
    assert_int_equal(env_give_word("web.port", NULL), -EINVAL);
    assert_int_equal(env_give_word("port=8.0", NULL), -EINVAL);
}

static void what_is_put_lasts_until_it_is_made_anew(void **state)
{
    assert_int_equal(make(), 0);
    assert_int_equal(put("port", "1", false), 0);
    assert_string_equal(value_of("port"), "1");
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("port"), "8080");
}

static void what_is_put_to_stay_outlives_that(void **state)
{
    assert_int_equal(env_give_word("web.port=5", NULL), 0);
    assert_int_equal(make(), 0);
    assert_int_equal(put("port", "1", true), 0);
    assert_int_equal(put("port", "2", true), 0);
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("port"), "2");
}

static void what_is_put_must_fit_too(void **state)
{
    assert_int_equal(make(), 0);
    assert_int_equal(put("port", "0", true), -EINVAL);
    assert_string_equal(why.text, "env 'port' of application 'web' must be an integer "
                                  "from 1 to 65535, not 0");
    assert_int_equal(put("prot", "80", true), -ENOENT);
    assert_string_equal(value_of("port"), "8080");
}

/* What env_compare() writes, as JSON. */
static char *compared(const struct env *from)
{
    moult_out outs[3];
    json_t *all = json_array();
    char *text;

    for (int i = 0; i < 3; i++)
        out_init(&outs[i], NULL, 0);
    json_array_append_new(
        all, json_boolean(env_compare(from, env, &outs[0], &outs[1], &outs[2])));
    for (int i = 0; i < 3; i++) {
        moult_in in = out_read(&outs[i]);

        json_array_append_new(all, json_from_cbor(&in, NULL));
        out_release(&outs[i]);
    }
    text = json_text(all, JSON_COMPACT);
    json_decref(all);
    return text;
}

static void config_change_is_told_what_changed_is_new_and_gone(void **state)
{
    struct env *former, *made;
    char *text;

    assert_int_equal(make(), 0);
    free(specs[2].value);
    declare(2, "more", MOULT_ENV_INT, "3");
    give(ENV_FILE, "port", "80");
    assert_int_equal(env_make("web", &resource, &made, NULL), 0);
    former = env_swap(&env, made);
    text = compared(former);
    assert_string_equal(text, "[true,{\"port\":80},{\"more\":3},[\"extra\"]]");
    free(text);
    text = compared(env);
    assert_string_equal(text, "[false,{},{},[]]");
    free(text);
    env_destroy(former);
}

static void draft(const char *key, const char *value)
{
    json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);

    assert_int_equal(env_draft("web", key, json, "moult.conf:8: 'web'", NULL), 0);
    json_decref(json);
}

static void make_anew(void)
{
    struct env *made;

    assert_int_equal(env_make_next(&env, "web", &resource, true, &made, &why), 0);
    env_destroy(env_swap(&env, made));
}

static void what_the_file_says_anew_counts_when_it_is_adopted(void **state)
{
    give(ENV_FILE, "port", "80");
    give(ENV_FILE, "extra", "2");
    give(ENV_COMMAND_LINE, "title", "\"loud\"");
    draft("port", "81");
    draft("title", "\"filed\"");
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("port"), "80");
    make_anew();
    assert_string_equal(value_of("port"), "81");
    assert_string_equal(value_of("extra"), "[1]");
    assert_string_equal(value_of("title"), "\"loud\"");
    env_drop_drafts();
    make_anew(); /* an empty file */
    assert_string_equal(value_of("port"), "8080");
    draft("port", "82");
    env_adopt_drafts();
    assert_int_equal(make(), 0);
    assert_string_equal(value_of("port"), "82");
    assert_string_equal(value_of("extra"), "[1]");
}

/* What is to take the place of `env`; its port may be 1000 at most. */
static struct env *make_next(void)
{
    struct env *next;

    assert_int_equal(make(), 0);
    specs[0].most = 1000;
    free(specs[0].value);
    declare(0, "port", MOULT_ENV_INT, "80");
    specs[0].most = 1000;
    resource.env_count = 3;
    assert_int_equal(env_make_next(&env, "web", &resource, false, &next, &why), 0);
    return next;
}

static void what_is_put_meanwhile_and_persists_is_of_what_comes(void **state)
{
    struct env *next = make_next();

    assert_int_equal(put("port", "90", true), 0);
    assert_int_equal(put("title", "\"ours\"", false), 0);
    assert_string_equal(value_of("port"), "90");
    assert_int_equal(env_settle(next, &why), 0);
    assert_int_equal(put("extra", "7", true), 0);
    env_destroy(env_swap(&env, next));
    assert_string_equal(value_of("port"), "90");
    assert_string_equal(value_of("title"), "-");
    assert_string_equal(value_of("extra"), "7");
}

static void what_it_can_t_have_is_told_when_it_settles(void **state)
{
    struct env *next = make_next();

    assert_int_equal(put("port", "5000", true), 0);
    assert_string_equal(value_of("port"), "5000");
    assert_int_equal(env_settle(next, &why), -EINVAL);
    assert_non_null(strstr(why.text, "1000, not 5000"));
    assert_int_equal(put("port", "500", true), 0); /* now it can */
    assert_int_equal(env_settle(next, NULL), 0);
    why = (struct fault){0};
    assert_int_equal(put("port", "5000", true), -EINVAL);
    assert_string_equal(value_of("port"), "500");
    env_drop(&env, next);
    assert_int_equal(put("port", "5000", true), 0);
    assert_string_equal(value_of("port"), "5000");
}

static void a_key_must_be_one(void **state)
{
    static const struct {
        struct env_spec spec;
        const char *words;
    } bad[] = {
        {{.key = (char *)"Port"}, "'Port' of its env is no key"},
        {{.key = (char *)""}, "'' of its env is no key"},
        {{.key = (char *)"p", .type = 7}, "env 'p' has type 7"},
        {{.key = (char *)"p", .type = 1, .least = 2, .most = 1}, "has least 2, more"},
        {{.key = (char *)"p", .type = 3, .most = 1}, "of a type that has no size"},
        {{.key = (char *)"p", .type = 1, .value = (char *)"\xf6", .len = 1},
         "the default of env 'p' must be an integer, not null"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct fault said = {0};

        assert_int_equal(env_check_spec(&bad[i].spec, &said), -EINVAL);
        assert_non_null(strstr(said.text, bad[i].words));
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_default_is_what_nobody_says_more_of),
        TEST(the_command_line_goes_before_variables_and_those_before_the_file),
        TEST(a_word_is_read_by_the_type_of_the_key),
        TEST(what_is_said_must_fit_the_type_and_the_range),
        TEST(each_type_takes_its_own),
        TEST(what_is_said_of_no_key_is_refused),
        TEST(a_required_key_must_have_a_value),
        TEST(words_that_name_no_key_are_refused),
        TEST(what_is_put_lasts_until_it_is_made_anew),
        TEST(what_is_put_to_stay_outlives_that),
        TEST(what_is_put_must_fit_too),
        TEST(config_change_is_told_what_changed_is_new_and_gone),
        TEST(what_the_file_says_anew_counts_when_it_is_adopted),
        TEST(what_is_put_meanwhile_and_persists_is_of_what_comes),
        TEST(what_it_can_t_have_is_told_when_it_settles),
        TEST(a_key_must_be_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
