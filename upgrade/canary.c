/* SPDX-License-Identifier: Apache-2.0 */
#include "canary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "clock.h"
#include "event.h"
#include "figures.h"
#include "hops.h"
#include "loaded.h"
#include "order.h"
#include "server.h"
#include "sys.h"
#include "version.h"

/* One of the two that run side by side. */
struct side {
    char vsn[VERSION_MAX + 1];
    _Atomic uint32_t crashes, restarts; /* relaxed: figures */
    struct figures times;               /* for ever: who is late finds them */
};

static struct {
    pthread_mutex_t lock;    /* guards `app` and both vsns, for others */
    struct application *app; /* NULL: there is no canary */
    struct side old, new;
    /* All that follows is the release handler's own. */
    struct image *image; /* of the new version, in use for this */
    uint64_t since_ns;
    struct map timed; /* pids -> 1: who was told to time its calls */
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* -- who times its calls -- */

/* Count the calls of `pid` in `times`; NULL: no more. */
static void time_calls(moult_pid pid, struct figures *times)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (!e)
        return;
    e->code = SYS_TIME;
    moult_put_uint(&e->out, (uintptr_t)times);
    process_send(NULL, pid, e); /* one that has ended needs none */
}

struct choice {
    moult_pid pids[2 * CANARY_TIMED];
    bool is_new[2 * CANARY_TIMED];
    size_t count, of[2];
};

static void choose(struct process *p, void *context)
{
    struct choice *c = context;
    const struct server *s = server_of(p);
    bool is_new = s && s->code->image == self.image;

    if (!s || c->of[is_new] == CANARY_TIMED)
        return;
    c->of[is_new]++;
    c->pids[c->count] = process_pid(p);
    c->is_new[c->count++] = is_new;
}

/* As many as are to be, of those that there are now. */
static void time_some(void)
{
    struct choice c = {.count = 0};
    struct map timed = {0};

    group_each(&self.app->group, choose, &c);
    for (size_t i = 0; i < c.count; i++) {
        if (!map_find(&self.timed, c.pids[i].bits, NULL))
            time_calls(c.pids[i], c.is_new[i] ? &self.new.times : &self.old.times);
        map_put(&timed, c.pids[i].bits, 1); /* else it is told again */
    }
    map_finish(&self.timed);
    self.timed = timed;
}

static void time_no_more(void)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    while ((entry = map_next(&self.timed, &at)))
        time_calls((moult_pid){entry->key}, NULL);
    map_finish(&self.timed);
}

/* -- its life -- */

static void side_begin(struct side *side, const char *vsn)
{
    snprintf(side->vsn, sizeof(side->vsn), "%s", vsn);
    atomic_store_explicit(&side->crashes, 0, memory_order_relaxed);
    atomic_store_explicit(&side->restarts, 0, memory_order_relaxed);
    figures_reset(&side->times);
}

static void set(const struct upgrade_move *m)
{
    pthread_mutex_lock(&self.lock);
    self.app = m ? m->app : NULL;
    if (m) {
        side_begin(&self.old, m->from->vsn);
        side_begin(&self.new, m->to->vsn);
    }
    pthread_mutex_unlock(&self.lock);
}

static void begin(const struct upgrade_move *m)
{
    self.image = (struct image *)(uintptr_t)m->to;
    image_get(self.image); /* also while none of its servers runs */
    self.since_ns = clock_ns();
    set(m);
    time_some();
}

static void end(void)
{
    if (!self.app)
        return;
    time_no_more();
    set(NULL);
    image_put(self.image);
    self.image = NULL;
}

bool canary_is_on(void)
{
    bool is;

    pthread_mutex_lock(&self.lock);
    is = self.app != NULL;
    pthread_mutex_unlock(&self.lock);
    return is;
}

bool canary_runs(const struct image *image)
{
    return self.app && self.image == image;
}

int canary_busy(struct fault *why)
{
    return fault(why, -EBUSY,
                 "there is a canary of %s in %s: 'moult promote' has the rest follow, "
                 "'moult withdraw' has it come back to %s",
                 self.app->name, self.new.vsn, self.old.vsn);
}

void canary_finish(void)
{
    end();
}

/* -- beginning -- */

static int find_version(struct stock *s, const char *name, const char *vsn,
                        struct catalog_entry *out, struct fault *why)
{
    int error = vsn[0] ? catalog_find(s->catalog, name, vsn, out)
                       : catalog_find_highest(s->catalog, name, out);

    return error ? fault(why, error, "there is no %s %s", name, vsn[0] ? vsn : "at all")
                 : 0;
}

/* "counter@2.0.0", "counter": what runs, and where to. */
static int find(struct stock *s, const char *word, struct application **app,
                struct catalog_entry *to, struct fault *why)
{
    size_t len = strcspn(word, "@");
    char name[MANIFEST_NAME_MAX + 1] = "";
    int error;

