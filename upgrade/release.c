/* SPDX-License-Identifier: Apache-2.0 */
#include "release.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "application.h"
#include "boot.h"
#include "canary.h"
#include "change.h"
#include "commons.h"
#include "confirm.h"
#include "drop.h"
#include "event.h"
#include "install.h"
#include "job.h"
#include "json_memory.h"
#include "keepers.h"
#include "ledger.h"
#include "loaded.h"
#include "once.h"
#include "permanent.h"
#include "plain.h"
#include "purge.h"
#include "remove.h"
#include "snapshot.h"
#include "thread.h"
#include "unpack.h"
#include "watch.h"

static struct {
    pthread_t thread;
    bool has_thread;
    /* All that follows is the release handler's own. */
    struct stock stock; /* but for reading its catalog and its record */
    struct watch *watch;
    bool stage_only;
    int (*reload)(void *context, json_t **report, struct fault *why);
    void (*reboot)(void *context);
    void *context; /* for both */
} self;

/* -- what is asked -- */

static const char *first_word(const struct job *job)
{
    return json_string_value(json_array_get(job->words, 0));
}

static int change(struct job *job, json_t **report, struct fault *why)
{
    const struct change c = {.stock = &self.stock,
                             .verb = job->verb,
                             .listener = &job->listener,
                             .terms = &job->terms};

    return change_named(&c, job->words, report, why);
}

static bool runs(const char *name)
{
    const struct application *app = application_find(name);

    return app && app->status == APPLICATION_RUNNING;
}

/* Add what `u` is to the array `report`. */
static int tell_unpacked(const struct unpacked *u, bool is_new, json_t *report)
{
    json_t *one =
        u->plugin.name[0]
            ? json_pack("{s:s, s:s, s:b, s:b}", "application", u->plugin.name, "vsn",
                        u->plugin.vsn, "new", is_new, "runs", runs(u->plugin.name))
            : json_pack("{s:s, s:b}", "release", u->release, "new", is_new);

    return json_array_append_new(report, one);
}

static int unpack_one(const char *path, json_t *report, struct fault *why)
{
    struct unpacked u = {0};
    int error = unpack_file(&self.stock, path, &u, why);

    if (!error || error == -EALREADY)
        return tell_unpacked(&u, !error, report) == 0
                   ? 0
                   : fault(why, -ENOMEM, "no memory to tell of '%s'", path);
    fault_where(why, "unpack", u.plugin.name, NULL, NULL);
    return fault(why, error, "unable to take in '%s'", path);
}

static int unpack(struct job *job, json_t **report, struct fault *why)
{
    json_t *all = json_array(), *path;
    size_t i;
    int error = 0;

    json_array_foreach(job->words, i, path)
    {
        struct fault one = {0}; /* it may say why nothing had to be done */

        if (!error && (error = unpack_one(json_string_value(path), all, &one)) < 0)
            *why = one;
    }
    if (error)
        json_decref(all);
    else
        *report = all;
    return error;
}

static int snapshot(struct job *job, json_t **report, struct fault *why)
{
    const char *name = first_word(job),
               *path = json_string_value(json_array_get(job->words, 1));
    struct application *app = application_find(name);
    struct snapshot_counts counts = {0};
    int error;

    if (!app || !app->spec || app->status != APPLICATION_RUNNING)
        return fault(why, -ENOENT, "no application '%s' runs", name);
    error = snapshot_write(app, path, &counts, why);
    if (!error)
        *report =
            json_pack("{s:s, s:s, s:s, s:I, s:I}", "application", name, "vsn",
                      app->spec->vsn, "file", path, "states", (json_int_t)counts.states,
                      "messages", (json_int_t)counts.messages);
    return error;
}

static int install(struct job *job, json_t **report, struct fault *why)
{
    struct order order = {.stock = &self.stock,
                          .listener = &job->listener,
                          .terms = job->terms,
                          .mode = job->verb == RELEASE_PLAN_INSTALL ? UPGRADE_PLAN
                                                                    : UPGRADE_RUN};

    return install_release(&order, first_word(job), false, report, why);
}

static int make_permanent(struct job *job, json_t **report, struct fault *why)
{
    int error = permanent_make(self.stock.record, first_word(job), report, why);

    if (!error)
        confirm_settled();
    return error;
}

static int confirm(struct job *job, json_t **report, struct fault *why)
{
    return confirm_do(&self.stock, report, why);
}

static struct canary_work canary_of(const struct job *job)
{
    return (struct canary_work){&self.stock, &job->terms, &job->listener};
}

static int canary(struct job *job, json_t **report, struct fault *why)
{
    const struct canary_work work = canary_of(job);

    return canary_begin(&work, job->words, report, why);
}

static int promote(struct job *job, json_t **report, struct fault *why)
{
    const struct canary_work work = canary_of(job);

    return canary_promote(&work, report, why);
}

static int how_canary(struct job *job, json_t **report, struct fault *why)
{
    *report = canary_json();
    return 0;
}

