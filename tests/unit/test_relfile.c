/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "relfile.h"

static int read_text(const char *text, json_t **out, struct fault *why)
{
    write_file(in_folder("shop.rel"), text, strlen(text));
    return relfile_read(in_folder("shop.rel"), out, why);
}

static void it_says_which_versions_a_release_has_and_in_which_order(void **state)
{
    json_t *spec = NULL, *apps, *vsn;
    const char *app;
    char order[64] = "";

    assert_int_equal(
        read_text("# ours\nrelease = \"shop\";\nvsn = \"1.2.0\";\n"
                  "applications = { zoo = \"1\"; counter = \"2.0.0\"; };\n",
                  &spec, NULL),
        0);
    assert_string_equal(json_string_value(json_object_get(spec, "name")), "shop");
    assert_string_equal(json_string_value(json_object_get(spec, "vsn")), "1.2.0");
    apps = json_object_get(spec, "applications");
    json_object_foreach(apps, app, vsn)
    {
        strcat(order, app);
        strcat(order, json_string_value(vsn));
    }
    assert_string_equal(order, "zoo1counter2.0.0");
    json_decref(spec);
}

static void what_is_wrong_in_it_is_told_with_its_line(void **state)
{
    static const char *const wrong[][2] = {
        {"release = \"shop\";\nvsn = 1;", ":2:"},
        {"release = \"local\";", ":1:"},
        {"release = \"Shop\";", ":1:"},
        {"release = \"../shop\";", ":1:"},
        {"\n\nversion = \"1\";", ":3:"},
        {"applications = { };", ":1:"},
        {"applications = [ \"counter\" ];", ":1:"},
        {"applications = {\n counter = 2; };", ":2:"},
        {"applications = { Counter = \"1\"; };", ":1:"},
        {"vsn = \"1234567890123456789012345678901234567890123456789\";", "48"},
        {"release = \"shop\"; vsn = \"1\";", "whole"},
        {"release = ", ":1:"},
        {"", "whole"},
        {"\x7f"
         "ELF",
         ":1:"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct fault why = {0};
        json_t *spec = NULL;

        assert_int_equal(read_text(wrong[i][0], &spec, &why), -EINVAL);
        assert_null(spec);
        if (!strstr(why.text, wrong[i][1]))
            fail_msg("'%s' does not have '%s'", why.text, wrong[i][1]);
    }
}

static void what_is_no_file_is_refused(void **state)
{
    struct fault why = {0};
    json_t *spec;

    assert_int_equal(relfile_read(folder, &spec, NULL), -EINVAL);
    assert_int_equal(relfile_read(in_folder("none.rel"), &spec, &why), -ENOENT);
    assert_non_null(strstr(why.text, "none.rel"));
}

static void one_beyond_the_limit_is_refused(void **state)
{
    struct fault why = {0};
    json_t *spec;

    write_file(in_folder("shop.rel"), "", 0);
    assert_int_equal(truncate(in_folder("shop.rel"), (256 << 10) + 1), 0);
    assert_int_equal(relfile_read(in_folder("shop.rel"), &spec, &why), -EFBIG);
    assert_non_null(strstr(why.text, "more than 262144 bytes"));
}

#define RELFILE_TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELFILE_TEST(it_says_which_versions_a_release_has_and_in_which_order),
        RELFILE_TEST(what_is_wrong_in_it_is_told_with_its_line),
        RELFILE_TEST(what_is_no_file_is_refused),
        RELFILE_TEST(one_beyond_the_limit_is_refused),
    };

    return cmocka_run_group_tests_name("relfile", tests, NULL, NULL);
}
