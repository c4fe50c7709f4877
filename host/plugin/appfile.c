/* SPDX-License-Identifier: Apache-2.0 */
#include "appfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "appspec.h"
#include "beside.h"
#include "encoded.h"
#include "env.h"
#include "settings.h"

/* A file being merged. */
struct merging {
    const char *label; /* as people know it */
    const char *name, *vsn;
    struct resource *to;
};

static int no_memory(struct fault *why)
{
    return fault(why, -ENOMEM, "no memory to load a plugin");
}

static void origin(const struct merging *m, const config_setting_t *s,
                   char text[BESIDE_ORIGIN])
{
    beside_origin(m->label, s, text);
}

static int merge_text(struct merging *m, const config_setting_t *s, struct fault *why)
{
    const char *key = config_setting_name(s), *text = config_setting_get_string(s);
    char from[BESIDE_ORIGIN];

    origin(m, s, from);
    if (!text)
        return fault(why, -EINVAL, "%s must be a string in double quotes", from);
    if (strcmp(key, "name") == 0 && strcmp(text, m->name) != 0)
        return fault(why, -EINVAL, "%s is \"%s\", and the plugin's is \"%s\"", from,
                     text, m->name);
    if (strcmp(key, "vsn") == 0 && strcmp(text, m->vsn) != 0)
        return fault(why, -EINVAL, "%s is \"%s\", and the plugin's is \"%s\"", from,
                     text, m->vsn);
    if (strcmp(key, "description") != 0)
        return 0;
    free(m->to->description);
    m->to->description = strdup(text);
    return m->to->description ? 0 : no_memory(why);
}

static char ***list_of(struct resource *r, const char *key)
{
    const struct {
        const char *key;
        char ***list;
    } lists[] = {{"modules", &r->modules},
                 {"registered", &r->registered},
                 {"applications", &r->applications},
                 {"included_applications", &r->included},
                 {"optional_applications", &r->optional}};

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        if (strcmp(lists[i].key, key) == 0)
            return lists[i].list;
    return NULL;
}

static int merge_list(struct merging *m, const config_setting_t *s, struct fault *why)
{
    char ***list = list_of(m->to, config_setting_name(s)), from[BESIDE_ORIGIN];
    size_t count = (size_t)config_setting_length(s);
    char **names = calloc(count + 1, sizeof(*names));
    int err = names ? 0 : no_memory(why);

    origin(m, s, from);
    if (!err && !config_setting_is_array(s) && !config_setting_is_list(s))
        err = fault(why, -EINVAL, "%s must be an array of strings, as [\"kv\"]", from);
    for (size_t i = 0; i < count && !err; i++) {
        const char *name = config_setting_get_string_elem(s, (int)i);

        if (!name)
            err = fault(why, -EINVAL, "%s must be an array of strings, as [\"kv\"]",
                        from);
        else if (!(names[i] = strdup(name)))
            err = no_memory(why);
    }
    if (err) {
        appspec_release_list(names);
        return err;
    }
    appspec_release_list(*list);
    *list = names;
    return 0;
}

static int encode(const config_setting_t *s, const char *from, void **bytes,
                  size_t *len, struct fault *why)
{
    json_t *json = settings_json(s);
    int err = json ? encoded_value(from, json, bytes, len, why) : no_memory(why);

    json_decref(json);
    return err;
}

static int merge_key(struct merging *m, const config_setting_t *s, struct fault *why)
{
    struct env_spec *spec = appspec_key(m->to, config_setting_name(s));
    void *bytes = NULL;
    size_t len = 0;
    char from[BESIDE_ORIGIN];
    int err;

    origin(m, s, from);
    err = spec ? encode(s, from, &bytes, &len, why) : no_memory(why);
    if (!err)
        err = env_check_value(spec, from, bytes, len, why);
    if (err) {
        free(bytes);
        return err;
    }
    free(spec->value);
    spec->value = bytes;
    spec->len = len;
    return 0;
}

static int merge_env(struct merging *m, const config_setting_t *s, struct fault *why)
{
    char from[BESIDE_ORIGIN];
    int err = 0;

    origin(m, s, from);
    if (!config_setting_is_group(s))
        return fault(why, -EINVAL, "%s must be a group, as { port = 80; }", from);
    for (int i = 0; i < config_setting_length(s) && !err; i++)
        err = merge_key(m, config_setting_get_elem(s, (unsigned)i), why);
    return err;
}

static int merge_phase(struct merging *m, const config_setting_t *s, const char *from,
                       struct fault *why)
{
    const config_setting_t *args =
        config_setting_is_group(s) ? config_setting_get_member(s, "args") : NULL;
    struct start_phase *more, phase = {0};
    const char *name = config_setting_get_string(s);
    int err;