static int withdraw(struct job *job, json_t **report, struct fault *why)
{
    const struct canary_work work = canary_of(job);

    if (canary_is_on())
        return canary_withdraw(&work, report, why);
    return confirm_back(&self.stock, &job->listener, "it was withdrawn", report, why);
}

static int reboot_old(struct job *job, json_t **report, struct fault *why)
{
    int error = permanent_make_old(self.stock.record, first_word(job), report, why);

    self.stock.reboots = !error;
    return error;
}

static int remove_one(struct job *job, json_t **report, struct fault *why)
{
    return remove_release(&self.stock, first_word(job), report, why);
}

static int start(struct job *job, json_t **report, struct fault *why)
{
    int error = boot_ensure(&self.stock, first_word(job), why);

    if (!error)
        *report = json_pack("{s:s}", "application", first_word(job));
    return error;
}

static int purge(struct job *job, json_t **report, struct fault *why)
{
    return purge_version(&self.stock, first_word(job), job->terms.brutal, report, why);
}

static int reload(struct job *job, json_t **report, struct fault *why)
{
    return self.reload(self.context, report, why);
}

void release_configure(const struct release_options *options)
{
    self.stage_only = options->stage_only;
    self.stock.rehearse = options->rehearse;
    self.stock.manual = options->manual;
    self.stock.terms = options->terms;
}

static int (*const verbs[])(struct job *job, json_t **report, struct fault *why) = {
    [RELEASE_UPGRADE] = change,        [RELEASE_DOWNGRADE] = change,
    [RELEASE_PLAN_UPGRADE] = change,   [RELEASE_PLAN_DOWNGRADE] = change,
    [RELEASE_UNPACK] = unpack,         [RELEASE_INSTALL] = install,
    [RELEASE_PLAN_INSTALL] = install,  [RELEASE_PERMANENT] = make_permanent,
    [RELEASE_REMOVE] = remove_one,     [RELEASE_REBOOT_OLD] = reboot_old,
    [RELEASE_CONFIRM] = confirm,       [RELEASE_WITHDRAW] = withdraw,
    [RELEASE_CANARY] = canary,         [RELEASE_PROMOTE] = promote,
    [RELEASE_HOW_CANARY] = how_canary, [RELEASE_START] = start,
    [RELEASE_REHEARSE] = change,       [RELEASE_SNAPSHOT] = snapshot,
    [RELEASE_RELOAD] = reload,         [RELEASE_PURGE] = purge,
};

static bool is_on_trial(void)
{
    return confirm_is_awaited() || canary_is_on();
}

/* Is that not to be done before what awaits confirmation has it? */
static bool has_to_wait(enum release_verb verb)
{
    bool changes = verb == RELEASE_UPGRADE || verb == RELEASE_DOWNGRADE ||
                   verb == RELEASE_INSTALL || verb == RELEASE_REMOVE ||
                   verb == RELEASE_CANARY;

    return changes && is_on_trial();
}

/* Say for whom. */
static int busy(struct fault *why)
{
    return canary_is_on() ? canary_busy(why) : confirm_busy(why);
}

static void run_asked(struct job *job)
{
    struct fault why = {0};
    json_t *report = NULL;

    if (self.stock.reboots)
        fault(&why, -EBUSY, "the host is about to begin anew");
    else if (has_to_wait(job->verb))
        busy(&why);
    else if (verbs[job->verb](job, &report, &why) == 0 && !report)
        fault(&why, -ENOMEM, "it is done, but there was no memory to tell of it");
    job->listener.done(job->listener.context, report, &why);
}

int release_ask(enum release_verb verb, const json_t *words, const struct terms *terms,
                const struct release_listener *listener)
{
    struct job *job = job_create(JOB_ASKED, "");

    if (!job)
        return -ENOMEM;
    job->verb = verb;
    job->listener = *listener;
    job->terms = terms_or(terms, &self.stock.terms);
    json_memory_watch();
    job->words = json_deep_copy(words);
    if (json_memory_done()) {
        job_destroy(job);
        return -ENOMEM;
    }
    return job_post(job);
}

static void ensured(void *whom, json_t *report, const struct fault *why)
{
    applications_ensured(whom, report ? 0 : why->error, why->text);
    json_decref(report);
}

/* By the application controller, for a server. */
static int ensure(const char *name, void *whom)
{
    const struct release_listener listener = {NULL, ensured, whom};
    json_t *words = json_pack("[s]", name);
    int error = words ? release_ask(RELEASE_START, words, NULL, &listener) : -ENOMEM;

    json_decref(words);
    return error;
}

/* What is listed of a release: its applications as texts. */
static void set_texts(json_t *release)
{
    json_t *texts = json_array(), *version;
    const char *app;

    json_object_foreach(ledger_applications(release), app, version)
        json_array_append_new(
            texts, json_sprintf("%s@%s", app,
                                json_string_value(json_object_get(version, "vsn"))));
    json_object_set_new(release, "applications", texts);
}

