/* SPDX-License-Identifier: Apache-2.0 */
#include "appupfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "beside.h"
#include "encoded.h"
#include "settings.h"

/* A file being read. */
struct reading {
    const char *label; /* as people know it */
    const char *name, *vsn;
    struct appup *to;
    struct fault *why;
};

static int no_memory(const struct reading *r)
{
    return fault(r->why, -ENOMEM, "no memory to load a plugin");
}

/* -- instructions -- */

/* The low-level ones are told as what they are forms of. */
static const struct word {
    const char *key;
    int32_t kind, change;
} words[] = {{"update", MOULT_UPDATE, MOULT_SOFT},
             {"load_module", MOULT_LOAD_MODULE, MOULT_SOFT},
             {"add_module", MOULT_ADD_MODULE, MOULT_SOFT},
             {"delete_module", MOULT_DELETE_MODULE, MOULT_SOFT},
             {"code_change", MOULT_UPDATE, MOULT_ADVANCED},
             {"load", MOULT_LOAD_MODULE, MOULT_SOFT},
             {"remove", MOULT_DELETE_MODULE, MOULT_SOFT},
             {"add_application", MOULT_ADD_APPLICATION, MOULT_SOFT},
             {"remove_application", MOULT_REMOVE_APPLICATION, MOULT_SOFT},
             {"restart_application", MOULT_RESTART_APPLICATION, MOULT_SOFT},
             {"apply", MOULT_APPLY, MOULT_SOFT},
             {"restart", MOULT_RESTART, MOULT_SOFT},
             {"restart_emulator", MOULT_RESTART, MOULT_SOFT},
             {"restart_new_emulator", MOULT_RESTART, MOULT_SOFT}};

/* Is it about nothing that has a name? */
static bool is_bare(const struct word *word)
{
    return word->kind == MOULT_RESTART;
}

static const struct word *find_word(const char *key)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(words[i].key, key) == 0)
            return &words[i];
    return NULL;
}

/* What OTP has and the host does for every upgrade by itself. */
static bool is_always_done(const char *key)
{
    static const char *const done[] = {"suspend", "resume", "load_object_code", "purge",
                                       "sync_nodes"};

    for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++)
        if (strcmp(done[i], key) == 0)
            return true;
    return false;
}

/* It has a name, or is just true. */
static int check_value(const struct reading *r, const config_setting_t *s,
                       const char *from)
{
    bool bare = is_bare(find_word(config_setting_name(s)));

    if (bare && !config_setting_get_bool(s))
        return fault(r->why, -EINVAL, "%s is about nothing with a name: set it to true",
                     from);
    return bare || config_setting_get_string(s)
               ? 0
               : fault(r->why, -EINVAL, "%s must be a name", from);
}

static int unknown_key(const struct reading *r, const config_setting_t *s)
{
    char from[BESIDE_ORIGIN];

    beside_origin(r->label, s, from);
    if (is_always_done(config_setting_name(s)))
        return fault(
            r->why, -EINVAL,
            "%s is what every upgrade does, for all servers together: leave it "
            "out",
            from);
    return fault(r->why, -EINVAL,
                 "%s is no instruction: there are update, load_module, add_module, "
                 "delete_module, code_change, load, remove, add_application, "
                 "remove_application, restart_application, apply and restart, with "
                 "change, extra, args and deps",
                 from);
}

/* The one key that says what it does. */
static int find_kind(const struct reading *r, const config_setting_t *group,
                     const config_setting_t **out)
{
    char from[BESIDE_ORIGIN];

    *out = NULL;
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(s);

        if (strcmp(key, "change") == 0 || strcmp(key, "extra") == 0 ||
            strcmp(key, "args") == 0 || strcmp(key, "deps") == 0)
            continue;
        if (!find_word(key))
            return unknown_key(r, s);
        beside_origin(r->label, s, from);
        if (*out)
            return fault(r->why, -EINVAL, "%s is a second instruction in one group",
                         from);
        if (check_value(r, s, from) < 0)
            return -EINVAL;
        *out = s;
    }
    beside_origin(r->label, group, from);
    return *out ? 0
                : fault(r->why, -EINVAL,
                        "%s: a group without an instruction, as update = \"counter\"",
                        from);
}

