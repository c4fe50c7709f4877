/* SPDX-License-Identifier: Apache-2.0 */
#include "release.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "application.h"
#include "boot.h"
#include "change.h"
#include "commons.h"
#include "event.h"
#include "intake.h"
#include "job.h"
#include "loaded.h"
#include "thread.h"
#include "watch.h"

static struct {
    pthread_t thread;
    bool has_thread;
    /* All that follows is the release handler's own. */
    struct stock stock;
    struct record *record;
    struct watch *watch;
    bool stage_only;
} self;

/* -- jobs -- */

static void run_change(struct job *job)
{
    struct change c = {.stock = &self.stock,
                       .record = self.record,
                       .verb = job->verb,
                       .listener = job->listener};
    struct fault why = {0};
    json_t *report = NULL;

    change_named(&c, job->name, job->vsn, &report, &why);
    job->listener.done(job->listener.context, report, &why);
}

/* Go to what was taken in just now, if it is for that. */
static void run_taken_in(const struct catalog_entry *entry, uint64_t vet_ns)
{
    struct boot boot = {&self.stock, self.record};
    struct change c = {.stock = &self.stock,
                       .record = self.record,
                       .verb = RELEASE_UPGRADE,
                       .vet_ns = vet_ns};
    struct application *app = application_find(entry->manifest.name);

    if (app && app->status == APPLICATION_RUNNING)
        change_to_new(&c, app, entry);
    else
        boot_start(&boot, entry);
}

/* Take the file in and go to it; false if it has to be looked at again later. */
static bool run_drop(const struct job *job)
{
    struct catalog_entry entry = {0};
    struct fault why = {0};
    struct manifest m = {0};
    uint64_t vet_ns;
    int error = intake_file(&self.stock, job->name, &m, &vet_ns, &why);

    if (error || self.stage_only ||
        catalog_find(self.stock.catalog, m.name, m.vsn, &entry) < 0)
        return error != -EBUSY;
    run_taken_in(&entry, vet_ns);
    catalog_entry_release(&entry);
    return true;
}

static void run_unpack(struct job *job)
{
    struct fault why = {0};
    struct manifest m = {0};
    json_t *report = NULL;
    uint64_t vet_ns;
    int error = intake_file(&self.stock, job->name, &m, &vet_ns, &why);

    if (!error || error == -EALREADY)
        report = json_pack("{s:s, s:s, s:b}", "application", m.name, "vsn", m.vsn,
                           "new", !error);
    fault_where(&why, "unpack", m.name, NULL, NULL);
    fault(&why, error ? error : -ENOMEM, "unable to take in '%s'", job->name);
    job->listener.done(job->listener.context, report, &why);
}

static void dropped(void *context, const char *path)
{
    struct job *job = job_create(JOB_DROP, path, NULL);
    int error = job ? job_post(job) : -ENOMEM;

    if (error)
        event_emit(EVENT_ERROR, "plugin.refused", "{s:s, s:s}", "file", path, "reason",
                   error == -ENOMEM
                       ? "no memory to take it in; drop it again"
                       : "the release handler has too much to do; drop it again");
}

/* Do it; false if it has to be done again later. */
static bool run_job(struct job *job)
{
    switch (job->kind) {
    case JOB_DROP:
        return run_drop(job);
    case JOB_CHANGE:
        run_change(job);
        break;
    case JOB_UNPACK:
        run_unpack(job);
        break;
    case JOB_END:
        break;
    }
    return true;
}

static void *handler_main(void *unused)
{
    struct job *job;

    while ((job = job_take())->kind != JOB_END)
        if (run_job(job))
            job_destroy(job);
        else
            job_put_off(job);
    return NULL;
}

int release_change(enum release_verb verb, const char *app, const char *vsn,
                   const struct release_listener *listener)
{
    struct job *job = job_create(JOB_CHANGE, app, vsn);

    if (!job)
        return -ENOMEM;
    job->verb = verb;
    job->listener = *listener;
    return job_post(job);
}

int release_unpack(const char *path, const struct release_listener *listener)
{
    struct job *job = job_create(JOB_UNPACK, path, NULL);

    if (!job)
        return -ENOMEM;
    job->listener = *listener;
    return job_post(job);
}

json_t *release_list(void)
{
    return catalog_json(self.stock.catalog);
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
    if (!error)
        error = stock_open(&self.stock, options->data, why); /* no other host has it */
    return error ? error : record_open(options->data, &self.record, why);
}

int release_start(const struct release_options *options, struct fault *why)
{
    int error = open_all(options, why);
    struct boot boot = {&self.stock, self.record};

    self.stage_only = options->stage_only;
    if (!error)
        error = boot_all(&boot, options->plugins, why);
    commons_own_all(); /* no plugin has opened any yet */
    if (!error && thread_start(&self.thread, "release", handler_main, NULL) < 0)
        error = fault(why, -EAGAIN, "unable to start the release handler's thread");
    self.has_thread = !error;
    if (!error)
        error = watch_start(options->plugins, dropped, NULL, &self.watch, why);
    if (error)
        release_stop();
    return error;
}

static void end_thread(void)
{
    static struct job end; /* that there be memory or not */

    if (!self.has_thread)
        return;
    end = (struct job){.kind = JOB_END};
    job_post(&end);
    pthread_join(self.thread, NULL);
    self.has_thread = false;
    job_finish();
}

void release_stop(void)
{
    watch_stop(self.watch);
    self.watch = NULL;
    end_thread();
    applications_stop();
    loaded_purge(&self.stock);
    record_close(self.record);
    self.record = NULL;
    stock_close(&self.stock);
}
