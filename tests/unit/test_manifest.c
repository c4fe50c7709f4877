/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <unistd.h>

#include "folder.h"
#include "manifest.h"
#include "moult.h"

static struct manifest manifest;
static struct fault why;

static int read_manifest(const char *path)
{
    why = (struct fault){0};
    return manifest_read(path, &manifest, &why);
}

/* The plugin `name` is refused with `error`, and each of the words in the text. */
static void assert_refused(const char *path, int error, const char *word,
                           const char *other)
{
    int err = read_manifest(path);

    if (err != error || !strstr(why.text, word) || !strstr(why.text, other))
        fail_msg("%s: %d, \"%s\"", path, err, why.text);
}

static void a_good_plugin_names_itself(void **state)
{
    assert_int_equal(read_manifest(plugin("good_1_1_0")), 0);
    assert_string_equal(manifest.name, "good");
    assert_string_equal(manifest.vsn, "1.1.0");
    assert_int_equal(manifest.abi_major, 1);
    assert_int_equal(strlen(manifest.hash), 32);
    assert_true(strlen(manifest.build_id) >= 32);
    for (int i = 0; i < LINT_COUNT; i++)
        assert_string_equal(manifest.lints[i], "");
}

static void the_hash_is_of_the_content_alone(void **state)
{
    char hash[FILEHASH_TEXT];

    assert_int_equal(read_manifest(plugin("good_1_0_0")), 0);
    memcpy(hash, manifest.hash, sizeof(hash));
    copy_file(plugin("good_1_0_0"), in_folder("other.so"));
    assert_int_equal(read_manifest(in_folder("other.so")), 0);
    assert_string_equal(manifest.hash, hash);
    assert_int_equal(read_manifest(plugin("good_1_1_0")), 0);
    assert_string_not_equal(manifest.hash, hash);
}

static void a_file_cut_at_any_byte_is_refused(void **state)
{
    size_t len;
    char *bytes = read_whole(plugin("good_1_1_0"), &len);

    for (size_t cut = 0; cut < len; cut++) {
        /* Exactly as large, so that a sanitizer sees what is read behind it. */
        char *part = malloc(cut ? cut : 1);
        int err;

        memcpy(part, bytes, cut);
        why = (struct fault){0};
        err = manifest_of(part, cut, "cut.so", &manifest, &why);
        free(part);
        if (err != -ENODATA)
            fail_msg("cut at %zu of %zu: %d, %s", cut, len, err, why.text);
    }
    free(bytes);
}

/* Whatever is said, nothing may be read from outside: for the sanitizers. */
static void a_file_with_any_byte_changed_does_no_harm(void **state)
{
    size_t len;
    char *bytes = read_whole(plugin("good_1_0_0"), &len);

    for (size_t at = 0; at < len; at++) {
        char was = bytes[at];

        bytes[at] = (char)~was;
        why = (struct fault){0};
        if (manifest_of(bytes, len, "changed.so", &manifest, &why) != 0)
            assert_true(why.text[0]);
        bytes[at] = was;
    }
    free(bytes);
}

static void a_cut_file_on_disk_is_refused(void **state)
{
    copy_file(plugin("good_1_0_0"), in_folder("cut.so"));
    assert_int_equal(truncate(in_folder("cut.so"), 4000), 0);
    assert_refused(in_folder("cut.so"), -ENODATA, "'cut.so' is not whole",
                   "4000 bytes");
}

static void an_empty_file_is_not_whole(void **state)
{
    write_file(in_folder("empty.so"), "", 0);
    assert_refused(in_folder("empty.so"), -ENODATA, "'empty.so'", "empty");
}

static void text_is_no_plugin(void **state)
{
    write_file(in_folder("text.so"), "just text\n", 10);
    assert_refused(in_folder("text.so"), -ENOEXEC, "'text.so'", "not a shared object");
}

static void a_folder_or_a_fifo_is_no_plugin(void **state)
{
    assert_int_equal(mkdir(in_folder("dir.so"), 0700), 0);
    assert_int_equal(mkfifo(in_folder("fifo.so"), 0600), 0);
    assert_refused(in_folder("dir.so"), -EINVAL, "dir.so", "not a regular file");
    assert_refused(in_folder("fifo.so"), -EINVAL, "fifo.so", "not a regular file");
}

static void a_missing_file_is_an_error(void **state)
{
    assert_refused(in_folder("none.so"), -ENOENT, "none.so", "No such file");
}

static void a_program_is_no_plugin(void **state)
{
    assert_int_equal(read_manifest("/proc/self/exe"), -ENOEXEC);
}

static void patch_header(const char *path, size_t at, unsigned char value)
{
    size_t len;
    char *bytes = read_whole(plugin("good_1_0_0"), &len);

    bytes[at] = (char)value;
    write_file(path, bytes, len);
    free(bytes);
}