static int read_change(const struct reading *r, const config_setting_t *s,
                       struct instruction *to)
{
    const char *text = config_setting_get_string(s);
    char from[BESIDE_ORIGIN];

    for (int32_t change = MOULT_SOFT; text && change <= MOULT_SUPERVISOR; change++)
        if (strcmp(text, instruction_change_text(change)) == 0) {
            to->change = change;
            return 0;
        }
    beside_origin(r->label, s, from);
    return fault(r->why, -EINVAL, "%s must be \"soft\", \"advanced\" or \"supervisor\"",
                 from);
}

static int read_extra(const struct reading *r, const config_setting_t *s,
                      struct instruction *to)
{
    json_t *json = settings_json(s);
    char from[BESIDE_ORIGIN];
    int err;

    beside_origin(r->label, s, from);
    err = json ? encoded_value(from, json, &to->extra, &to->extra_len, r->why)
               : no_memory(r);
    json_decref(json);
    return err;
}

static int read_deps(const struct reading *r, const config_setting_t *s,
                     struct instruction *to)
{
    size_t count = (size_t)config_setting_length(s);
    char from[BESIDE_ORIGIN];

    beside_origin(r->label, s, from);
    if (!config_setting_is_array(s) && !config_setting_is_list(s))
        return fault(r->why, -EINVAL, "%s must be an array of modules, as [\"cache\"]",
                     from);
    to->deps = calloc(count + 1, sizeof(*to->deps));
    for (size_t i = 0; to->deps && i < count; i++) {
        const char *name = config_setting_get_string_elem(s, (int)i);

        if (!name)
            return fault(r->why, -EINVAL,
                         "%s must be an array of modules, as [\"cache\"]", from);
        if (!(to->deps[i] = strdup(name)))
            return no_memory(r);
    }
    return to->deps ? 0 : no_memory(r);
}

static int read_instruction(const struct reading *r, const config_setting_t *group,
                            struct way *way)
{
    const config_setting_t *kind, *change, *extra, *deps;
    char from[BESIDE_ORIGIN];
    struct instruction *to;
    const struct word *word;
    int err;

    beside_origin(r->label, group, from);
    if (!config_setting_is_group(group))
        return fault(r->why, -EINVAL,
                     "%s: instructions must be groups, as { update = \"counter\"; }",
                     from);
    err = find_kind(r, group, &kind);
    if (err)
        return err;
    word = find_word(config_setting_name(kind));
    to = way_add(way, word->kind, config_setting_get_string(kind), from);
    if (!to)
        return no_memory(r);
    to->change = word->change;
    change = config_setting_get_member(group, "change");
    extra =
        config_setting_get_member(group, word->kind == MOULT_APPLY ? "args" : "extra");
    deps = config_setting_get_member(group, "deps");
    err = change ? read_change(r, change, to) : 0;
    if (!err && extra)
        err = read_extra(r, extra, to);
    return err || !deps ? err : read_deps(r, deps, to);
}

/* -- ways -- */

static int read_instructions(const struct reading *r, const config_setting_t *list,
                             struct way *way)
{
    char from[BESIDE_ORIGIN];
    int err = 0;

    beside_origin(r->label, list, from);
    if (!config_setting_is_list(list))
        return fault(r->why, -EINVAL,
                     "%s must be a list, as ({ update = \"counter\"; })", from);
    for (int i = 0; i < config_setting_length(list) && !err; i++)
        err = read_instruction(r, config_setting_get_elem(list, (unsigned)i), way);
    return err;
}

/* All keys of a way are these. */
static int check_way(const struct reading *r, const config_setting_t *group)
{
    char from[BESIDE_ORIGIN];

    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(s);
        bool is_text = strcmp(key, "vsn") == 0 || strcmp(key, "pattern") == 0;

        beside_origin(r->label, s, from);
        if (is_text && !config_setting_get_string(s))
            return fault(r->why, -EINVAL, "%s must be a string in double quotes", from);
        if (!is_text && strcmp(key, "instructions") != 0)
            return fault(r->why, -EINVAL,
                         "%s says nothing of a way: there are vsn, pattern and "
                         "instructions",
                         from);
    }
    return 0;
}

