/* SPDX-License-Identifier: Apache-2.0 */
#include "release.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "application.h"
#include "catalog.h"
#include "clock.h"
#include "commons.h"
#include "event.h"
#include "image.h"
#include "record.h"
#include "store.h"
#include "thread.h"
#include "upgrade.h"
#include "vet.h"
#include "watch.h"

#define BUSY_RETRY_MS 20 /* between looks at a file that is being written to */

enum job_kind { JOB_CHANGE, JOB_DROP, JOB_UNPACK, JOB_END };

struct job {
    struct job *next;
    enum job_kind kind;
    enum release_verb verb;
    struct release_listener listener;
    char *vsn;   /* or NULL */
    char name[]; /* the application's, or the dropped file's path */
};

/* What to do with an application, and for whom. */
struct release_order {
    enum release_verb verb;
    struct release_listener listener; /* may be empty */
    uint64_t vet_ns;                  /* spent on the file so far */
};

/* A version that is loaded, as applications want it described. */
struct loaded {
    struct loaded *next;
    struct image *image;
    struct application_spec spec;
};

static struct {
    pthread_mutex_t lock; /* guards the jobs */
    pthread_cond_t come;
    struct job *first, *last;
    unsigned waiting; /* from the first to the last */
    pthread_t thread;
    bool has_thread;
    /* All that follows is the release handler's own. */
    struct catalog *catalog; /* has a lock of its own */
    struct store *store;
    struct record *record;
    struct vet *vet;
    struct watch *watch;
    struct loaded *loaded;
    struct job *busy; /* files dropped that were being written to */
    bool stage_only;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER};

/* -- jobs -- */

static struct job *job_create(enum job_kind kind, const char *name, const char *vsn)
{
    struct job *job = calloc(1, sizeof(*job) + strlen(name) + 1);

    if (!job)
        return NULL;
    job->kind = kind;
    strcpy(job->name, name);
    if (vsn && !(job->vsn = strdup(vsn))) {
        free(job);
        return NULL;
    }
    return job;
}

static void job_destroy(struct job *job)
{
    free(job->vsn);
    free(job);
}

/* Does a job wait already that will look at that file? */
static bool is_waiting(const struct job *job)
{
    const struct job *other = self.first;

    while (other && (other->kind != job->kind || strcmp(other->name, job->name) != 0))
        other = other->next;
    return other != NULL;
}

static void append(struct job *job)
{
    if (self.last)
        self.last->next = job;
    else
        self.first = job;
    self.last = job;
    self.waiting++;
    pthread_cond_signal(&self.come);
}

/* Have `job` (taken) done after the others.  0; -EAGAIN if too many wait. */
static int job_post(struct job *job)
{
    bool is_known, is_room;

    pthread_mutex_lock(&self.lock);
    is_known = job->kind == JOB_DROP && is_waiting(job);
    is_room = job->kind == JOB_END || self.waiting < RELEASE_JOBS_MAX;
    if (!is_known && is_room)
        append(job);
    pthread_mutex_unlock(&self.lock);
    if (is_known || !is_room)
        job_destroy(job);
    return is_known || is_room ? 0 : -EAGAIN;
}

/* For another job, or until those that are busy are to be looked at again. */
static void wait_a_moment(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += BUSY_RETRY_MS * 1000000L;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_clockwait(&self.come, &self.lock, CLOCK_MONOTONIC, &until);
}

static struct job *job_take(void)
{
    struct job *job;

    pthread_mutex_lock(&self.lock);
    if (!self.first && self.busy)
        wait_a_moment();
    while (!self.first && !self.busy)
        pthread_cond_wait(&self.come, &self.lock);
    job = self.first;
    if (job) {
        self.first = job->next;
        self.waiting--;
        if (!self.first)
            self.last = NULL;
    }
    pthread_mutex_unlock(&self.lock);
    if (job)
        return job;
    job = self.busy;
    self.busy = job->next;
    return job;
}

/* -- images -- */

static struct loaded *loaded_find(const char *name, const char *vsn)
{
    struct loaded *l = self.loaded;

    while (l && (strcmp(l->image->name, name) != 0 || strcmp(l->image->vsn, vsn) != 0))
        l = l->next;
    return l;
}

static struct loaded *loaded_of(struct application *app)
{
    struct loaded *l = self.loaded;

    while (l && &l->spec != app->spec)
        l = l->next;
    return l;
}