json_t *release_list(void)
{
    json_t *ledger = record_copy(self.stock.record), *releases, *release;
    json_t *versions = catalog_json(self.stock.catalog);
    size_t i;

    keepers_tell(versions);
    releases = json_incref(json_object_get(ledger, "releases"));
    json_decref(ledger);
    json_array_foreach(releases, i, release) set_texts(release);
    return json_pack("{s:o, s:o, s:o*, s:o*}", "releases", releases, "versions",
                     versions, "awaits", confirm_json(), "canary", canary_listed());
}

/* -- what is dropped -- */

static void dropped(void *context, const char *path)
{
    struct job *job = job_create(JOB_DROP, path);
    int error = job ? job_post(job) : -ENOMEM;

    if (error)
        event_emit(EVENT_ERROR, "plugin.refused", "{s:s, s:s}", "file", path, "reason",
                   error == -ENOMEM
                       ? "no memory to take it in; drop it again"
                       : "the release handler has too much to do; drop it again");
}

/* -- the thread -- */

/* False if it is being written to. */
static bool take_dropped(const char *path)
{
    bool has_to_wait = !self.stage_only && is_on_trial();
    bool taken = drop_file(&self.stock, path, self.stage_only || has_to_wait);
    struct fault why = {0};

    if (!taken || !has_to_wait)
        return taken;
    busy(&why);
    event_emit(EVENT_WARN, "drop.waits", "{s:s, s:s}", "file", path, "reason",
               why.text);
    return true;
}

/* Do it; false if it has to be done again later. */
static bool run_job(struct job *job)
{
    if (job->kind == JOB_ASKED)
        return run_asked(job), true;
    if (self.stock.reboots)
        return true; /* who begins anew looks at what there is */
    if (job->kind == JOB_DROP)
        return take_dropped(job->path);
    if (job->kind == JOB_LOOK) {
        confirm_look(&self.stock);
        canary_look();
        return true;
    }
    loaded_purge(&self.stock);
    return true;
}

/* The last process that ran some code has ended; without memory the next job sees to it. */
static void unused_now(void)
{
    struct job *job = job_create(JOB_PURGE, "");

    if (job)
        job_post(job);
}

/* An application does badly: perhaps one that is on trial. */
static void look(struct group *g, enum group_trouble what, const char *vsn)
{
    struct job *job = is_on_trial() ? job_create(JOB_LOOK, "") : NULL;

    canary_note(g, what, vsn);
    if (job)
        job_post(job);
}

static void *handler_main(void *unused)
{
    struct job *job;

    while ((job = job_take())->kind != JOB_END) {
        bool was = self.stock.reboots;

        if (run_job(job))
            job_destroy(job);
        else
            job_put_off(job);
        if (self.stock.reboots && !was)
            self.reboot(self.context);
    }
    return NULL;
}

/* -- beginning and end -- */

static int make_folder(const char *path, mode_t mode, struct fault *why)
{
    char *copy = strdup(path);

    for (char *slash = copy; slash && *slash && (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        mkdir(copy, 0777); /* what can't be made shows below */
        *slash = '/';
    }
    free(copy);
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return fault(why, -errno, "unable to make the folder '%s': %s", path,
                     strerror(errno));
    return 0;
}

static int open_all(const struct release_options *options, struct fault *why)
{
    int error = make_folder(options->data, 0700, why);

    if (!error)
        error = make_folder(options->plugins, 0777, why);
    return error ? error : stock_open(&self.stock, options->data, why);
}

int release_start(const struct release_options *options, struct fault *why)
{
    int error = open_all(options, why);

    release_configure(options);
    self.reload = options->reload;
    self.reboot = options->reboot;
    self.context = options->context;
    applications_on_ensure(ensure);
    if (!error)
        error = boot_all(&self.stock, options->plugins, why);
    commons_own_all(); /* no plugin has opened any yet */
    if (!error && thread_start(&self.thread, "release", handler_main, NULL) < 0)
        error = fault(why, -EAGAIN, "unable to start the release handler's thread");
    self.has_thread = !error;
    if (!error) {
        plains_tell_unused(unused_now);
        group_on_trouble(look);
        error = watch_start(options->plugins, dropped, NULL, &self.watch, why);
    }
    if (error)
        release_stop();
    return error;
}

bool release_is_tried(void)
{
    return once_is_trying();
}

void release_cancel(void)
{
    boot_cancel();
}

static void end_thread(void)
{
    static struct job end; /* that there be memory or not */

    if (!self.has_thread)
        return;
    plains_tell_unused(NULL);
    group_on_trouble(NULL);
    end = (struct job){.kind = JOB_END};
    job_post(&end);
    pthread_join(self.thread, NULL);
    self.has_thread = false;
    confirm_finish();
    canary_finish();
    job_finish();
    drop_finish();
}

void release_stop(void)
{
    watch_stop(self.watch);
    self.watch = NULL;
    end_thread();
    applications_stop();
    boot_forget_waiting(&self.stock);
    loaded_purge(&self.stock);
    stock_close(&self.stock);
}
