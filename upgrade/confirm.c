/* SPDX-License-Identifier: Apache-2.0 */
#include "confirm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event.h"
#include "install.h"
#include "job.h"
#include "ledger.h"
#include "permanent.h"

#define NS_PER_MS 1000000u

/* An application that goes to another version. */
struct watched {
    struct application *app;
    char from[VERSION_MAX + 1], to[VERSION_MAX + 1];
    uint32_t restarts; /* until then */
    uint32_t allowed;  /* since then */
};

struct confirmation {
    json_t *before;  /* the applications that ran, as a release has them */
    json_t *after;   /* that run since then; NULL: not yet */
    struct job *job; /* for when its time is over; NULL once that is posted */
    char release[LEDGER_NAME_TEXT], from[LEDGER_NAME_TEXT];
    char refused[512]; /* why it did not go back, or "" */
    bool lasts;        /* when it is confirmed it is permanent */
    uint32_t within_ms;
    uint64_t end_ns;
    size_t count;
    struct watched watched[];
};

static struct {
    pthread_mutex_t
        lock; /* guards `is`, for readers; the release handler alone writes */
    struct confirmation *is;
    bool goes_back; /* just now.  The release handler's own */
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void set(struct confirmation *c)
{
    struct confirmation *old = self.is;

    pthread_mutex_lock(&self.lock);
    self.is = c;
    pthread_mutex_unlock(&self.lock);
    if (old != c)
        confirm_drop(old);
}

void confirm_drop(struct confirmation *c)
{
    if (!c)
        return;
    json_decref(c->before);
    json_decref(c->after);
    if (c->job)
        job_destroy(c->job);
    free(c);
}

/* -- beginning -- */

static uint32_t restarts_of(const struct application *app)
{
    return atomic_load_explicit(&app->group.restarts, memory_order_relaxed);
}

/* As many as it had, by its rate so far, in `within_ms`. */
static uint32_t usual_restarts(const struct application *app, uint32_t within_ms)
{
    uint64_t since = atomic_load_explicit(&app->started_ns, memory_order_relaxed);
    uint64_t ran_ms = (clock_ns() - since) / NS_PER_MS + 1;
    uint64_t usual = (uint64_t)restarts_of(app) * within_ms / ran_ms;

    return usual < UINT32_MAX ? (uint32_t)usual : UINT32_MAX;
}

static struct watched watch(const struct upgrade_move *m, uint32_t within_ms)
{
    struct watched w = {.app = m->app,
                        .restarts = restarts_of(m->app),
                        .allowed = usual_restarts(m->app, within_ms)};

    snprintf(w.from, sizeof(w.from), "%s", m->from->vsn);
    snprintf(w.to, sizeof(w.to), "%s", m->to->vsn);
    return w;
}

int confirm_prepare(const struct order *o, struct confirmation **out, struct fault *why)
{
    const json_t *ledger = record_ledger(o->stock->record);
    struct confirmation *c =
        calloc(1, sizeof(*c) + o->move_count * sizeof(struct watched));

    if (c) {
        c->before = stock_applications(o->stock, NULL);
        c->job = job_create(JOB_LOOK, "");
    }
    if (!c || !c->before || !c->job) {
        confirm_drop(c);
        return fault(why, -ENOMEM, "no memory to await confirmation");
    }
    ledger_name(ledger_running(ledger), c->from);
    c->within_ms = o->terms.confirm_ms;
    c->lasts = o->lasts && ledger_is(ledger_running(ledger), "permanent");
    for (; c->count < o->move_count; c->count++)
        c->watched[c->count] = watch(&o->moves[c->count], c->within_ms);
    *out = c;
    return 0;
}

void confirm_begin(struct confirmation *c, struct stock *s)
{
    const json_t *running = ledger_running(record_ledger(s->record));
    struct job *job = c->job;

    ledger_name(running, c->release);
    c->after = json_incref(ledger_applications(running));
    c->end_ns = clock_ns() + (uint64_t)c->within_ms * NS_PER_MS;
    c->job = NULL;
    set(c);
    job_post_at(job, c->end_ns);
    event_emit(EVENT_INFO, "upgrade.awaits", "{s:s, s:s, s:I}", "release", c->release,
               "from", c->from, "within_ms", (json_int_t)c->within_ms);
}

bool confirm_is_awaited(void)
{
    bool is;

    pthread_mutex_lock(&self.lock);
    is = self.is && !self.is->refused[0];
    pthread_mutex_unlock(&self.lock);
    return is;
}

static uint64_t left_ms(const struct confirmation *c)
{
    uint64_t now = clock_ns();

    return now < c->end_ns ? (c->end_ns - now) / NS_PER_MS : 0;
}

int confirm_busy(struct fault *why)
{
    return fault(why, -EBUSY,
                 "%s awaits confirmation for another %llu s: 'moult confirm' keeps it, "
                 "'moult withdraw' goes back to %s",
                 self.is->release, (unsigned long long)left_ms(self.is) / 1000 + 1,
                 self.is->from);
}

/* -- staying -- */

void confirm_settled(void)
{
    job_recall();
    set(NULL);
}

void confirm_superseded(void)
{
    if (self.is && self.is->refused[0] && !self.goes_back)
        set(NULL);
}

static int nothing_awaited(struct fault *why)
{
    return fault(why, -ENOENT, "nothing awaits confirmation");
}

int confirm_do(struct stock *s, json_t **report, struct fault *why)
{
    struct confirmation *c = self.is;
    json_t *made = NULL;
    int error = 0;

    if (!c)
        return nothing_awaited(why);
    if (c->lasts)
        error = permanent_make(s->record, NULL, &made, why);
    json_decref(made);
    if (error)
        return error;
    event_emit(EVENT_INFO, "upgrade.confirmed", "{s:s, s:s, s:b}", "release",
               c->release, "from", c->from, "permanent", c->lasts);
    *report = json_pack("{s:s, s:s, s:b}", "release", c->release, "from", c->from,
                        "permanent", c->lasts);
    confirm_settled();
    return 0;
}

/* -- going back -- */

/* What runs now, with all that was changed as it was before; given, or NULL. */
static json_t *applications_before(const struct confirmation *c, const struct stock *s)
{
    json_t *apps = stock_applications(s, NULL), *version;
    const char *name;

    json_object_foreach(c->after, name, version)
    {
        if (apps && !json_object_get(c->before, name))
            json_object_del(apps, name);
    }
    if (apps && json_object_update(apps, c->before) == 0)
        return apps;
    json_decref(apps);
    return NULL;
}

static int go_back(struct confirmation *c, struct stock *s,
                   const struct release_listener *listener, json_t **report,
                   struct fault *why)
{
    struct order order = {.stock = s, .listener = listener, .mode = UPGRADE_RUN};
    json_t *apps = applications_before(c, s), *next = NULL;
    int error = apps ? 0 : fault(why, -ENOMEM, "no memory to go back");

