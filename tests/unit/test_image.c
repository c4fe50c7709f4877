/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

#include "folder.h"
#include "image.h"

static struct fault why;

static int open_path(const char *path, struct image **out)
{
    struct manifest m;

    why = (struct fault){0};
    assert_int_equal(manifest_read(path, &m, NULL), 0);
    return image_open(path, &m, NULL, out, &why);
}

static struct image *open_good(const char *name)
{
    struct image *image = NULL;

    assert_int_equal(open_path(plugin(name), &image), 0);
    return image;
}

static bool is_mapped(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);

    if (handle)
        dlclose(handle);
    return handle;
}

static void assert_refused(const char *name, int error, const char *word,
                           const char *other)
{
    struct image *image = NULL;
    int err = open_path(plugin(name), &image);

    if (err != error || !strstr(why.text, word) || !strstr(why.text, other))
        fail_msg("%s: %d, \"%s\"", name, err, why.text);
    assert_null(image);
    assert_false(is_mapped(plugin(name)));
}

static void an_image_is_what_the_plugin_says(void **state)
{
    static const char args[] = "\xa1\x65limit\x05";
    struct image *image = open_good("good_1_1_0");
    const struct code *code = image_find_code(image, "spare");

    assert_string_equal(image->name, "good");
    assert_string_equal(image->vsn, "1.1.0");
    assert_int_equal(image->descriptor.count, 2);
    assert_int_equal(image->descriptor.plugin.intensity, 3);
    assert_string_equal(image->descriptor.plugin.description, "without sin");
    assert_int_equal(code->child->count, 3);
    assert_int_equal(code->child->restart, MOULT_TRANSIENT);
    assert_string_equal(code->app, "good");
    assert_ptr_equal(code->image, image);
    assert_ptr_equal(code->child->server, &code->server);
    assert_int_equal(code->args_len, 1);
    code = image_find_code(image, "tally");
    assert_int_equal(code->args_len, sizeof(args) - 1);
    assert_memory_equal(code->args, args, sizeof(args) - 1);
    assert_null(image_find_code(image, "nobody"));
    assert_int_equal(image->descriptor.count, 2);
    assert_int_equal(image_close(image), 0);
}

static void two_versions_live_side_by_side(void **state)
{
    struct image *old = open_good("good_1_0_0"), *new = open_good("good_1_1_0");
    const struct code *a = image_find_code(old, "tally"),
                      *b = image_find_code(new, "tally");

    assert_ptr_not_equal(a->server.handle_call, b->server.handle_call);
    assert_int_not_equal(a->layout, b->layout);
    assert_int_equal(image_close(old), 0);
    assert_true(is_mapped(plugin("good_1_1_0")));
    assert_int_equal(image_close(new), 0);
}

static void an_image_that_is_used_is_not_closed(void **state)
{
    struct image *image = open_good("good_1_0_0");

    image_get(image);
    assert_int_equal(*image->descriptor.codes[0].uses, 1);
    assert_int_equal(image_close(image), -EBUSY);
    image_put(image);
    assert_int_equal(image_uses(image), 0);
    assert_int_equal(image_close(image), 0);
}

static void a_closed_image_is_gone(void **state)
{
    struct image *image = open_good("good_1_0_0");
    json_t *list = image_list_json();

    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    assert_int_equal(image_close(image), 0);
    assert_false(is_mapped(plugin("good_1_0_0")));
    assert_false(image_lingers(plugin("good_1_0_0")));
    list = image_list_json();
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

static void one_path_is_not_loaded_twice(void **state)
{
    struct image *image = open_good("good_1_0_0"), *second = NULL;

    assert_int_equal(open_path(plugin("good_1_0_0"), &second), -EEXIST);
    assert_int_equal(image_close(image), 0);
    image = open_good("good_1_0_0");
    assert_int_equal(image_close(image), 0);
}

static void a_descriptor_that_is_wrong_is_refused(void **state)
{
    assert_refused("duplicate_ids", -EINVAL, "two children", "'twin'");
    assert_refused("bad_args", -EINVAL, "args of child 'a'", "not JSON");
    assert_refused("saves_only", -EINVAL, "server 'half'", "no load");
    assert_refused("bad_schema", -EINVAL, "count", "bad_schema.c");
    assert_string_equal(why.server, "bad");
}

static void a_symbol_that_nobody_has_is_named(void **state)
{
    assert_refused("undefined_symbol", -ENOEXEC, "undefined symbol",
                   "a_function_that_nobody_has");
    assert_null(strstr(why.text, plugin("undefined_symbol")));
}

static char steps[8][64];
static size_t step_count;

static void step(const char *function, const char *server)
{
    if (step_count < 8)
        snprintf(steps[step_count++], sizeof(steps[0]), "%s %s", function,
                 server ? server : "");
}

static void it_is_told_before_code_of_the_plugin_runs(void **state)
{
    struct image *image = NULL;
    struct manifest m;

    step_count = 0;
    assert_int_equal(manifest_read(plugin("good_1_0_0"), &m, NULL), 0);
    assert_int_equal(image_open(plugin("good_1_0_0"), &m, step, &image, NULL), 0);
    assert_int_equal(step_count, 4);
    assert_string_equal(steps[0], "its constructor ");
    assert_string_equal(steps[2], "state() tally");
    assert_int_equal(image_close(image), 0);
}

/* The last, since it stays. */
static void an_image_that_does_not_go_is_listed_with_the_reason(void **state)
{
    struct image *image = open_good("never_unloads"), *again = NULL;
    json_t *list, *entry;

    assert_int_equal(image_close(image), 0);
    assert_true(image_lingers(plugin("never_unloads")));
    list = image_list_json();
    assert_int_equal(json_array_size(list), 1);
    entry = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(entry, "name")),
                        "never_unloads");
    assert_non_null(
        strstr(json_string_value(json_object_get(entry, "lingers")), "NODELETE"));
    json_decref(list);
    assert_int_equal(open_path(plugin("never_unloads"), &again), -EEXIST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_what_the_plugin_says),
        cmocka_unit_test(two_versions_live_side_by_side),
        cmocka_unit_test(an_image_that_is_used_is_not_closed),
        cmocka_unit_test(a_closed_image_is_gone),
        cmocka_unit_test(one_path_is_not_loaded_twice),
        cmocka_unit_test(a_descriptor_that_is_wrong_is_refused),
        cmocka_unit_test(a_symbol_that_nobody_has_is_named),
        cmocka_unit_test(it_is_told_before_code_of_the_plugin_runs),
        cmocka_unit_test(an_image_that_does_not_go_is_listed_with_the_reason),
    };

    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