static void another_machine_is_refused_by_name(void **state)
{
    patch_header(in_folder("risc.so"), offsetof(Elf64_Ehdr, e_machine), EM_RISCV);
    assert_refused(in_folder("risc.so"), -ELIBBAD, "'risc.so' is for RISC-V",
                   "build it");
    patch_header(in_folder("small.so"), EI_CLASS, ELFCLASS32);
    assert_refused(in_folder("small.so"), -ELIBBAD, "'small.so'", "32-bit");
    patch_header(in_folder("big.so"), EI_DATA, ELFDATA2MSB);
    assert_refused(in_folder("big.so"), -ELIBBAD, "'big.so'", "big-endian");
}

static void a_library_that_is_no_plugin_is_refused(void **state)
{
    assert_refused(plugin("not_a_plugin"), -ENOEXEC, "not a moult plugin",
                   "MOULT_PLUGIN");
}

static void a_plugin_must_export_its_descriptor(void **state)
{
    assert_refused(plugin("no_symbol"), -ENOEXEC, "exports no moult_plugin",
                   "MOULT_PLUGIN");
    assert_string_equal(manifest.name, "no_symbol");
    assert_string_equal(why.app, "no_symbol");
}

/* `before`, the ABI of this host, and `after`. */
static const char *with_abi(const char *before, const char *after)
{
    static char text[80];

    snprintf(text, sizeof(text), "%s%u.%u%s", before, MOULT_ABI_MAJOR, MOULT_ABI_MINOR,
             after);
    return text;
}

static void another_abi_is_refused_and_both_are_named(void **state)
{
    assert_refused(plugin("wrong_abi"), -ELIBBAD,
                   with_abi("ABI 2.0, this host has ", ""), "build it");
    assert_refused(plugin("newer_abi"), -ELIBBAD,
                   with_abi("ABI 1.99, this host has ", ""), "run a newer host");
}

static void what_moult_does_not_have_is_refused_by_name(void **state)
{
    assert_refused(plugin("misspelt_symbol"), -ELIBBAD, "'moult_replay'",
                   with_abi("which this host (ABI ", ") does not have"));
}

static void what_is_private_to_the_host_is_refused_by_name(void **state)
{
    assert_refused(plugin("private_symbol"), -ENOEXEC, "'fault'", "private");
}

static void what_others_lack_is_left_to_the_loader(void **state)
{
    assert_int_equal(read_manifest(plugin("undefined_symbol")), 0);
}

static void untidy_plugins_pass_with_lints(void **state)
{
    static const char *const words[LINT_COUNT] = {
        [LINT_UNIQUE] = "'untidy_unique'",      [LINT_STATIC_TLS] = "initial-exec",
        [LINT_EXEC_STACK] = "executable stack", [LINT_CLUTTER] = "'untidy_clutter'",
        [LINT_BUILD_ID] = "no build id",        [LINT_NODELETE] = "NODELETE"};

    assert_int_equal(read_manifest(plugin("untidy")), 0);
    for (int i = 0; i < LINT_COUNT; i++)
        if (!strstr(manifest.lints[i], words[i]))
            fail_msg("lint %d is \"%s\"", i, manifest.lints[i]);
}

static void the_hash_is_known_of_what_is_refused(void **state)
{
    assert_int_equal(read_manifest(plugin("wrong_abi")), -ELIBBAD);
    assert_int_equal(strlen(manifest.hash), 32);
    assert_string_equal(manifest.vsn, "1.0.0");
}

static void a_file_beyond_the_limit_is_refused(void **state)
{
    write_file(in_folder("large.so"), "", 0);
    assert_int_equal(truncate(in_folder("large.so"), (256 << 20) + 1), 0);
    assert_refused(in_folder("large.so"), -EFBIG, "268435457 bytes",
                   "a plugin may have 268435456");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_plugin_names_itself),
        TEST(the_hash_is_of_the_content_alone),
        TEST(a_file_cut_at_any_byte_is_refused),
        TEST(a_file_with_any_byte_changed_does_no_harm),
        TEST(a_cut_file_on_disk_is_refused),
        TEST(an_empty_file_is_not_whole),
        TEST(text_is_no_plugin),
        TEST(a_folder_or_a_fifo_is_no_plugin),
        TEST(a_file_beyond_the_limit_is_refused),
        TEST(a_missing_file_is_an_error),
        TEST(a_program_is_no_plugin),
        TEST(another_machine_is_refused_by_name),
        TEST(a_library_that_is_no_plugin_is_refused),
        TEST(a_plugin_must_export_its_descriptor),
        TEST(another_abi_is_refused_and_both_are_named),
        TEST(what_moult_does_not_have_is_refused_by_name),
        TEST(what_is_private_to_the_host_is_refused_by_name),
        TEST(what_others_lack_is_left_to_the_loader),
        TEST(untidy_plugins_pass_with_lints),
        TEST(the_hash_is_known_of_what_is_refused),
    };

    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