    if (len <= MANIFEST_NAME_MAX)
        memcpy(name, word, len);
    *app = application_find(name);
    if (!*app || !(*app)->spec || (*app)->status != APPLICATION_RUNNING)
        return fault(why, -ENOENT, "no application '%.*s' runs", (int)len, word);
    error = find_version(s, name, word[len] ? word + len + 1 : "", to, why);
    if (!error && strcmp((*app)->spec->vsn, to->manifest.vsn) == 0)
        return fault(why, -EALREADY, "%s is what runs already", to->manifest.vsn);
    return error;
}

static void count_all(struct process *p, void *context)
{
    *(json_int_t *)context += server_of(p) != NULL;
}

static void tell_whole(const struct upgrade_move *m, json_t *report)
{
    json_int_t of = 0;

    group_each(&m->app->group, count_all, &of);
    json_object_set_new(report, "of", json_integer(of));
}

static int run(struct order *o, const json_t *words, json_t **report, struct fault *why)
{
    const struct upgrade_move *m = &o->moves[0];
    json_t *who = json_array(), *whole = NULL;
    struct pick pick = {0};
    int error;

    for (size_t i = 1; i < json_array_size(words); i++)
        json_array_append(who, json_array_get(words, i));
    error = pick_make(&pick, &m->app->group, m->from, m->to, who, why);
    o->pick = &pick;
    o->start_count = o->stop_count = 0; /* others come and go when it is promoted */
    if (!error)
        error = order_run(o, NULL, &whole, why);
    if (!error) {
        *report = json_incref(json_array_get(json_object_get(whole, "upgraded"), 0));
        tell_whole(m, *report);
        begin(m);
        event_emit(EVENT_INFO, "canary.begin", "{s:s, s:s, s:s, s:O*}", "app",
                   m->app->name, "from", m->from->vsn, "to", m->to->vsn, "servers",
                   json_object_get(*report, "servers"));
    }
    json_decref(whole);
    json_decref(who);
    o->pick = NULL;
    pick_finish(&pick);
    return error;
}

static struct order order_of(const struct canary_work *w)
{
    return (struct order){.stock = w->stock,
                          .listener = w->listener,
                          .terms = *w->terms,
                          .mode = UPGRADE_RUN};
}

int canary_begin(const struct canary_work *w, const json_t *words, json_t **report,
                 struct fault *why)
{
    struct order order = order_of(w);
    struct catalog_entry to = {0};
    struct application *app = NULL;
    int error =
        find(w->stock, json_string_value(json_array_get(words, 0)), &app, &to, why);

    order.terms.confirm_ms = 0; /* it is a trial as it is */
    if (error)
        fault_where(why, "find", app ? app->name : NULL, NULL, NULL);
    if (!error)
        error = order_vet(&order, &to, why);
    if (!error)
        error = order_move(&order, app, &to, why);
    if (!error)
        error = run(&order, words, report, why);
    if (error)
        event_emit(EVENT_ERROR, "canary.refused", "{s:s, s:s, s:s}", "app",
                   app ? app->name : "", "to", to.manifest.vsn, "reason", why->text);
    order_finish(&order);
    catalog_entry_release(&to);
    return error;
}

/* -- ending -- */

static int none(struct fault *why)
{
    return fault(why, -ENOENT, "there is no canary");
}

/* Those that were there before the rest came are no news. */
static void count_those_before(json_t *report, json_int_t count)
{
    json_t *moved = json_object_get(report, "moved");
    json_int_t added = json_integer_value(json_object_get(moved, "added"));

    count = count < added ? count : added;
    json_object_set_new(moved, "added", json_integer(added - count));
    json_object_set_new(moved, "unchanged", json_integer(count));
}

static void count_new(struct process *p, void *context)
{
    const struct server *s = server_of(p);

    *(json_int_t *)context += s && s->code->image == self.image;
}

int canary_promote(const struct canary_work *w, json_t **report, struct fault *why)
{
    struct change change = {
        .stock = w->stock, .terms = w->terms, .verb = RELEASE_UPGRADE};
    json_int_t count = 0;
    json_t *words;
    int error;

    if (!self.app)
        return none(why);
    if (version_compare(self.new.vsn, self.old.vsn) < 0)
        change.verb = RELEASE_DOWNGRADE;
    change.listener = w->listener;
    group_each(&self.app->group, count_new, &count);
    words = json_pack("[o]", json_sprintf("%s@%s", self.app->name, self.new.vsn));
    error = words ? change_named(&change, words, report, why)
                  : fault(why, -ENOMEM, "no memory to promote it");
    json_decref(words);
    if (error)
        return error;
    count_those_before(*report, count);
    event_emit(EVENT_INFO, "canary.promoted", "{s:s, s:s, s:s}", "app", self.app->name,
               "from", self.old.vsn, "to", self.new.vsn);
    end();
    loaded_purge(w->stock);
    return 0;
}