static int make_loaded(struct image *image, struct loaded **out)
{
    const struct descriptor *d = &image->descriptor;
    struct loaded *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    l->image = image;
    l->spec = (struct application_spec){
        .name = image->name,
        .vsn = image->vsn,
        .description = d->plugin.description ? d->plugin.description : "",
        .top = d->branches[0],
        .image = image};
    l->next = self.loaded;
    self.loaded = l;
    *out = l;
    return 0;
}

/* A path never loaded before, if an image of that file lingers. */
static int fresh_path(const struct catalog_entry *entry, char **path, struct fault *why)
{
    if (!image_lingers(entry->stored)) {
        *path = strdup(entry->stored);
        return *path ? 0 : fault(why, -ENOMEM, "no memory to load a plugin");
    }
    if (store_reissue(self.store, entry->stored, path, why) < 0)
        return why->error;
    return catalog_set_stored(self.catalog, entry->manifest.name, entry->manifest.vsn,
                              *path);
}

static int load(const struct catalog_entry *entry, struct loaded **out,
                struct fault *why)
{
    struct image *image;
    char *path = NULL;
    int error;

    *out = loaded_find(entry->manifest.name, entry->manifest.vsn);
    if (*out)
        return 0;
    error = fresh_path(entry, &path, why);
    if (!error)
        error = image_open(path, &entry->manifest, NULL, &image, why);
    free(path);
    if (error) {
        fault_where(why, "load", entry->manifest.name, NULL, NULL);
        return error;
    }
    if (make_loaded(image, out) == 0)
        return 0;
    image_close(image);
    return fault(why, -ENOMEM, "no memory to load a plugin");
}

/* Unload every image that nothing uses; those in use are looked at again next time. */
static void purge(void)
{
    struct loaded **link = &self.loaded;

    while (*link) {
        struct loaded *l = *link;
        struct application *app = application_find(l->spec.name);
        bool runs = app && app->spec == &l->spec && app->status == APPLICATION_RUNNING;

        if (runs || image_uses(l->image) > 0) {
            link = &l->next;
            continue;
        }
        *link = l->next;
        if (app && app->spec == &l->spec)
            application_became(app, NULL);
        event_emit(EVENT_DEBUG, "image.purge", "{s:s, s:s}", "app", l->image->name,
                   "vsn", l->image->vsn);
        image_close(l->image);
        free(l);
    }
}

/* -- starting -- */

static int start(const struct catalog_entry *entry, struct fault *why)
{
    struct application *app;
    struct loaded *l;
    int error = load(entry, &l, why);

    if (!error)
        error = record_prepare(self.record, entry->manifest.name, entry->manifest.vsn,
                               entry->manifest.hash, why);
    if (!error) {
        error = application_start(&l->spec, &app, why);
        if (error)
            record_forget(self.record);
        else
            error = record_commit(self.record, why);
    }
    if (error) {
        purge();
        return error;
    }
    catalog_set_status(self.catalog, entry->manifest.name, entry->manifest.vsn,
                       CATALOG_RUNNING);
    return 0;
}

static void start_refused(const struct catalog_entry *entry, const struct fault *why)
{
    catalog_refuse(self.catalog, &entry->manifest, entry->dropped, why->text);
    event_emit(EVENT_ERROR, "application.refused", "{s:s, s:s, s:s}", "app",
               entry->manifest.name, "vsn", entry->manifest.vsn, "reason", why->text);
}

/* -- changing versions -- */

