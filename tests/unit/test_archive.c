/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "folder.h"

static void sh(const char *command)
{
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): tar is not ours */
}

static void put(const char *name, const char *text)
{
    write_file(in_folder(name), text, strlen(text));
}

/* A package of two files, as a.pack. */
static void pack_two(void)
{
    char *paths[2] = {strdup(in_folder("one")), strdup(in_folder("two"))};
    const char *const given[] = {paths[0], paths[1]};
    const char *const names[] = {"shop-1.0.rel", "counter-2.0.0.so"};

    put("one", "release");
    put("two", "a plugin that is longer than nothing");
    assert_int_equal(archive_write(in_folder("a.pack"), given, names, 2, NULL), 0);
    free(paths[0]);
    free(paths[1]);
}

/* What comes of reading all of it: 0 at its end, or the error. */
static int read_all(const char *name, struct fault *why)
{
    struct archive_member member;
    struct archive *p = NULL;
    int more;

    assert_int_equal(archive_open(in_folder(name), &p, why), 0);
    while ((more = archive_next(p, &member, why)) > 0)
        ;
    archive_close(p);
    return more;
}

static void what_was_packed_comes_out_as_it_was(void **state)
{
    struct archive_member member;
    struct archive *p = NULL;
    size_t len;
    char *text;

    pack_two();
    assert_int_equal(archive_open(in_folder("a.pack"), &p, NULL), 0);
    assert_int_equal(archive_next(p, &member, NULL), 1);
    assert_string_equal(member.name, "shop-1.0.rel");
    assert_int_equal(archive_next(p, &member, NULL), 1); /* the first is passed over */
    assert_string_equal(member.name, "counter-2.0.0.so");
    assert_int_equal(archive_extract(p, in_folder("out"), NULL), 0);
    assert_int_equal(archive_next(p, &member, NULL), 0);
    archive_close(p);
    text = read_whole(in_folder("out"), &len);
    assert_int_equal(len, member.size);
    assert_memory_equal(text, "a plugin that is longer than nothing", len);
    free(text);
}

static void tar_reads_it(void **state)
{
    char command[600];

    pack_two();
    snprintf(command, sizeof(command),
             "cd '%s' && tar tf a.pack >list && "
             "tar xf a.pack && cmp two counter-2.0.0.so",
             folder);
    sh(command);
}

static void what_tar_writes_is_read(void **state)
{
    char command[600];

    pack_two();
    snprintf(command, sizeof(command),
             "cd '%s' && tar --format=ustar -cf b.pack one two", folder);
    sh(command);
    assert_int_equal(read_all("b.pack", NULL), 0);
}

static void one_that_is_cut_anywhere_is_refused(void **state)
{
    size_t len;
    char *whole;

    pack_two();
    whole = read_whole(in_folder("a.pack"), &len);
    for (size_t cut = 0; cut < len - 512;
         cut += 61) { /* the last block may be missing */
        struct fault why = {0};

        write_file(in_folder("cut.pack"), whole, cut);
        assert_int_equal(read_all("cut.pack", &why), -EINVAL);
        assert_true(strlen(why.text) > 5);
    }
    free(whole);
}

static void one_that_is_spoilt_anywhere_in_a_header_is_refused(void **state)
{
    size_t len;
    char *whole;

    pack_two();
    whole = read_whole(in_folder("a.pack"), &len);
    for (size_t i = 0; i < 512; i++) {
        if (i == 155) /* the one byte that means nothing */
            continue;
        whole[i] ^= 1;
        write_file(in_folder("bad.pack"), whole, len);
        assert_true(read_all("bad.pack", NULL) < 0);
        whole[i] ^= 1;
    }
    free(whole);
}

/* Links, folders and paths that lead out of it. */
static void anything_but_plain_files_is_refused(void **state)
{
    static const char *const makes[] = {
        "ln -s /etc/passwd link && tar --format=ustar -cf x.pack link",
        "mkdir d && tar --format=ustar -cf x.pack d",
        "mkdir -p e && touch e/f && tar --format=ustar -cf x.pack e/f",
        "touch g && tar --format=ustar -P --transform=s,g,../g, -cf x.pack g",
        "mkfifo pipe && tar --format=ustar -cf x.pack pipe",
        "touch .h && tar --format=ustar -cf x.pack .h",
    };
    char command[600];

    for (size_t i = 0; i < sizeof(makes) / sizeof(*makes); i++) {
        struct fault why = {0};

        snprintf(command, sizeof(command), "cd '%s' && %s", folder, makes[i]);
        sh(command);
        assert_int_equal(read_all("x.pack", &why), -EINVAL);
        assert_non_null(strstr(why.text, "no plain file"));
    }
}

static void files_beyond_the_limit_are_refused(void **state)
{
    struct fault why = {0};
    char command[600];

    snprintf(command, sizeof(command),
             "cd '%s' && mkdir m && cd m && touch $(seq 1001) && "
             "tar --format=ustar -cf ../m.pack *",
             folder);
    sh(command);
    assert_int_equal(read_all("m.pack", &why), -EFBIG);
    assert_non_null(strstr(why.text, "holds more than 1000 files"));
}

/* Its header says so: the file itself need not be there. */
static void a_file_beyond_the_limit_is_refused(void **state)
{
    struct fault why = {0};
    unsigned sum = 0;
    size_t len;
    char *whole;

    pack_two();
    whole = read_whole(in_folder("a.pack"), &len);
    memcpy(whole + 124, "02000000001", 12); /* octal: 256 MiB and one */
    memset(whole + 148, ' ', 8);            /* the sum is taken so */
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)whole[i];
    snprintf(whole + 148, 8, "%06o", sum);
    write_file(in_folder("a.pack"), whole, len);
    free(whole);
    assert_int_equal(read_all("a.pack", &why), -EFBIG);
    assert_non_null(strstr(why.text, "'shop-1.0.rel' of more than 268435456 bytes"));
}

#define ARCHIVE_TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARCHIVE_TEST(what_was_packed_comes_out_as_it_was),
        ARCHIVE_TEST(tar_reads_it),
        ARCHIVE_TEST(what_tar_writes_is_read),
        ARCHIVE_TEST(one_that_is_cut_anywhere_is_refused),
        ARCHIVE_TEST(one_that_is_spoilt_anywhere_in_a_header_is_refused),
        ARCHIVE_TEST(anything_but_plain_files_is_refused),
        ARCHIVE_TEST(files_beyond_the_limit_are_refused),
        ARCHIVE_TEST(a_file_beyond_the_limit_is_refused),
    };

    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