static int come_back(const struct canary_work *w, json_t **whole, struct fault *why)
{
    struct loaded *old = loaded_of(w->stock, self.app);
    const struct pick all = {.all = true};
    struct order order = order_of(w);
    struct upgrade_move *move = calloc(1, sizeof(*move));
    int error;

    if (!move || !old) {
        free(move);
        return fault(why, move ? -ESRCH : -ENOMEM, "unable to go back to %s",
                     self.old.vsn);
    }
    *move = (struct upgrade_move){self.app, self.image, old->image, &old->spec, true};
    order.terms = (struct terms){0}; /* the way back has all the time it needs */
    order.moves = move;
    order.move_count = 1;
    order.pick = &all;
    error = hops_find(w->stock, move, why);
    if (!error)
        error = order_run(&order, NULL, whole, why);
    order_finish(&order);
    return error;
}

int canary_withdraw(const struct canary_work *w, json_t **report, struct fault *why)
{
    json_t *whole = NULL;
    int error;

    if (!self.app)
        return none(why);
    error = come_back(w, &whole, why);
    if (error) {
        event_emit(EVENT_ERROR, "canary.withdraw_refused", "{s:s, s:s, s:s, s:s}",
                   "app", self.app->name, "to", self.old.vsn, "server", why->server,
                   "reason", why->text);
        return error;
    }
    *report = json_incref(json_array_get(json_object_get(whole, "upgraded"), 0));
    json_decref(whole);
    event_emit(EVENT_INFO, "canary.withdrawn", "{s:s, s:s, s:s}", "app", self.app->name,
               "from", self.new.vsn, "to", self.old.vsn);
    end();
    loaded_purge(w->stock);
    return 0;
}

/* -- how it does -- */

void canary_note(struct group *g, enum group_trouble what, const char *vsn)
{
    struct side *side = NULL;

    pthread_mutex_lock(&self.lock);
    if (vsn && self.app && g == &self.app->group)
        side = strcmp(vsn, self.new.vsn) == 0   ? &self.new
               : strcmp(vsn, self.old.vsn) == 0 ? &self.old
                                                : NULL;
    if (side)
        atomic_fetch_add_explicit(what == GROUP_CRASH ? &side->crashes
                                                      : &side->restarts,
                                  1, memory_order_relaxed);
    pthread_mutex_unlock(&self.lock);
}

void canary_look(void)
{
    if (!self.app)
        return;
    if (self.app->status == APPLICATION_RUNNING) {
        time_some();
        return;
    }
    event_emit(EVENT_WARN, "canary.ended", "{s:s, s:s, s:s}", "app", self.app->name,
               "to", self.new.vsn, "reason", "the application has ended");
    end();
}

static json_int_t us(uint64_t ns)
{
    return (json_int_t)(ns / 1000);
}

static json_t *side_json(const struct side *side, json_int_t servers)
{
    const struct figures *f = &side->times;

    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "vsn", side->vsn,
        "servers", servers, "crashes",
        (json_int_t)atomic_load_explicit(&side->crashes, memory_order_relaxed),
        "restarts",
        (json_int_t)atomic_load_explicit(&side->restarts, memory_order_relaxed),
        "calls", (json_int_t)figures_calls(f), "failed", (json_int_t)figures_failed(f),
        "mean_us", us(figures_mean(f)), "p50_us", us(figures_quantile(f, 50)), "p99_us",
        us(figures_quantile(f, 99)), "most_us", us(figures_most(f)));
}

json_t *canary_listed(void)
{
    json_t *json = NULL;

    pthread_mutex_lock(&self.lock);
    if (self.app)
        json = json_pack("{s:s, s:s, s:s}", "application", self.app->name, "from",
                         self.old.vsn, "to", self.new.vsn);
    pthread_mutex_unlock(&self.lock);
    return json;
}

json_t *canary_json(void)
{
    json_int_t all = 0, new = 0;

    if (!self.app)
        return json_null();
    group_each(&self.app->group, count_all, &all);
    group_each(&self.app->group, count_new, &new);
    new = new < all ? new : all; /* some may have come in between */
    return json_pack("{s:s, s:s, s:s, s:I, s:[o, o]}", "application", self.app->name,
                     "from", self.old.vsn, "to", self.new.vsn, "for_ms",
                     (json_int_t)((clock_ns() - self.since_ns) / 1000000u), "versions",
                     side_json(&self.old, all - new), side_json(&self.new, new));
}
