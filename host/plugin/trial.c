/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "carry.h"
#include "commons.h"
#include "ctx.h"
#include "event.h"
#include "image.h"
#include "manager.h"
#include "out.h"
#include "server.h"

#define THREAD_EXIT_MS 200 /* for joined threads to disappear from the kernel's list */

/* One for the process, since hooks of the image find it. */
static struct trial_progress *progress;

static void note(const char *doing, const char *server)
{
    snprintf(progress->doing, sizeof(progress->doing), "%s", doing);
    snprintf(progress->server, sizeof(progress->server), "%s", server ? server : "");
}

static void lint(json_t *lints, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void lint(json_t *lints, const char *format, ...)
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

/* -- states -- */

/*
 * Load the map in `from` (NULL: initial values), which `writer` describes if it isn't
 * NULL, with `code`, and save it to `to`.
 */
static int load_and_save(const struct code *code, const moult_schema *writer,
                         const moult_out *from, moult_out *to, struct fault *why)
{
    struct moult_ctx ctx = {0};
    struct server server = {.code = code};
    moult_in in = {0};
    int err;

    heap_init(&ctx.heap, 0);
    if (from)
        in = out_read(from);
    note("loading a state", code->id);
    err = state_load(&ctx, code, writer, from ? &in : NULL, &server.state, why);
    if (!err) {
        note("saving a state", code->id);
        err = server_save(&server, to, why);
    }
    heap_finish(&ctx.heap);
    if (!err && !carry_is_map(to)) {
        fault_where(why, NULL, NULL, code->id, "save");
        err = fault(
            why, -EBADMSG,
            "save of server '%s' does not write one map: begin with moult_put_map",
            code->id);
    }
    return err;
}

/* A state with its initial values must be the same after being saved and loaded. */
static int check_initial(const struct code *code, struct fault *why)
{
    moult_out first, second;
    int err;

    out_init(&first, NULL, 0);
    out_init(&second, NULL, 0);
    err = load_and_save(code, NULL, NULL, &first, why);
    if (!err)
        err = load_and_save(code, code->schema, &first, &second, why);
    if (!err && (first.len != second.len ||
                 memcmp(first.bytes, second.bytes, first.len) != 0)) {
        fault_where(why, NULL, NULL, NULL, code->server.save ? "save" : NULL);
        err =
            fault(why, -EBADMSG,
                  "the state of server '%s' is another after it was saved and loaded: "
                  "save and load must agree",
                  code->id);
    }
    out_release(&first);
    out_release(&second);
    return err;
}

static int translate(const struct code *a, const struct code *b, const moult_out *from,
                     moult_out *to, struct fault *why)
{
    char what[96];

    snprintf(what, sizeof(what), "code_change from format %u to %u", a->server.format,
             b->server.format);
    note(what, a->id);
    return carry_translate(a, b, from, to, why);
}

/* The same for those of a manager's handlers that `from` has. */
static int carry_handlers(const struct code *a, const struct code *b,
                          const moult_out *from, moult_out *to, struct fault *why)
{
    struct moult_ctx ctx = {0};
    struct server server = {.code = b};
    moult_out scratch;
    int err;

    out_init(&scratch, NULL, 0);
    heap_init(&ctx.heap, 0);
    note("carrying the handlers", a->id);
    err = carry_state(a, b, from, &scratch, &ctx, &server.state, why);
    if (!err)
        err = server_save(&server, to, why);
    heap_finish(&ctx.heap);
    out_release(&scratch);
    return err;
}

/* Carry a state of `a` to one of `b`, and have `b` load it and save it in `to`. */
static int carry(const struct code *a, const struct code *b, const moult_out *from,
                 moult_out *to, struct fault *why)
{
    bool is_changed = a->server.format != b->server.format;
    moult_out changed;
    int err = 0;

    if (b->server.manager && a->server.manager)
        return carry_handlers(a, b, from, to, why);
    out_init(&changed, NULL, 0);
    if (is_changed)
        err = translate(a, b, from, &changed, why);
    if (!err)
        err = load_and_save(b, is_changed ? NULL : a->schema,
                            is_changed ? &changed : from, to, why);
    out_release(&changed);
    if (err)
        fault_where(why, NULL, NULL, a->id, NULL);
    return err;
}

/* From `a`, which runs, to `b`, which must go; and back, which may be refused. */
static int carry_both_ways(const struct code *a, const struct code *b,
                           const moult_out *from, json_t *lints, struct fault *why)
{
    struct fault back = {0};
    moult_out there, again;
    int err;

    out_init(&there, NULL, 0);
    out_init(&again, NULL, 0);
    err = carry(a, b, from, &there, why);
    if (!err && carry(b, a, &there, &again, &back) && lints)
        lint(lints, "can't go back to %s: %s", a->vsn, back.text);
    out_release(&there);
    out_release(&again);
    return err;
}

static int carry_initial(const struct code *a, const struct code *b, json_t *lints,
                         struct fault *why)
{
    const struct code *newer = carry_translator(a, b);
    moult_out initial;
    int err;

    if (a->server.format != b->server.format && !newer->server.code_change) {
        fault_where(why, NULL, NULL, a->id, "code_change");
        return fault(why, -ENOTSUP,
                     "server '%s' has format %u in %s and %u in %s, and %s has no "
                     "code_change: write one, or keep the format",
                     a->id, a->server.format, a->vsn, b->server.format, b->vsn,
                     newer->vsn);
    }
    out_init(&initial, NULL, 0);
    err = load_and_save(a, NULL, NULL, &initial, why);
    if (!err)
        err = carry_both_ways(a, b, &initial, lints, why);
    out_release(&initial);
    return err;
}

/* What there may be of it: the kinds that both have. */
static int carry_initial_handlers(const struct code *a, const struct code *b,
                                  json_t *lints, struct fault *why)
{
    int err = 0;

    for (size_t i = 0; i < a->kind_count && !err; i++) {
        const struct code *same = manager_kind(b, a->kinds[i].handler.name);

        err = same ? carry_initial(&a->kinds[i], same, lints, why) : 0;
    }
    return err;
}

static int carry_snapshot(const struct image *with, const struct image *image,
                          const struct vet_state *state, struct fault *why)
{
    const struct code *a = image_find_code(with, state->server);
    const struct code *b = image_find_code(image, state->server);
    moult_out from;
    int err;

    if (!a || !b)
        return 0; /* it starts or ends with the change */
    out_init(&from, NULL, 0);
    moult_put_item(&from, state->bytes, state->len);
    err =
        carry_is_map(&from)
            ? carry_both_ways(a, b, &from, NULL, why)
            : fault(why, -EBADMSG, "the state of server '%s' is no map", state->server);
    out_release(&from);
    return err;
}

/* -- images -- */

static int open_image(const char *path, struct image **out, struct fault *why)
{
    struct manifest manifest;
    int err = manifest_read(path, &manifest, why);

    return err ? err : image_open(path, &manifest, note, out, why);
}

static void close_image(struct image *image, json_t *lints)
{
    char *path = strdup(image->path);

    note("its destructor", NULL);
    image_close(image);
    if (path && image_lingers(path))
        lint(lints, "does not unload: something in it holds on to the process");
    free(path);
}

static int try_image(const struct image *image, struct fault *why)
{
    const struct descriptor *d = &image->descriptor;
    int err = 0;

    for (size_t i = 0; i < d->count && !err; i++) {
        err = d->codes[i].branch ? 0 : check_initial(&d->codes[i], why);
        for (size_t k = 0; k < d->codes[i].kind_count && !err; k++)
            err = check_initial(&d->codes[i].kinds[k], why);
        if (err)
            fault_where(why, NULL, NULL, d->codes[i].id, NULL);
    }
    return err;
}

static int try_change(const struct vet_job *job, const struct image *with,
                      const struct image *image, json_t *lints, struct fault *why)
{
    const struct descriptor *d = &image->descriptor;
    int err = 0;

    if (strcmp(with->name, image->name) != 0)
        return fault(why, -EINVAL, "it is application '%s', not '%s'", image->name,
                     with->name);
    for (size_t i = 0; i < d->count && !err; i++) {
        const struct code *before = image_find_code(with, d->codes[i].id);

        if (before && !before->branch && !d->codes[i].branch && !before->server.manager)
            err = carry_initial(before, &d->codes[i], lints, why);
        if (before && !err)
            err = carry_initial_handlers(before, &d->codes[i], lints, why);
    }
    for (size_t i = 0; i < job->state_count && !err; i++) {
        progress->state = (int64_t)i;
        err = carry_snapshot(with, image, &job->states[i], why);
    }
    if (!err)
        progress->state = -1;
    return err;
}

static int try_with(const struct vet_job *job, const struct image *image, json_t *lints,
                    struct fault *why)
{
    json_t *unasked = json_array();
    struct image *with = NULL;
    int err;

    progress->with = true;
    err = open_image(job->with, &with, why);
    progress->with = false;
    if (!err) {
        err = try_change(job, with, image, lints, why);
        progress->with = true;
        close_image(with, unasked);
        progress->with = false;
    }
    json_decref(unasked);
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
            lint(lints, "changes what is not its own: %s, which a host has %s", what,
                 outcome);
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
    commons_start();
    note("reading it", NULL);
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
        lint(lints, "leaves descriptors open (%d) when it is unloaded", files);
    return 0;
}