static int resolve(const char *name, const char *vsn, struct catalog_entry *to,
                   struct fault *why)
{
    int error = vsn ? catalog_find(self.catalog, name, vsn, to)
                    : catalog_find_highest(self.catalog, name, to);

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
static void committed(const char *app, const char *from, const char *to,
                      const json_t *report)
{
    catalog_set_status(self.catalog, app, from, CATALOG_OLD);
    catalog_set_status(self.catalog, app, to, CATALOG_RUNNING);
    event_emit(EVENT_INFO, "upgrade.commit", "{s:s, s:s, s:s, s:O*, s:O*, s:O*}", "app",
               app, "from", from, "to", to, "servers",
               json_object_get(report, "servers"), "pause_us",
               json_object_get(report, "pause_us"), "waited",
               json_object_get(report, "waited"));
}

static int change(const struct release_order *order, struct application *app,
                  const struct catalog_entry *to, json_t **report, struct fault *why)
{
    struct loaded *from = loaded_of(app), *l;
    struct upgrade u = {.app = app,
                        .vet = self.vet,
                        .record = self.record,
                        .vet_ns = order->vet_ns,
                        .progress = order->listener.progress,
                        .context = order->listener.context};
    char from_vsn[VERSION_MAX + 1];
    int error;

    if (!from || app->status != APPLICATION_RUNNING)
        return fault(why, -ESRCH, "application '%s' does not run", app->name);
    error = check_direction(order->verb, from->spec.vsn, to->manifest.vsn, why);
    if (!error)
        error = load(to, &l, why);
    if (error)
        return error;
    snprintf(from_vsn, sizeof(from_vsn), "%s", from->spec.vsn);
    u.from = from->image;
    u.to = l->image;
    u.spec = &l->spec;
    error = is_plan(order->verb) ? upgrade_plan(&u, report, why)
                                 : upgrade_run(&u, report, why);
    if (!error && !is_plan(order->verb))
        committed(app->name, from_vsn, to->manifest.vsn, *report);
    purge();
    return error;
}

/* Has it been tried with the version that runs?  Vetting knows what ran then. */
static int vet_again(const struct catalog_entry *to, const struct application *app,
                     uint64_t *took_ns, struct fault *why)
{
    struct catalog_entry from = {0};
    struct vet_report report = {0};
    uint64_t began = clock_ns();
    int error = catalog_find_running(self.catalog, app->name, &from);

    if (!error)
        error = vet_run(self.vet, to->stored, from.stored, 0, &report, why);
    json_decref(report.lints);
    catalog_entry_release(&from);
    *took_ns = clock_ns() - began;
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

/* Bring `job`'s application where it is asked to be; `to` says where that is. */
static int change_named(const struct job *job, struct catalog_entry *to,
                        json_t **report, struct fault *why)
{
    struct release_order order = {.verb = job->verb, .listener = job->listener};
    struct application *app = application_find(job->name);
    int error;

    if (!app)
        return fault(why, -ENOENT, "no application is called '%s'", job->name);
    if (!app->spec || app->status != APPLICATION_RUNNING)
        return fault(why, -ESRCH, "application '%s' does not run", job->name);
    error = resolve(job->name, job->vsn, to, why);
    if (!error)
        error = check_direction(job->verb, app->spec->vsn, to->manifest.vsn, why);
    if (!error)
        error = vet_again(to, app, &order.vet_ns, why);
    return error ? error : change(&order, app, to, report, why);
}

static void run_change(struct job *job)
{
    struct catalog_entry to = {0};
    struct fault why = {0};
    json_t *report = NULL;
    int error = change_named(job, &to, &report, &why);

    if (error) {
        fault_where(&why, "find", job->name, NULL, NULL);
        if (!is_plan(job->verb))
            refused(job->name, to.manifest.vsn[0] ? to.manifest.vsn : job->vsn, &why);
    }
    catalog_entry_release(&to);
    job->listener.done(job->listener.context, report, &why);
}

/* -- taking files in -- */

/* Is it no fault of the file's, so that it may be taken in another time? */
static bool is_passing(int error)
{
    return error == -EAGAIN || error == -ENOMEM || error == -EPIPE ||
           error == -ENOSPC || error == -EDQUOT || error == -EIO || error == -EMFILE ||
           error == -ENFILE;
}

static void drop_refused(const struct manifest *m, const char *path,
                         const struct fault *why)
{
    if (!is_passing(why->error)) /* who hears of it finds it in the list */
        catalog_refuse(self.catalog, m, path, why->text);
    event_emit(EVENT_ERROR, "plugin.refused", "{s:s, s:s, s:s, s:s, s:s}", "file", path,
               "app", m->name, "vsn", m->vsn, "step", why->step, "reason", why->text);
}

static int vet_and_add(const struct manifest *m, const char *path, const char *stored,
                       uint64_t *vet_ns, struct fault *why)
{
    struct catalog_entry running = {0};
    struct vet_report report = {0};
    uint64_t began = clock_ns();
    int error;

    catalog_find_running(self.catalog, m->name, &running); /* none is fine */
    error = vet_run(self.vet, stored, running.stored, 0, &report, why);
    *vet_ns = clock_ns() - began;
    if (!error && (error = store_approve(self.store, stored)) < 0)
        fault(why, error, "unable to keep '%s': %s", stored, strerror(-error));
    if (!error &&
        (error = catalog_add(self.catalog, m, stored, path, report.lints)) < 0)
        fault(why, error, "unable to list %s %s: %s", m->name, m->vsn,
              strerror(-error));
    json_decref(report.lints);
    catalog_entry_release(&running);
    return error;
}

/* Has nobody written to the file at `path` since it was `before`? */
static bool is_as_before(const char *path, const struct stat *before)
{
    struct stat now;

    return !watch_is_being_written(path) && stat(path, &now) == 0 &&
           now.st_ino == before->st_ino && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/*
 * Take in the file at `path`.  0; -EALREADY (it is here); -ECANCELED (it was refused
 * before); -EBUSY (it is being written to); or it is refused now, told and remembered.
 * `*reason` says why.
 */
static int take_in(const char *path, struct manifest *m, uint64_t *vet_ns,
                   struct fault *reason)
{
    struct fault why = {0};
    struct stat before = {0};
    char *stored = NULL;
    int error;

    *vet_ns = 0;
    stat(path, &before);
    error = manifest_read(path, m, &why);
    if (error)
        fault_where(&why, "read", NULL, NULL, NULL);
    if (!m->hash[0] && error == -ENOENT)
        return error; /* gone again */
    if (error && !is_as_before(path, &before))
        return fault(reason, -EBUSY, "'%s' is being written to", path);
    if (!error || m->hash[0]) {
        struct fault known = {0};
        int considered = catalog_consider(self.catalog, m, path, &known);

        if (considered == -EALREADY || considered == -ECANCELED) {
            *reason = known;
            return considered;
        }
        if (!error && (error = considered) < 0)
            why = known;
    }
    if (!error && (error = store_put(self.store, path, m, &stored, &why)) == -EAGAIN) {
        *reason = why; /* it has changed since */
        return -EBUSY;
    }
    if (!error)
        error = vet_and_add(m, path, stored, vet_ns, &why);
    if (error && stored)
        store_drop(self.store, stored);
    free(stored);
    *reason = why;
    if (error)
        drop_refused(m, path, &why);
    else
        event_emit(EVENT_INFO, "plugin.staged", "{s:s, s:s, s:s}", "app", m->name,
                   "vsn", m->vsn, "file", path);
    return error;
}

static void upgrade_to(struct application *app, const struct catalog_entry *entry,
                       uint64_t vet_ns)
{
    struct release_order order = {.verb = RELEASE_UPGRADE, .vet_ns = vet_ns};
    json_t *report = NULL;
    struct fault why = {0};

    if (!app->spec || version_compare(entry->manifest.vsn, app->spec->vsn) <= 0)
        return; /* a lower one is there to be asked for */
    if (change(&order, app, entry, &report, &why) < 0)
        refused(app->name, entry->manifest.vsn, &why);
    json_decref(report);
}

/* Take the file in and go to it; false if it has to be looked at again later. */
static bool run_drop(const struct job *job)
{
    struct catalog_entry entry = {0};
    struct application *app;
    struct fault why = {0};
    struct manifest m = {0};
    uint64_t vet_ns;
    int error = take_in(job->name, &m, &vet_ns, &why);

    if (error || self.stage_only ||
        catalog_find(self.catalog, m.name, m.vsn, &entry) < 0)
        return error != -EBUSY;
    app = application_find(m.name);
    if (app && app->status == APPLICATION_RUNNING)
        upgrade_to(app, &entry, vet_ns);
    else if (start(&entry, &why) < 0)
        start_refused(&entry, &why);
    catalog_entry_release(&entry);
    return true;
}

static void run_unpack(struct job *job)
{
    struct fault why = {0};
    struct manifest m = {0};
    json_t *report = NULL;
    uint64_t vet_ns;
    int error = take_in(job->name, &m, &vet_ns, &why);

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

/* Look at the file again later; once is enough. */
static void put_off(struct job *job)
{
    struct job **link = &self.busy;

    while (*link && strcmp((*link)->name, job->name) != 0)
        link = &(*link)->next;
    if (*link) {
        job_destroy(job);
        return;
    }
    job->next = NULL;
    *link = job;
}

static void *handler_main(void *unused)
{
    struct job *job;

    while ((job = job_take())->kind != JOB_END)
        if (run_job(job))
            job_destroy(job);
        else
            put_off(job);
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
    return catalog_json(self.catalog);
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

/*
 * What an earlier host stored is here already, if it was vetted to the end and can still
 * be read.  The same content may be there twice, if it was loaded again while it
 * lingered.
 */
static void take_back(void *context, const char *stored)
{
    struct manifest m = {0};
    int *first = context, error = -EINVAL;

    if (store_is_approved(self.store, stored))
        error = manifest_read(stored, &m, NULL);
    if (!error)
        error = catalog_consider(self.catalog, &m, NULL, NULL);
    if (!error)
        error = catalog_add(self.catalog, &m, stored, NULL, NULL);
    if (error == -EDQUOT) /* it stays there, and waits for room */
        return;
    if (is_passing(error)) /* which is no reason to lose it */
        *first = *first ? *first : error;
    else if (error)
        store_drop(self.store, stored);
}

static int take_all_back(struct fault *why)
{
    int first = 0, error = store_each(self.store, take_back, &first);

    error = error ? error : first;
    return error ? fault(why, error, "unable to read what is in the store: %s",
                         strerror(-error))
                 : 0;
}

struct folder {
    char **paths;
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_folder(const char *path, struct folder *out, struct fault *why)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir)
        return fault(why, -errno, "unable to read the plugin folder '%s': %s", path,
                     strerror(errno));
    while ((entry = readdir(dir))) {
        char **more;

        if (!watch_is_plugin_name(entry->d_name))
            continue;
        more = realloc(out->paths, (out->count + 1) * sizeof(*more));
        if (more)
            out->paths = more;
        if (more &&
            asprintf(&out->paths[out->count], "%s/%s", path, entry->d_name) >= 0)
            out->count++;
    }
    closedir(dir);
    if (out->count)
        qsort(out->paths, out->count, sizeof(*out->paths), by_text);
    return 0;
}

/* The version of `name` to begin with: the record's if it is here, or the highest. */
static int choose(const char *name, struct catalog_entry *out)
{
    const char *vsn = record_vsn(self.record, name),
               *hash = record_hash(self.record, name);

    if (vsn && hash && catalog_find(self.catalog, name, vsn, out) == 0) {
        if (strcmp(out->manifest.hash, hash) == 0)
            return 0;
        catalog_entry_release(out);
    }
    if (vsn)
        event_emit(EVENT_WARN, "release.missing", "{s:s, s:s}", "app", name, "vsn",
                   vsn);
    return catalog_find_highest(self.catalog, name, out);
}

static void start_named(const char *name)
{
    struct catalog_entry entry = {0};
    struct application *app = application_find(name);
    struct fault why = {0};

    if ((app && app->status == APPLICATION_RUNNING) || choose(name, &entry) < 0)
        return;
    if (start(&entry, &why) < 0)
        start_refused(&entry, &why);
    catalog_entry_release(&entry);
}

static int take_in_all(const char *plugins, struct fault *why)
{
    struct folder folder = {0};
    struct fault ignored = {0}; /* drop_refused() has told it */
    struct manifest m;
    uint64_t vet_ns;
    int error = read_folder(plugins, &folder, why);

    for (size_t i = 0; i < folder.count; i++) {
        m = (struct manifest){0};
        take_in(folder.paths[i], &m, &vet_ns, &ignored);
    }
    if (record_each(self.record, start_named) < 0 && !error) /* in the folder or not */
        error = fault(why, -ENOMEM, "no memory to start what the release record has");
    for (size_t i = 0; i < folder.count; i++) {
        if (manifest_read(folder.paths[i], &m, NULL) == 0 &&
            !record_vsn(self.record, m.name))
            start_named(m.name);
        free(folder.paths[i]);
    }
    free(folder.paths);
    return error;
}

static int open_all(const struct release_options *options, struct fault *why)
{
    char *stored = NULL;
    int error = make_folder(options->data, 0700, why);

    if (!error)
        error = make_folder(options->plugins, 0777, why);
    if (!error && asprintf(&stored, "%s/store", options->data) < 0)
        error = fault(why, -ENOMEM, "no memory for the release handler");
    if (!error)
        error = store_open(stored, &self.store, why);
    if (!error)
        error = record_open(options->data, &self.record, why);
    if (!error)
        error = vet_start(NULL, &self.vet, why);
    if (!error && !(self.catalog = catalog_create()))
        error = fault(why, -ENOMEM, "no memory for the release handler");
    free(stored);
    return error;
}

int release_start(const struct release_options *options, struct fault *why)
{
    int error = open_all(options, why);

    self.stage_only = options->stage_only;
    if (!error)
        error = take_all_back(why);
    if (!error)
        error = take_in_all(options->plugins, why);
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
    struct job *job;

    if (!self.has_thread)
        return;
    end = (struct job){.kind = JOB_END};
    job_post(&end);
    pthread_join(self.thread, NULL);
    self.has_thread = false;
    while ((job = self.busy)) {
        self.busy = job->next;
        job_destroy(job);
    }
}

void release_stop(void)
{
    watch_stop(self.watch);
    self.watch = NULL;
    end_thread();
    applications_stop();
    purge();
    vet_stop(self.vet);
    record_close(self.record);
    catalog_destroy(self.catalog);
    store_close(self.store);
    self.vet = NULL;
    self.record = NULL;
    self.catalog = NULL;
    self.store = NULL;
}
