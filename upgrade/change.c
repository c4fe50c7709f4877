/* SPDX-License-Identifier: Apache-2.0 */
#include "change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "follow.h"
#include "ledger.h"
#include "targets.h"
#include "version.h"

/* -- finding -- */

static int resolve(const struct change *c, struct target *t, struct fault *why)
{
    struct catalog *catalog = c->stock->catalog;
    int error = t->vsn[0] ? catalog_find(catalog, t->name, t->vsn, &t->to)
                          : catalog_find_highest(catalog, t->name, &t->to);

    if (error == -ENOENT && t->vsn[0])
        return fault(why, error,
                     "there is no %s %s; `moult releases` lists the versions that are "
                     "here, and dropping %s-%s.so into the plugin folder adds it",
                     t->name, t->vsn, t->name, t->vsn);
    return error ? fault(why, error, "there is no version of '%s'", t->name) : 0;
}

static enum upgrade_mode mode_of(enum release_verb verb)
{
    if (verb == RELEASE_REHEARSE)
        return UPGRADE_REHEARSE;
    return verb == RELEASE_PLAN_UPGRADE || verb == RELEASE_PLAN_DOWNGRADE ? UPGRADE_PLAN
                                                                          : UPGRADE_RUN;
}

static int check_direction(enum release_verb verb, const char *from, const char *to,
                           struct fault *why)
{
    bool down = verb == RELEASE_DOWNGRADE || verb == RELEASE_PLAN_DOWNGRADE;
    int order = version_compare(to, from);

    if (verb == RELEASE_REHEARSE)
        return 0; /* either way */
    if (!down && order < 0)
        return fault(why, -EINVAL, "%s is lower than %s, which runs: use downgrade", to,
                     from);
    if (down && order > 0)
        return fault(why, -EINVAL, "%s is higher than %s, which runs: use upgrade", to,
                     from);
    return 0;
}

/* A version of it may wait to be started: then that is what an upgrade does. */
static int find_new(struct targets *all, struct target *t, struct fault *why)
{
    struct catalog_entry entry = {0};
    int error = catalog_find_highest(all->change->stock->catalog, t->name, &entry);

    catalog_entry_release(&entry);
    if (error)
        return fault(why, error, "no application is called '%s'", t->name);
    if (all->change->verb != RELEASE_UPGRADE &&
        all->change->verb != RELEASE_PLAN_UPGRADE)
        return fault(why, -ESRCH,
                     "application '%s' does not run: 'moult upgrade %s' starts it",
                     t->name, t->name);
    t->starts = true;
    return resolve(all->change, t, why);
}

static int find(struct targets *all, struct target *t, struct fault *why)
{
    int error;

    t->app = application_find(t->name);
    if (!t->app || (!t->app->owner && t->app->status != APPLICATION_RUNNING))
        return find_new(all, t, why);
    if (!t->app->spec || t->app->status != APPLICATION_RUNNING)
        return fault(why, -ESRCH, "application '%s' does not run", t->name);
    error = resolve(all->change, t, why);
    if (!error)
        error = check_direction(all->change->verb, t->app->spec->vsn,
                                t->to.manifest.vsn, why);
    if (!error)
        t->is_there = strcmp(t->app->spec->vsn, t->to.manifest.vsn) == 0;
    return error || t->is_there ? error : order_vet(&all->order, &t->to, why);
}

static int find_all(struct targets *all, struct fault *why)
{
    size_t there = 0;
    int error = 0;

    for (size_t i = 0; i < all->count && !error; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): release_targets() frees it */
        error = find(all, &all->list[i], why);
        there += all->list[i].is_there;
        if (error)
            fault_where(why, "find", all->list[i].name, NULL, NULL);
    }
    if (!error && there == all->count) {
        fault_where(why, "find", there == 1 ? all->list[0].name : NULL, NULL, NULL);
        return fault(why, -EALREADY, "%s is what runs already",
                     all->list[0].to.manifest.vsn);
    }
    return error;
}

/* "counter@2.0.0", "counter" */
static int take_target(struct targets *all, const char *word, struct fault *why)
{
    struct target *t = &all->list[all->count];
    size_t len = strcspn(word, "@");

    if (len > MANIFEST_NAME_MAX)
        return fault(why, -ENOENT, "no application is called '%.*s'", (int)len, word);
    if (word[len] && !word[len + 1])
        return fault(why, -EINVAL, "'%s' names no version, as counter@1.0.0 does",
                     word);
    memcpy(t->name, word, len);
    t->vsn = word[len] ? word + len + 1 : "";
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->list[i].name, t->name) == 0)
            return fault(why, -EINVAL, "'%s' is named twice", t->name);
    all->count++;
    return 0;
}

