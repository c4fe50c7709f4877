/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder - a temporary folder for a test, and files in it.
 *
 * Everything here fails the test if it fails.  Paths are lent until eight more are
 * made.
 */
#ifndef MOULT_FOLDER_H
#define MOULT_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

/* Of the test that runs; FOLDER_SHARED where several files make up a test. */
#ifdef FOLDER_SHARED
extern char folder[256];
#else
static char folder[256];
#endif

/* For cmocka's setup. */
static inline int folder_make(void **state)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/moult-test-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove_entry(const char *path, const struct stat *st, int type,
                                      struct FTW *at)
{
    return remove(path);
}

/* For cmocka's teardown. */
static inline int folder_remove(void **state)
{
    return nftw(folder, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in the folder. */
static inline const char *in_folder(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/* The path of the plugin `name`, of tests/misbehaving. */
static inline const char *plugin(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s.so", PLUGINS, name);
    return path;
}

static inline void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* The content of a file, for free(). */
static inline char *read_whole(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    char *bytes;
    long size;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    assert_true(size >= 0);
    rewind(f);
    bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    *len = fread(bytes, 1, (size_t)size, f);
    assert_int_equal(*len, size);
    fclose(f);
    return bytes;
}

static inline void copy_file(const char *from, const char *to)
{
    size_t len;
    char *bytes = read_whole(from, &len);

    write_file(to, bytes, len);
    free(bytes);
}

#endif
