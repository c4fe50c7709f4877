/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "command.h"
#include "methods.h"
#include "protocol.h"
#include "rpc.h"

static void are_told(const struct method *table)
{
    for (; table->name; table++)
        if (!protocol_find(table->name))
            fail_msg("protocol_methods.c does not tell of '%s'", table->name);
}

static void every_method_is_told(void **state)
{
    are_told(host_methods);
    are_told(builtin_methods);
}

static int is_in(const struct method *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return 1;
    return 0;
}

static void nothing_is_told_that_is_not_there(void **state)
{
    const struct protocol_method *m;

    for (size_t i = 0; (m = protocol_at(i)); i++)
        if (!is_in(host_methods, m->name) && !is_in(builtin_methods, m->name))
            fail_msg("there is no method '%s'", m->name);
}

static void every_part_is_told(void **state)
{
    const struct protocol_method *m;

    for (size_t i = 0; (m = protocol_at(i)); i++) {
        assert_true(m->summary[0] && m->params[0] && m->result[0]);
        assert_true(m->errors[0] && m->command[0]);
        assert_non_null(strstr(m->example, m->name));
    }
}

/* The first two words of "moult events --follow" as a command. */
static const struct command *command_of(const struct protocol_method *m)
{
    const char *word = m->command + strlen("moult ");
    char name[32] = "";

    strncat(name, word, strcspn(word, " "));
    return command_find(name);
}

static void every_method_has_a_command_or_says_why_not(void **state)
{
    const struct protocol_method *m;

    for (size_t i = 0; (m = protocol_at(i)); i++) {
        if (strncmp(m->command, "none: ", 6) == 0)
            continue;
        assert_non_null(command_of(m));
        assert_non_null(command_of(m)->method);
    }
}

static void every_command_is_a_client_of_a_method_or_needs_no_host(void **state)
{
    const char *const local[] = {"run", "check", "pack", "help", "vet"};
    const struct command *c;

    for (size_t i = 0; (c = command_at(i)); i++) {
        int is_local = 0;

        for (size_t j = 0; j < sizeof(local) / sizeof(*local); j++)
            is_local |= strcmp(c->name, local[j]) == 0;
        assert_true(is_local || (c->method && protocol_find(c->method)));
    }
}

static void every_code_has_a_word_of_its_own(void **state)
{
    int a, b;

    for (size_t i = 0; rpc_code_at(i, &a); i++)
        for (size_t j = i + 1; rpc_code_at(j, &b); j++) {
            assert_int_not_equal(a, b);
            assert_string_not_equal(rpc_word(a), rpc_word(b));
        }
}

static void a_text_that_is_no_utf8_can_be_sent(void **state)
{
    json_t *text = rpc_text("cut within \xc3");

    assert_string_equal(json_string_value(text), "cut within ");
    json_decref(text);
    text = rpc_text("a \xff name");
    assert_string_equal(json_string_value(text), "a ? name");
    json_decref(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_is_told),
        cmocka_unit_test(nothing_is_told_that_is_not_there),
        cmocka_unit_test(every_part_is_told),
        cmocka_unit_test(every_method_has_a_command_or_says_why_not),
        cmocka_unit_test(every_command_is_a_client_of_a_method_or_needs_no_host),
        cmocka_unit_test(every_code_has_a_word_of_its_own),
        cmocka_unit_test(a_text_that_is_no_utf8_can_be_sent),
    };

    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