static int take_targets(struct targets *all, const json_t *words, struct fault *why)
{
    const json_t *word;
    size_t i;
    int error = 0;

    all->list = calloc(json_array_size(words) + 1, sizeof(*all->list));
    if (!all->list)
        return fault(why, -ENOMEM, "no memory for the upgrade");
    json_array_foreach(words, i, word)
    {
        if (!error)
            error = take_target(all, json_string_value(word), why);
    }
    return error;
}

static void release_targets(struct targets *all)
{
    for (size_t i = 0; i < all->count; i++)
        catalog_entry_release(&all->list[i].to);
    free(all->list);
}

/* -- doing -- */

static struct order order_of(const struct change *c)
{
    return (struct order){.stock = c->stock,
                          .listener = c->listener,
                          .terms = c->terms ? *c->terms : c->stock->terms,
                          .lasts = !c->stock->manual,
                          .mode = mode_of(c->verb)};
}

/* What releases there are when all are there; given, or NULL: no memory. */
static json_t *ledger_after(const struct targets *all)
{
    const struct stock *stock = all->change->stock;
    json_t *apps = stock_applications(stock, NULL), *next = NULL;
    int error = apps ? 0 : -ENOMEM;

    for (size_t i = 0; i < all->count && !error; i++)
        error = stock_add_application(apps, &all->list[i].to);
    if (!error)
        error = order_applications(&all->order, apps);
    if (!error)
        next = ledger_become(record_ledger(stock->record), apps,
                             stock->manual || all->order.terms.confirm_ms);
    json_decref(apps);
    return next;
}

static int add(struct order *o, const struct target *t, struct fault *why)
{
    if (t->starts)
        return follow_start(o, &t->to, why);
    return t->is_there ? 0 : order_move(o, t->app, &t->to, why);
}

static int run(struct targets *all, json_t **report, struct fault *why)
{
    json_t *next;
    int error = 0;

    for (size_t i = 0; i < all->count && !error; i++)
        error = add(&all->order, &all->list[i], why);
    if (!error)
        error = follow_needs(&all->order, why);
    if (error)
        return error;
    next = ledger_after(all);
    error = order_run(&all->order, next, report, why);
    json_decref(next);
    return error;
}

/* Say so, with what is known of where. */
static void refused(const char *app, const char *vsn, const struct fault *why)
{
    const char *const members[][2] = {{"app", app},          {"to", vsn},
                                      {"step", why->step},   {"server", why->server},
                                      {"field", why->field}, {"reason", why->text}};
    json_t *event = json_object();

    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (members[i][1][0])
            json_object_set_new(event, members[i][0], json_string(members[i][1]));
    event_emit(EVENT_ERROR, "upgrade.refused", "o", event);
}

/* Each, since none went where it should; of several the reason names the one. */
static void refused_all(const struct targets *all, const struct fault *why)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct target *t = &all->list[i];

        if (why->app[0] && strcmp(why->app, t->name) != 0 && !t->app)
            continue; /* nobody has looked at it */
        refused(t->name, t->to.manifest.vsn[0] ? t->to.manifest.vsn : t->vsn, why);
    }
}

int change_named(const struct change *c, const json_t *words, json_t **report,
                 struct fault *why)
{
    struct targets all = {.change = c, .order = order_of(c)};
    json_t *whole = NULL;
    int error = take_targets(&all, words, why);

    if (!error)
        error = find_all(&all, why);
    if (!error)
        error = run(&all, &whole, why);
    if (!error)
        *report = targets_report(&all, whole);
    else if (mode_of(c->verb) == UPGRADE_RUN)
        refused_all(&all, why);
    order_finish(&all.order);
    release_targets(&all);
    return error;
}

void change_to_new(const struct change *c, struct application *app,
                   const struct catalog_entry *entry, uint64_t vet_ns)
{
    struct target target = {.vsn = "", .app = app, .to = *entry};
    struct targets all = {
        .change = c, .list = &target, .count = 1, .order = order_of(c)};
    json_t *report = NULL;
    struct fault why = {0};

    if (!app->spec || version_compare(entry->manifest.vsn, app->spec->vsn) <= 0)
        return; /* a lower one is there to be asked for */
    all.order.vet_ns = vet_ns;
    all.order.unasked = true;
    if (run(&all, &report, &why) < 0)
        refused(app->name, entry->manifest.vsn, &why);
    order_finish(&all.order);
    json_decref(report);
}