    if (!error)
        next = ledger_become(record_ledger(s->record), apps, false);
    if (!error)
        error = install_applications(&order, apps, next, report, why);
    order_finish(&order);
    json_decref(apps);
    json_decref(next);
    return error;
}

/* All stays as it is: somebody has to look at it. */
static void back_refused(struct confirmation *c, const char *reason,
                         const struct fault *why)
{
    pthread_mutex_lock(&self.lock);
    snprintf(c->refused, sizeof(c->refused), "%s", why->text);
    pthread_mutex_unlock(&self.lock);
    event_emit(EVENT_ERROR, "upgrade.back_refused",
               "{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "release", c->release, "to",
               c->from, "app", why->app, "step", why->step, "server", why->server,
               "reason", why->text, "because", reason);
}

static void went_back(const struct confirmation *c, const struct stock *s,
                      const char *reason, json_t *report)
{
    const json_t *ledger = record_ledger(s->record),
                 *runs = s->reboots ? ledger_next(ledger) : ledger_running(ledger);
    char name[LEDGER_NAME_TEXT];

    ledger_name(runs, name);
    json_object_set_new(report, "release", json_string(name));
    json_object_set_new(report, "from", json_string(c->release));
    json_object_set_new(report, "permanent",
                        json_boolean(ledger_is(runs, "permanent")));
    event_emit(EVENT_WARN, "upgrade.back", "{s:s, s:s, s:s}", "release", name, "from",
               c->release, "reason", reason);
}

int confirm_back(struct stock *s, const struct release_listener *listener,
                 const char *reason, json_t **report, struct fault *why)
{
    struct confirmation *c = self.is;
    struct fault own = {0};
    int error;

    if (!c)
        return nothing_awaited(why);
    job_recall();
    self.goes_back = true; /* which is a change as others are */
    error = go_back(c, s, listener, report, &own);
    self.goes_back = false;
    if (error) {
        back_refused(c, reason, &own);
        if (why)
            *why = own;
        return error;
    }
    went_back(c, s, reason, *report);
    set(NULL);
    return 0;
}

/* Is there one of them that does worse than it did?  Then say so. */
static bool is_worse(const struct confirmation *c, char *text, size_t size)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct watched *w = &c->watched[i];
        uint32_t since = restarts_of(w->app) - w->restarts;

        if (w->app->status == APPLICATION_FAILED)
            snprintf(text, size, "%s %s has ended", w->app->name, w->to);
        else if (since > w->allowed)
            snprintf(text, size,
                     "%s %s had %u restart%s since, and %u in as long before",
                     w->app->name, w->to, since, since == 1 ? "" : "s", w->allowed);
        else
            continue;
        return true;
    }
    return false;
}

void confirm_look(struct stock *s)
{
    struct confirmation *c = self.is;
    json_t *report = NULL;
    char reason[256];

    if (!confirm_is_awaited())
        return;
    if (clock_ns() >= c->end_ns)
        snprintf(reason, sizeof(reason), "it was not confirmed within %u ms",
                 c->within_ms);
    else if (!is_worse(c, reason, sizeof(reason)))
        return;
    confirm_back(s, NULL, reason, &report, NULL);
    json_decref(report);
}

/* -- telling -- */

static json_t *applications_json(const struct confirmation *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->count; i++) {
        const struct watched *w = &c->watched[i];

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "name", w->app->name, "from",
                            w->from, "to", w->to, "restarts",
                            (json_int_t)(restarts_of(w->app) - w->restarts), "allowed",
                            (json_int_t)w->allowed));
    }
    return list;
}

json_t *confirm_json(void)
{
    json_t *json = NULL;

    pthread_mutex_lock(&self.lock);
    if (self.is)
        json = json_pack("{s:s, s:s, s:o}", "release", self.is->release, "from",
                         self.is->from, "applications", applications_json(self.is));
    if (json && self.is->refused[0])
        json_object_set_new(json, "refused", json_string(self.is->refused));
    else if (json)
        json_object_set_new(json, "left_ms",
                            json_integer((json_int_t)left_ms(self.is)));
    pthread_mutex_unlock(&self.lock);
    return json;
}

void confirm_finish(void)
{
    job_recall();
    set(NULL);
}
