/* SPDX-License-Identifier: Apache-2.0 */
#include "beside.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

const char *beside_end(enum beside_kind kind)
{
    static const char *const ends[] = {".app", ".appup"};

    return ends[kind];
}

char *beside_path(enum beside_kind kind, const char *plugin)
{
    size_t len = strlen(plugin);
    char *path;

    if (len > 3 && strcmp(plugin + len - 3, ".so") == 0)
        len -= 3;
    return asprintf(&path, "%.*s%s", (int)len, plugin, beside_end(kind)) < 0 ? NULL
                                                                             : path;
}

static char *named_path(enum beside_kind kind, const char *plugin, const char *name)
{
    const char *slash = strrchr(plugin, '/');
    char *path;

    return asprintf(&path, "%.*s%s%s", slash ? (int)(slash - plugin + 1) : 0, plugin,
                    name, beside_end(kind)) < 0
               ? NULL
               : path;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void beside_label(enum beside_kind kind, const char *path, const char *name,
                  char label[BESIDE_LABEL])
{
    const char *base = base_name(path);

    if (base[0] >= '0' && base[0] <= '9')
        snprintf(label, BESIDE_LABEL, "%s%s", name, beside_end(kind));
    else
        snprintf(label, BESIDE_LABEL, "%s", base);
}

void beside_origin(const char *label, const config_setting_t *s,
                   char text[BESIDE_ORIGIN])
{
    const config_setting_t *parent = config_setting_parent(s);
    const char *above = parent ? config_setting_name(parent) : NULL;
    const char *name = config_setting_name(s);

    if (!name) /* one of a list */
        snprintf(text, BESIDE_ORIGIN, "%s:%u", label, config_setting_source_line(s));
    else
        snprintf(text, BESIDE_ORIGIN, "%s:%u: '%s%s%s'", label,
                 config_setting_source_line(s), above ? above : "", above ? "." : "",
                 name);
}

/* Does it say of itself that it is another version's? */
static bool is_of_another(const struct beside *b, const char *vsn)
{
    config_t config;
    const char *said = NULL;
    bool other;

    config_init(&config);
    other = config_read_string(&config, b->text) &&
            config_lookup_string(&config, "vsn", &said) && strcmp(said, vsn) != 0;
    config_destroy(&config);
    return other;
}

static int read_it(enum beside_kind kind, struct beside *b, const char *name,
                   struct fault *why)
{
    char label[BESIDE_LABEL];

    if (!b->path)
        return fault(why, -ENOMEM, "no memory to load a plugin");
    if (access(b->path, F_OK) < 0)
        return -ENOENT;
    beside_label(kind, b->path, name, label);
    b->text = settings_text(b->path, label, why);
    return b->text ? 0 : why ? why->error : -EIO;
}

/* NOLINTNEXTLINE(readability-function-size): what it is and what it is of */
int beside_find(enum beside_kind kind, const char *path, const char *name,
                const char *vsn, struct beside *out, struct fault *why)
{
    struct fault said = {0};
    int err;

    *out = (struct beside){.path = beside_path(kind, path)};
    err = read_it(kind, out, name, &said);
    if (err == -ENOENT) {
        beside_release(out);
        out->path = named_path(kind, path, name);
        err = read_it(kind, out, name, &said);
        if (!err && is_of_another(out, vsn))
            err = -ENOENT;
    }
    if (err)
        beside_release(out);
    return err && err != -ENOENT ? fault(why, err, "%s", said.text) : 0;
}

void beside_release(struct beside *b)
{
    free(b->path);
    free(b->text);
    *b = (struct beside){0};
}
