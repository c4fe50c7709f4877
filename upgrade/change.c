/* SPDX-License-Identifier: Apache-2.0 */
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "event.h"
#include "loaded.h"
#include "upgrade.h"
#include "version.h"

static int resolve(const struct change *c, const char *name, const char *vsn,
                   struct catalog_entry *to, struct fault *why)
{
    int error = vsn ? catalog_find(c->stock->catalog, name, vsn, to)
                    : catalog_find_highest(c->stock->catalog, name, to);

    if (error == -ENOENT && vsn)
        return fault(why, error,
                     "there is no %s %s; `moult releases` lists the versions that are "
                     "here, and dropping %s-%s.so into the plugin folder adds it",
                     name, vsn, name, vsn);
    return error ? fault(why, error, "there is no version of '%s'", name) : 0;
}

static bool is_plan(enum release_verb verb)
{
    return verb == RELEASE_PLAN_UPGRADE || verb == RELEASE_PLAN_DOWNGRADE;
}

static int check_direction(enum release_verb verb, const char *from, const char *to,
                           struct fault *why)
{
    bool down = verb == RELEASE_DOWNGRADE || verb == RELEASE_PLAN_DOWNGRADE;
    int order = version_compare(to, from);

    if (order == 0)
        return fault(why, -EALREADY, "%s is what runs already", to);
    if (!down && order < 0)
        return fault(why, -EINVAL, "%s is lower than %s, which runs: use downgrade", to,
                     from);
    if (down && order > 0)
        return fault(why, -EINVAL, "%s is higher than %s, which runs: use upgrade", to,
                     from);
    return 0;
}

/* Told when the list says the same. */
static void committed(struct stock *s, const char *app, const char *from,
                      const char *to, const json_t *report)
{
    catalog_set_status(s->catalog, app, from, CATALOG_OLD);
    catalog_set_status(s->catalog, app, to, CATALOG_RUNNING);
    event_emit(EVENT_INFO, "upgrade.commit", "{s:s, s:s, s:s, s:O*, s:O*, s:O*}", "app",
               app, "from", from, "to", to, "servers",
               json_object_get(report, "servers"), "pause_us",
               json_object_get(report, "pause_us"), "waited",
               json_object_get(report, "waited"));
}

int change_application(const struct change *c, struct application *app,
                       const struct catalog_entry *to, json_t **report,
                       struct fault *why)
{
    struct loaded *from = loaded_of(c->stock, app), *l;
    struct upgrade u = {.app = app,
                        .vet = c->stock->vet,
                        .record = c->record,
                        .vet_ns = c->vet_ns,
                        .progress = c->listener.progress,
                        .context = c->listener.context};
    char from_vsn[VERSION_MAX + 1];
    int error;

    if (!from || app->status != APPLICATION_RUNNING)
        return fault(why, -ESRCH, "application '%s' does not run", app->name);
    error = check_direction(c->verb, from->spec.vsn, to->manifest.vsn, why);
    if (!error)
        error = loaded_open(c->stock, to, &l, why);
    if (error)
        return error;
    snprintf(from_vsn, sizeof(from_vsn), "%s", from->spec.vsn);
    u.from = from->image;
    u.to = l->image;
    u.spec = &l->spec;
    error =
        is_plan(c->verb) ? upgrade_plan(&u, report, why) : upgrade_run(&u, report, why);
    if (!error && !is_plan(c->verb))
        committed(c->stock, app->name, from_vsn, to->manifest.vsn, *report);
    loaded_purge(c->stock);
    return error;
}

/* Has it been tried with the version that runs?  Vetting knows what ran then. */
static int vet_again(struct change *c, const struct catalog_entry *to,
                     const struct application *app, struct fault *why)
{
    struct catalog_entry from = {0};
    struct vet_report report = {0};
    uint64_t began = clock_ns();
    int error = catalog_find_running(c->stock->catalog, app->name, &from);

    if (!error)
        error = vet_run(c->stock->vet, to->stored, from.stored, 0, &report, why);
    json_decref(report.lints);
    catalog_entry_release(&from);
    c->vet_ns = clock_ns() - began;
    return error;
}

/* Say so, with what is known of where. */
static void refused(const char *app, const char *vsn, const struct fault *why)
{
    const char *const members[][2] = {{"app", app},          {"to", vsn ? vsn : ""},
                                      {"step", why->step},   {"server", why->server},
                                      {"field", why->field}, {"reason", why->text}};
    json_t *event = json_object();

    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (members[i][1][0])
            json_object_set_new(event, members[i][0], json_string(members[i][1]));
    event_emit(EVENT_ERROR, "upgrade.refused", "o", event);
}

/* Bring application `name` where it is asked to be; `to` says where that is. */
static int change_to(struct change *c, const char *name, const char *vsn,
                     struct catalog_entry *to, json_t **report, struct fault *why)
{
    struct application *app = application_find(name);
    int error;

    if (!app)
        return fault(why, -ENOENT, "no application is called '%s'", name);
    if (!app->spec || app->status != APPLICATION_RUNNING)
        return fault(why, -ESRCH, "application '%s' does not run", name);
    error = resolve(c, name, vsn, to, why);
    if (!error)
        error = check_direction(c->verb, app->spec->vsn, to->manifest.vsn, why);
    if (!error)
        error = vet_again(c, to, app, why);
    return error ? error : change_application(c, app, to, report, why);
}

int change_named(struct change *c, const char *name, const char *vsn, json_t **report,
                 struct fault *why)
{
    struct catalog_entry to = {0};
    int error = change_to(c, name, vsn, &to, report, why);

    if (error) {
        fault_where(why, "find", name, NULL, NULL);
        if (!is_plan(c->verb))
            refused(name, to.manifest.vsn[0] ? to.manifest.vsn : vsn, why);
    }
    catalog_entry_release(&to);
    return error;
}

void change_to_new(struct change *c, struct application *app,
                   const struct catalog_entry *entry)
{
    json_t *report = NULL;
    struct fault why = {0};

    if (!app->spec || version_compare(entry->manifest.vsn, app->spec->vsn) <= 0)
        return; /* a lower one is there to be asked for */
    if (change_application(c, app, entry, &report, &why) < 0)
        refused(app->name, entry->manifest.vsn, &why);
    json_decref(report);
}
