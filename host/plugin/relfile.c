/* SPDX-License-Identifier: Apache-2.0 */
#include "relfile.h"

#include <errno.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "manifest.h"

/* "shop.rel:3: what" */
static int wrong(const config_setting_t *setting, const char *path, const char *what,
                 struct fault *why)
{
    const char *name = strrchr(path, '/');

    return fault(why, -EINVAL, "%s:%u: %s", name ? name + 1 : path,
                 config_setting_source_line(setting), what);
}

static int take_application(const config_setting_t *setting, const char *path,
                            json_t *apps, struct fault *why)
{
    const char *name = config_setting_name(setting),
               *vsn = config_setting_get_string(setting);

    if (!manifest_name_is_valid(name))
        return wrong(setting, path, "this is no application's name", why);
    if (!vsn || !version_is_valid(vsn))
        return wrong(setting, path,
                     "an application is given its vsn, as counter = \"2.0.0\";", why);
    json_object_set_new(apps, name, json_string(vsn));
    return 0;
}

static int take_applications(const config_setting_t *setting, const char *path,
                             json_t *out, struct fault *why)
{
    json_t *apps = json_object();
    int error = 0;

    json_object_set_new(out, "applications", apps);
    if (!config_setting_is_group(setting) || config_setting_length(setting) == 0)
        return wrong(setting, path,
                     "'applications' is a group, as { counter = \"2.0.0\"; }", why);
    for (int i = 0; i < config_setting_length(setting) && !error; i++)
        error = take_application(config_setting_get_elem(setting, (unsigned)i), path,
                                 apps, why);
    return error;
}

static int take(const config_setting_t *setting, const char *path, json_t *out,
                struct fault *why)
{
    const char *key = config_setting_name(setting),
               *text = config_setting_get_string(setting);

    if (strcmp(key, "applications") == 0)
        return take_applications(setting, path, out, why);
    if (strcmp(key, "release") == 0) {
        if (!text || !manifest_name_is_valid(text) || strcmp(text, "local") == 0)
            return wrong(
                setting, path,
                "'release' is its name: a-z, 0-9 and _, a letter first, and not "
                "\"local\"",
                why);
        json_object_set_new(out, "name", json_string(text));
        return 0;
    }
    if (strcmp(key, "vsn") != 0)
        return wrong(setting, path,
                     "a release file has release, vsn and applications, and no more",
                     why);
    if (!text || !version_is_valid(text) || strlen(text) > RELFILE_VSN_MAX)
        return wrong(setting, path, "'vsn' is a version of at most 48 characters", why);
    json_object_set_new(out, "vsn", json_string(text));
    return 0;
}

static int take_all(const config_t *settings, const char *path, json_t *out,
                    struct fault *why)
{
    const config_setting_t *root = config_root_setting(settings);
    int error = 0;

    for (int i = 0; i < config_setting_length(root) && !error; i++)
        error = take(config_setting_get_elem(root, (unsigned)i), path, out, why);
    if (!error && json_object_size(out) != 3)
        return fault(why, -EINVAL,
                     "'%s' is not whole: a release file has release, vsn and "
                     "applications",
                     path);
    return error;
}

static int parse(FILE *file, const char *path, json_t **out, struct fault *why)
{
    json_t *all = json_object();
    config_t settings;
    int error;

    config_init(&settings);
    if (config_read(&settings, file))
        error = take_all(&settings, path, all, why);
    else
        error = fault(why, -EINVAL, "%s:%d: %s", path, config_error_line(&settings),
                      config_error_text(&settings));
    config_destroy(&settings);
    if (error)
        json_decref(all);
    else
        *out = all;
    return error;
}

int relfile_read(const char *path, json_t **out, struct fault *why)
{
    FILE *file = fopen(path, "re");
    struct stat st;
    int error;

    if (!file)
        return fault(why, -errno, "unable to read '%s': %s", path, strerror(errno));
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode))
        error = fault(why, -EINVAL, "'%s' is no regular file", path);
    else if ((size_t)st.st_size > RELFILE_BYTES_MAX)
        error = fault(why, -EFBIG,
                      "'%s' has more than %zu bytes, too many for a release file", path,
                      RELFILE_BYTES_MAX);
    else
        error = parse(file, path, out, why);
    fclose(file);
    return error;
}