static int read_way(const struct reading *r, const config_setting_t *group,
                    enum appup_direction direction)
{
    const config_setting_t *list;
    const char *vsn = NULL, *pattern = NULL;
    char from[BESIDE_ORIGIN];
    struct way *way;
    int err;

    beside_origin(r->label, group, from);
    if (!config_setting_is_group(group))
        return fault(r->why, -EINVAL,
                     "%s must be a group, as { vsn = \"1.0.0\"; instructions = (); }",
                     from);
    err = check_way(r, group);
    if (err)
        return err;
    config_setting_lookup_string(group, "vsn", &vsn);
    config_setting_lookup_string(group, "pattern", &pattern);
    way = appup_add(r->to, direction, vsn, pattern, from, r->why);
    if (!way)
        return r->why ? r->why->error : -EINVAL;
    list = config_setting_get_member(group, "instructions");
    return list ? read_instructions(r, list, way) : 0;
}

static int read_ways(const struct reading *r, const config_setting_t *list,
                     enum appup_direction direction)
{
    char from[BESIDE_ORIGIN];
    int err = 0;

    beside_origin(r->label, list, from);
    if (!config_setting_is_list(list))
        return fault(r->why, -EINVAL, "%s must be a list, as ({ vsn = \"1.0.0\"; })",
                     from);
    for (int i = 0; i < config_setting_length(list) && !err; i++)
        err = read_way(r, config_setting_get_elem(list, (unsigned)i), direction);
    return err;
}

static int read_text(const struct reading *r, const config_setting_t *s,
                     const char *expected)
{
    const char *text = config_setting_get_string(s);
    char from[BESIDE_ORIGIN];

    if (text && strcmp(text, expected) == 0)
        return 0;
    beside_origin(r->label, s, from);
    return fault(r->why, -EINVAL, "%s is not \"%s\", which is the plugin's", from,
                 expected);
}

static int read_setting(const struct reading *r, const config_setting_t *s)
{
    const char *key = config_setting_name(s);
    char from[BESIDE_ORIGIN];

    if (strcmp(key, "up") == 0)
        return read_ways(r, s, APPUP_UP);
    if (strcmp(key, "down") == 0)
        return read_ways(r, s, APPUP_DOWN);
    if (strcmp(key, "vsn") == 0)
        return read_text(r, s, r->vsn);
    if (strcmp(key, "name") == 0)
        return read_text(r, s, r->name);
    beside_origin(r->label, s, from);
    return fault(r->why, -EINVAL, "%s: an appup has name, vsn, up and down", from);
}

static int read_all(const struct reading *r, const char *text)
{
    const config_setting_t *root;
    config_t config;
    int err;

    config_init(&config);
    err = settings_parse(text, r->label, &config, r->why);
    root = config_root_setting(&config);
    if (!err && !config_setting_get_member(root, "vsn"))
        err = fault(r->why, -EINVAL,
                    "%s does not say which version's it is: vsn = \"%s\";", r->label,
                    r->vsn);
    for (int i = 0; !err && i < config_setting_length(root); i++)
        err = read_setting(r, config_setting_get_elem(root, (unsigned)i));
    config_destroy(&config);
    return err;
}

int appupfile_take(const char *path, const char *name, const char *vsn,
                   struct appup *appup, struct fault *why)
{
    char label[BESIDE_LABEL];
    struct reading r = {label, name, vsn, appup, why};
    struct beside b;
    int err = beside_find(BESIDE_APPUP, path, name, vsn, &b, why);

    if (err || !b.text)
        return err;
    beside_label(BESIDE_APPUP, b.path, name, label);
    appup_clear(appup);
    appup->is_there = true;
    err = read_all(&r, b.text);
    beside_release(&b);
    return err ? err : appup_check(appup, name, why);
}
