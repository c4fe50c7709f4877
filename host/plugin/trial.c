/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commons.h"
#include "event.h"
#include "image.h"
#include "trial_carry.h"

#define THREAD_EXIT_MS 200 /* for joined threads to disappear from the kernel's list */

/* One for the process, since hooks of the image find it. */
static struct trial_progress *progress;

void trial_note(const char *doing, const char *server)
{
    snprintf(progress->doing, sizeof(progress->doing), "%s", doing);
    snprintf(progress->server, sizeof(progress->server), "%s", server ? server : "");
}

void trial_lint(json_t *lints, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    json_array_append_new(lints, json_vsprintf(format, args));
    va_end(args);
}

/* How many entries a folder has, less those with a dot. */
static int count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int count = 0;

    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

/* -- images -- */

static int open_image(const char *path, struct image **out, struct fault *why)
{
    struct manifest manifest;
    int err = manifest_read(path, &manifest, why);

    trial_spot_add(path);
    return err ? err : image_open(path, &manifest, trial_note, out, why);
}

static void close_image(struct image *image, json_t *lints)
{
    char *path = strdup(image->path);

    trial_note("its destructor", NULL);
    image_close(image);
    if (path && image_lingers(path))
        trial_lint(lints, "does not unload: something in it holds on to the process");
    free(path);
}

static int try_image(const struct image *image, struct fault *why)
{
    const struct descriptor *d = &image->descriptor;
    int err = 0;

    for (size_t i = 0; i < d->count && !err; i++) {
        err = d->codes[i].branch ? 0 : trial_check_initial(&d->codes[i], why);
        for (size_t k = 0; k < d->codes[i].kind_count && !err; k++)
            err = trial_check_initial(&d->codes[i].kinds[k], why);
        if (err)
            fault_where(why, NULL, NULL, d->codes[i].id, NULL);
    }
    return err;
}

/* The versions that a state goes through, from the first to the one that is tried. */
struct stops {
    struct image *list[ROUTE_LEGS_MAX + 1];
    size_t count;
};

static int try_change(const struct vet_job *job, const struct stops *stops,
                      json_t *lints, struct fault *why)
{
    const struct image *images[ROUTE_LEGS_MAX + 1];
    struct trip trip = {0};
    int err;

    for (size_t i = 0; i < stops->count; i++)
        images[i] = stops->list[i];
    if (strcmp(images[0]->name, images[stops->count - 1]->name) != 0)
        return fault(why, -EINVAL, "it is application '%s', not '%s'",
                     images[stops->count - 1]->name, images[0]->name);
    err = trip_plan(images, stops->count, &trip, lints, why);
    if (err == -ENOTSUP)
        return 0;
    if (!err)
        err = trip_carry_initial(&trip, lints, why);
    for (size_t i = 0; i < job->state_count && !err; i++) {
        progress->state = (int64_t)i;
        err = trip_carry(&trip, &job->states[i], why);
    }
    if (!err)
        progress->state = -1;
    return err;
}

static int open_stops(const struct vet_job *job, struct stops *stops, struct fault *why)
{
    int err = open_image(job->with, &stops->list[0], why);

    stops->count = !err;
    for (size_t i = 0; i < job->via_count && !err; i++) {
        err = open_image(job->via[i], &stops->list[stops->count], why);
        stops->count += !err;
    }
    return err;
}

/* What they lint is not asked for. */
static void close_stops(struct stops *stops)
{
    json_t *unasked = json_array();

    for (size_t i = 0; i < stops->count; i++)
        close_image(stops->list[i], unasked);
    json_decref(unasked);
}

static int try_with(const struct vet_job *job, struct image *image, json_t *lints,
                    struct fault *why)
{
    struct stops stops = {0};
    int err;

    if (job->via_count >= ROUTE_LEGS_MAX)
        return fault(why, -EINVAL, "the way leads through more than %u versions",
                     ROUTE_LEGS_MAX);
    progress->with = true;
    err = open_stops(job, &stops, why);
    progress->with = false;
    if (!err) {
        stops.list[stops.count++] = image;
        err = try_change(job, &stops, lints, why);
        stops.count--;
        progress->with = true;
        close_stops(&stops);
        progress->with = false;
    }
    return err;
}

/* A joined thread may be in the kernel's list a moment longer. */
static int threads_left(int before)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    int left = count_entries("/proc/self/task") - before;

    for (int ms = 0; left > 0 && ms < THREAD_EXIT_MS; ms++) {
        nanosleep(&moment, NULL);
        left = count_entries("/proc/self/task") - before;
    }
    return left;
}

/* What it did to what is everybody's. */
static void lint_trespasses(uint64_t next, json_t *lints)
{
    uint64_t missed = 0;
    json_t *event;

    while ((event = event_read(&next, &missed))) {
        const char *name = NULL, *what = NULL, *outcome = NULL;

        json_unpack(event, "{s:s, s?s, s?s}", "event", &name, "what", &what, "outcome",
                    &outcome);
        if (strcmp(name, "plugin.trespass") == 0)
            trial_lint(lints, "changes what is not its own: %s, which a host has %s",
                       what, outcome);
        json_decref(event);
    }
}

int trial_run(const struct vet_job *job, struct trial_progress *p, json_t *lints,
              struct fault *why)
{
    int files = count_entries("/proc/self/fd");
    int threads = count_entries("/proc/self/task");
    uint64_t events = event_next();
    struct image *image;
    int err;

    progress = p;
    trial_spot_watch(&p->spot);
    commons_start();
    trial_note("reading it", NULL);
    err = open_image(job->path, &image, why);
    if (err)
        return err;
    fault_where(why, NULL, image->name, NULL, NULL);
    err = try_image(image, why);
    if (!err && job->with && strcmp(job->with, job->path) != 0)
        err = try_with(job, image, lints, why);
    if (err)
        return err;
    close_image(image, lints);
    lint_trespasses(events, lints);
    threads = threads_left(threads);
    files = count_entries("/proc/self/fd") - files;
    if (threads > 0)
        return fault(
            why, -EINVAL,
            "it leaves threads running (%d) when it is unloaded: end them in a "
            "destructor",
            threads);
    if (files > 0)
        trial_lint(lints, "leaves descriptors open (%d) when it is unloaded", files);
    return 0;
}
