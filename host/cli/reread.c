/* SPDX-License-Identifier: Apache-2.0 */
#include "reread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "application_setting.h"
#include "env.h"
#include "event.h"
#include "json_memory.h"
#include "rehearse.h"
#include "release.h"
#include "reload.h"

/* -- to the applications -- */

int reread_reserve(const struct config *config)
{
    int error = 0;

    for (size_t i = 0; i < config->application_count && !error; i++)
        error = application_setting_reserve(config->applications[i].name);
    return error;
}

static struct application_setting setting_of(const struct config_application *a)
{
    return (struct application_setting){a->max_heap, a->start, a->log_level};
}

void reread_put(const struct config_application *a)
{
    struct application_setting setting = setting_of(a);

    application_setting_put(a->name, &setting);
}

/* -- what is another -- */

static bool is_same(const struct application_setting *a,
                    const struct application_setting *b)
{
    return a->max_heap == b->max_heap && a->type == b->type &&
           a->log_level == b->log_level;
}

/* What `config` says of `name`, be it nothing. */
static struct config_application find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->application_count; i++)
        if (strcmp(config->applications[i].name, name) == 0)
            return config->applications[i];
    return (struct config_application){.name = (char *)name, .log_level = -1};
}

/* Add to `list` that `setting` is `to` instead of `from`, both taken, if it is. */
static void note(json_t *list, const char *setting, json_t *from, json_t *to)
{
    if (json_equal(from, to)) {
        json_decref(from);
        json_decref(to);
    } else {
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "setting", setting,
                                              "from", from, "to", to));
    }
}

static json_t *rehearse_json(size_t rehearse)
{
    if (rehearse == REHEARSE_ALL)
        return json_string("all");
    return rehearse ? json_sprintf("sample %zu", rehearse) : json_string("off");
}

static json_t *level_json(int level)
{
    return level < 0 ? json_null()
                     : json_string(event_level_text((enum event_level)level));
}

/* Of bytes or milliseconds; 0: any number. */
static json_t *most_json(uint64_t most)
{
    return most ? json_integer((json_int_t)most) : json_null();
}

static json_t *word_json(bool is, const char *yes, const char *no)
{
    return json_string(is ? yes : no);
}

static void note_host(json_t *list, const struct config *a, const struct config *b)
{
    note(list, "on_drop", word_json(a->stage_only, "stage", "upgrade"),
         word_json(b->stage_only, "stage", "upgrade"));
    note(list, "permanent", word_json(a->manual, "manual", "auto"),
         word_json(b->manual, "manual", "auto"));
    note(list, "rehearse", rehearse_json(a->rehearse), rehearse_json(b->rehearse));
    note(list, "max_processes", most_json(a->max_processes),
         most_json(b->max_processes));
    note(list, "max_pause_ms", most_json(a->terms.max_pause_ms),
         most_json(b->terms.max_pause_ms));
    note(list, "max_move_ms", most_json(a->terms.max_move_ms),
         most_json(b->terms.max_move_ms));
    note(list, "log.format", word_json(a->log_json, "json", "text"),
         word_json(b->log_json, "json", "text"));
    note(list, "log.level", level_json((int)a->log_level),
         level_json((int)b->log_level));
}

static void note_application(json_t *list, const struct config_application *a,
                             const struct config_application *b)
{
    char name[3][300];

    snprintf(name[0], sizeof(name[0]), "%s.max_heap", a->name);
    snprintf(name[1], sizeof(name[1]), "%s.start", a->name);
    snprintf(name[2], sizeof(name[2]), "%s.log", a->name);
    note(list, name[0], most_json(a->max_heap), most_json(b->max_heap));
    note(list, name[1], json_string(application_type_text(a->start)),
         json_string(application_type_text(b->start)));
    note(list, name[2], level_json(a->log_level), level_json(b->log_level));
}

/* Call `visit` for each application that either says something of, as both have it. */
static int each(const struct config *a, const struct config *b, void *context,
                int (*visit)(void *context, const struct config_application *from,
                             const struct config_application *to))
{
    int error = 0;

    for (size_t i = 0; i < a->application_count && !error; i++) {
        struct config_application to = find(b, a->applications[i].name);

        error = visit(context, &a->applications[i], &to);
    }
    for (size_t i = 0; i < b->application_count && !error; i++) {
        struct config_application from = find(a, b->applications[i].name);

        if (from.name == b->applications[i].name) /* `a` says nothing of it */
            error = visit(context, &from, &b->applications[i]);
    }
    return error;
}

static int note_one(void *list, const struct config_application *from,
                    const struct config_application *to)
{
    note_application(list, from, to);
    return 0;
}

static json_t *changes(const struct config *from, const struct config *to,
                       const struct reload *reload)
{
    json_t *list = json_array(), *env = reload_json(reload), *change;
    size_t i;

    note_host(list, from, to);
    each(from, to, list, note_one);
    json_array_foreach(env, i, change)
    {
        char name[300];

        snprintf(name, sizeof(name), "%s.env.%s",
                 json_string_value(json_object_get(change, "application")),
                 json_string_value(json_object_get(change, "key")));
        note(list, name, json_incref(json_object_get(change, "from")),
             json_incref(json_object_get(change, "to")));
    }
    json_decref(env);
    return list;
}

/* -- what can't be -- */

