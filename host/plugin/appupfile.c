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

/* Is it about nothing that has a name? */
static bool is_bare(const struct appup_word *word)
{
    return word->kind == MOULT_RESTART || word->kind == MOULT_POINT_OF_NO_RETURN;
}

/* It has a name, or is just true. */
static int check_value(const struct reading *r, const config_setting_t *s,
                       const char *from)
{
    bool bare = is_bare(appup_word(config_setting_name(s)));

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
    return fault(r->why, -EINVAL, "%s %s", from,
                 appup_word_missing(config_setting_name(s)));
}

/* What is said besides. */
static bool is_more(const char *key)
{
    static const char *const more[] = {"change",  "extra",     "args",      "deps",
                                       "timeout", "pre_purge", "post_purge"};

    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        if (strcmp(more[i], key) == 0)
            return true;
    return false;
}

static int check_kind(const struct reading *r, const config_setting_t *s,
                      const config_setting_t *first)
{
    char from[BESIDE_ORIGIN];

    if (!appup_word(config_setting_name(s)))
        return unknown_key(r, s);
    beside_origin(r->label, s, from);
    return first
               ? fault(r->why, -EINVAL, "%s is a second instruction in one group", from)
               : check_value(r, s, from);
}

/* The one key that says what it does; NULL: -EINVAL. */
static const config_setting_t *find_kind(const struct reading *r,
                                         const config_setting_t *group)
{
    const config_setting_t *kind = NULL;
    char from[BESIDE_ORIGIN];

    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);

        if (is_more(config_setting_name(s)))
            continue;
        if (check_kind(r, s, kind) < 0)
            return NULL;
        kind = s;
    }
    beside_origin(r->label, group, from);
    if (!kind)
        fault(r->why, -EINVAL,
              "%s: a group without an instruction, as update = \"counter\"", from);
    return kind;
}

static int check_length(const struct reading *r, const config_setting_t *list,
                        const char *from)
{
    return config_setting_length(list) <= (int)APPUP_LIST_MAX
               ? 0
               : fault(r->why, -EINVAL, "%s has more than %u entries", from,
                       APPUP_LIST_MAX);
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
    if (check_length(r, s, from) < 0)
        return -EINVAL;
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

static int read_timeout(const struct reading *r, const config_setting_t *s,
                        struct instruction *to)
{
    char from[BESIDE_ORIGIN];

    beside_origin(r->label, s, from);
    if (config_setting_type(s) != CONFIG_TYPE_INT || config_setting_get_int(s) < 1)
        return fault(r->why, -EINVAL, "%s must be milliseconds, 1 at least", from);
    to->timeout_ms = (uint32_t)config_setting_get_int(s);
    return 0;
}

static int read_purge(const struct reading *r, const config_setting_t *s, int32_t *to)
{
    const char *text = config_setting_get_string(s);
    char from[BESIDE_ORIGIN];

    beside_origin(r->label, s, from);
    if (text && strcmp(text, "soft_purge") == 0)
        *to = MOULT_SOFT_PURGE;
    else if (text && strcmp(text, "brutal_purge") == 0)
        *to = MOULT_BRUTAL_PURGE;
    else
        return fault(r->why, -EINVAL, "%s must be \"soft_purge\" or \"brutal_purge\"",
                     from);
    return 0;
}

/* What is said besides its kind and its name. */
static int read_more(const struct reading *r, const config_setting_t *s,
                     struct instruction *to)
{
    const char *key = config_setting_name(s);

    if (strcmp(key, "change") == 0)
        return read_change(r, s, to);
    if (strcmp(key, to->kind == MOULT_APPLY ? "args" : "extra") == 0)
        return read_extra(r, s, to);
    if (strcmp(key, "deps") == 0)
        return read_deps(r, s, to);
    if (strcmp(key, "timeout") == 0)
        return read_timeout(r, s, to);
    if (strcmp(key, "pre_purge") == 0)
        return read_purge(r, s, &to->pre_purge);
    return strcmp(key, "post_purge") == 0 ? read_purge(r, s, &to->post_purge) : 0;
}

static int read_instruction(const struct reading *r, const config_setting_t *group,
                            struct way *way)
{
    const config_setting_t *kind;
    char from[BESIDE_ORIGIN];
    struct instruction *to;
    const struct appup_word *word;
    int err = 0;

    beside_origin(r->label, group, from);
    if (!config_setting_is_group(group))
        return fault(r->why, -EINVAL,
                     "%s: instructions must be groups, as { update = \"counter\"; }",
                     from);
    kind = find_kind(r, group);
    if (!kind)
        return -EINVAL;
    word = appup_word(config_setting_name(kind));
    to = way_add(way, word->kind, config_setting_get_string(kind), from);
    if (!to)
        return no_memory(r);
    to->change = word->change;
    for (int i = 0; i < config_setting_length(group) && !err; i++)
        err = read_more(r, config_setting_get_elem(group, (unsigned)i), to);
    return err;
}

/* -- ways -- */

static int read_instructions(const struct reading *r, const config_setting_t *list,
                             struct way *way)
{
    char from[BESIDE_ORIGIN];
    int err;

    beside_origin(r->label, list, from);
    if (!config_setting_is_list(list))
        return fault(r->why, -EINVAL,
                     "%s must be a list, as ({ update = \"counter\"; })", from);
    err = check_length(r, list, from);
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
    int err;

    beside_origin(r->label, list, from);
    if (!config_setting_is_list(list))
        return fault(r->why, -EINVAL, "%s must be a list, as ({ vsn = \"1.0.0\"; })",
                     from);
    err = check_length(r, list, from);
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
