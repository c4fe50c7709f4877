/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "release_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void start_both(struct host *h, const char *permanent)
{
    drop("samples/counter-1.0.0");
    drop("tests/misbehaving/good_1_0_0");
    host_start(h, "--on-drop", "stage", "--permanent", permanent, NULL);
    host_ask(h, "unpack",
             json_pack("{s:[s, s, s]}", "files", built("samples/counter-2.0.0"),
                       PLUGINS "/good_1_1_0.so", PLUGINS "/crashes_in_live_change.so"));
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
}

void both_run(struct host *h, const char *counter, const char *good)
{
    assert_string_equal(host_vsn(h, "counter"), counter);
    assert_string_equal(host_vsn(h, "good"), good);
}

json_t *release(const char *name)
{
    return json_pack("{s:s}", "release", name);
}

void release_is(struct host *h, const char *name, const char *status)
{
    const char *has = host_release_status(h, name);

    if (!has || strcmp(has, status) != 0)
        fail_msg("release %s is %s, not %s", name, has ? has : "nowhere", status);
}

bool is_stored(const char *end)
{
    DIR *dir = opendir(in_folder("data/store"));
    struct dirent *entry;
    bool found = false;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        found |= strstr(entry->d_name, end) != NULL;
    closedir(dir);
    return found;
}

void write_release(const char *name, const char *vsn, const char *applications)
{
    char path[64], text[300];

    snprintf(path, sizeof(path), "%s.rel", name);
    snprintf(text, sizeof(text),
             "release = \"shop\";\nvsn = \"%s\";\napplications = { %s };\n", vsn,
             applications);
    write_file(in_folder(path), text, strlen(text));
}

void drop_release(const char *name)
{
    char from[64], to[64], *path;

    snprintf(from, sizeof(from), "%s", name);
    snprintf(to, sizeof(to), "plugins/%s", name);
    path = strdup(in_folder(from));
    copy_file(path, in_folder(to));
    free(path);
}