    if (config_setting_is_group(s))
        config_setting_lookup_string(s, "name", &name);
    if (!name)
        return fault(why, -EINVAL,
                     "%s must be a list of names, or of groups, as ({ name = \"go\"; "
                     "args = 1; })",
                     from);
    more = realloc(m->to->phases, (m->to->phase_count + 1) * sizeof(*more));
    if (!more)
        return no_memory(why);
    m->to->phases = more;
    err = args ? encode(args, from, &phase.args, &phase.len, why)
               : encoded_text(from, NULL, &phase.args, &phase.len, why);
    if (!err && !(phase.name = strdup(name)))
        err = no_memory(why);
    if (err)
        free(phase.args);
    else
        more[m->to->phase_count++] = phase;
    return err;
}

static int merge_phases(struct merging *m, const config_setting_t *s, struct fault *why)
{
    char from[BESIDE_ORIGIN];
    int err = 0;

    origin(m, s, from);
    if (!config_setting_is_list(s) && !config_setting_is_array(s))
        return fault(why, -EINVAL, "%s must be a list, as (\"go\")", from);
    for (; m->to->phase_count > 0; m->to->phase_count--) {
        free(m->to->phases[m->to->phase_count - 1].name);
        free(m->to->phases[m->to->phase_count - 1].args);
    }
    for (int i = 0; i < config_setting_length(s) && !err; i++)
        err = merge_phase(m, config_setting_get_elem(s, (unsigned)i), from, why);
    return err;
}

static int merge_mod(struct merging *m, const config_setting_t *s, struct fault *why)
{
    const config_setting_t *args =
        config_setting_is_group(s) ? config_setting_get_member(s, "args") : NULL;
    struct module *mod = m->to->mod;
    void *bytes = NULL;
    char from[BESIDE_ORIGIN];
    size_t len;
    int err;

    origin(m, s, from);
    if (!args)
        return fault(why, -EINVAL, "%s must be a group, as { args = 1; }", from);
    if (!mod)
        return fault(why, -EINVAL, "%s: the plugin has no mod to give args to", from);
    err = encode(args, from, &bytes, &len, why);
    if (err)
        return err;
    free(mod->args);
    mod->args = bytes;
    mod->len = len;
    return 0;
}

static int merge_setting(struct merging *m, const config_setting_t *s,
                         struct fault *why)
{
    const char *key = config_setting_name(s);
    char from[BESIDE_ORIGIN];

    if (strcmp(key, "name") == 0 || strcmp(key, "vsn") == 0 || strcmp(key, "id") == 0 ||
        strcmp(key, "description") == 0)
        return merge_text(m, s, why);
    origin(m, s, from);
    if (config_setting_length(s) > (int)APPSPEC_LIST_MAX)
        return fault(why, -EINVAL, "%s has more than %u entries", from,
                     APPSPEC_LIST_MAX);
    if (list_of(m->to, key))
        return merge_list(m, s, why);
    if (strcmp(key, "env") == 0)
        return merge_env(m, s, why);
    if (strcmp(key, "start_phases") == 0)
        return merge_phases(m, s, why);
    if (strcmp(key, "mod") == 0)
        return merge_mod(m, s, why);
    return fault(why, -EINVAL,
                 "%s says nothing of an application: there are name, vsn, id, "
                 "description, modules, registered, applications, "
                 "included_applications, optional_applications, env, start_phases "
                 "and mod",
                 from);
}

static int merge(struct merging *m, const struct beside *a, struct fault *why)
{
    const config_setting_t *root;
    config_t config;
    int err;

    config_init(&config);
    err = settings_parse(a->text, m->label, &config, why);
    root = config_root_setting(&config);
    for (int i = 0; !err && i < config_setting_length(root); i++)
        err = merge_setting(m, config_setting_get_elem(root, (unsigned)i), why);
    config_destroy(&config);
    return err;
}

int appfile_merge(const char *path, const char *name, const char *vsn,
                  struct resource *r, struct fault *why)
{
    struct beside a;
    char label[BESIDE_LABEL];
    struct merging m = {.label = label, .name = name, .vsn = vsn, .to = r};
    int err = beside_find(BESIDE_APP, path, name, vsn, &a, why);

    if (err || !a.text)
        return err;
    beside_label(BESIDE_APP, a.path, name, label);
    err = merge(&m, &a, why);
    beside_release(&a);
    return err ? err : appspec_check(r, name, why);
}