static int refuse_fixed(const struct config *to, const char *file, const char *key,
                        enum config_fixed which, struct fault *why)
{
    return fault(why, -ENOTSUP,
                 "%s:%u: '%s' can't change while the host runs: end it, and start it "
                 "again",
                 file, to->lines[which], key);
}

static int check_fixed(const struct config *from, const struct config *to,
                       const char *file, struct fault *why)
{
    const struct {
        const char *key;
        bool is_same;
    } fixed[] = {
        [CONFIG_PLUGINS] = {"plugins", strcmp(from->plugins, to->plugins) == 0},
        [CONFIG_DATA] = {"data", strcmp(from->data, to->data) == 0},
        [CONFIG_SOCKET] = {"socket", strcmp(from->socket, to->socket) == 0},
        [CONFIG_WORKERS] = {"workers", from->workers == to->workers},
    };

    for (int i = 0; i < CONFIG_FIXED; i++)
        if (!fixed[i].is_same && (from->lines[i] || to->lines[i]))
            return refuse_fixed(to, file, fixed[i].key, (enum config_fixed)i, why);
    return 0;
}

/* Servers that run share a limit, or have none: that one they keep. */
static int check_heap(void *why, const struct config_application *from,
                      const struct config_application *to)
{
    if (!from->max_heap == !to->max_heap || !application_find(from->name))
        return 0;
    return fault(why, -ENOTSUP,
                 "'%s.max_heap' can't be %s while the host runs, only be another: end "
                 "it, and start it again",
                 from->name, to->max_heap ? "set" : "taken away");
}

/* -- all of it -- */

static int draft(const struct config *config, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < config->application_count; i++) {
        const struct config_application *a = &config->applications[i];

        for (size_t n = 0; n < a->env_count && !error; n++)
            error =
                env_draft(a->name, a->env[n].key, a->env[n].value, a->env[n].from, why);
    }
    return error;
}

/* All that may refuse. */
static int prepare(const struct reread *r, const struct config *to,
                   struct reload *reload, struct fault *why)
{
    int error = check_fixed(r->config, to, r->options->file, why);

    if (!error)
        error = each(r->config, to, why, check_heap);
    if (!error)
        error = draft(to, why);
    if (!error && (reread_reserve(to) < 0 || reread_reserve(r->config) < 0))
        error = fault(why, -ENOMEM, "no memory for the configuration");
    return error ? error : reload_prepare(reload, why);
}

static int apply(void *unused, const struct config_application *from,
                 const struct config_application *to)
{
    struct application_setting a = setting_of(from), b = setting_of(to);
    struct application *app = application_find(to->name);

    if (is_same(&a, &b))
        return 0; /* what somebody set meanwhile stays */
    application_setting_put(to->name, &b);
    if (app)
        application_setting_apply(app);
    return 0;
}

/* It is what the host goes by now; `*to` is what it went by. */
static void become(struct reread *r, struct config *to)
{
    struct config former = *r->config;

    processes_allow(to->max_processes);
    if (former.log_level != to->log_level)
        event_set_level(to->log_level);
    atomic_store_explicit(&r->log_json, to->log_json, memory_order_relaxed);
    release_configure(&(struct release_options){.stage_only = to->stage_only,
                                                .rehearse = to->rehearse,
                                                .terms = to->terms,
                                                .manual = to->manual});
    each(&former, to, NULL, apply);
    *r->config = *to;
    r->config->plugins = former.plugins; /* others have these, which are the same */
    r->config->data = former.data;
    r->config->socket = former.socket;
    former.plugins = to->plugins;
    former.data = to->data;
    former.socket = to->socket;
    *to = former;
}

/* What will have been done; given. */
static int report_of(const struct reread *r, const struct config *to,
                     const struct reload *reload, json_t **report, struct fault *why)
{
    json_memory_watch();
    *report = json_pack("{s:s, s:o}", "file", r->options->file, "changed",
                        changes(r->config, to, reload));
    if (!json_memory_done())
        return 0;
    json_decref(*report);
    *report = NULL;
    return fault(why, -ENOMEM, "no memory to tell what changes");
}

static int go_by(struct reread *r, struct config *to, json_t **report,
                 struct fault *why)
{
    struct reload reload = {0};
    int error = prepare(r, to, &reload, why);

    if (!error)
        error = report_of(r, to, &reload, report, why);
    if (!error) {
        become(r, to);
        reload_commit(&reload);
    } else {
        env_drop_drafts();
    }
    reload_finish(&reload);
    return error;
}

static void tell(const struct reread *r, const json_t *report, const struct fault *why)
{
    if (report)
        event_emit(EVENT_INFO, "config.reload", "{s:s, s:I}", "file", r->options->file,
                   "changed",
                   (json_int_t)json_array_size(json_object_get(report, "changed")));
    else
        event_emit(EVENT_ERROR, "config.refused", "{s:s*, s:s*, s:s}", "file",
                   r->options->file, "app", why->app[0] ? why->app : NULL, "reason",
                   why->text);
}

int reread(void *context, json_t **report, struct fault *why)
{
    struct reread *r = context;
    struct config to = {0};
    int error;

    if (r->options->file)
        error = config_gather(r->options, &to, why);
    else
        error = fault(why, -ENOENT,
                      "the host was started without --config: it has no file to read");
    if (!error)
        error = go_by(r, &to, report, why);
    tell(r, error ? NULL : *report, why);
    config_finish(&to);
    return error;
}
