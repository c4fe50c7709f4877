/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <errno.h>
#include <string.h>

#include "methods.h"
#include "params.h"
#include "release.h"

void changes_releases(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        request_reply(request, release_list());
}

static void change_progress(void *context, const char *step, const json_t *more)
{
    json_t *members = json_pack("{s:s}", "step", step);
    json_t *own = json_deep_copy(more); /* its uses are counted on another thread */

    if (own && members)
        json_object_update_missing(members, own);
    json_decref(own);
    request_progress(context, members);
}

static void change_done(void *context, json_t *report, const struct fault *why)
{
    if (report)
        request_reply(context, report);
    else
        request_fault(context, why);
}

/* The release handler did not take the job. */
static void not_begun(struct request *request, int error)
{
    struct fault why = {0};

    if (error == -EAGAIN)
        fault(&why, error, "%u changes wait for the release handler already",
              RELEASE_JOBS_MAX);
    else
        fault(&why, error, "no memory to begin");
    request_fault(request, &why);
}

/* Have the release handler do it on `terms` (or NULL); `words` is taken. */
static void handle_on(struct request *request, enum release_verb verb, json_t *words,
                      const struct terms *terms)
{
    struct release_listener listener = {change_progress, change_done, request};
    int error = words ? release_ask(verb, words, terms, &listener) : -ENOMEM;

    json_decref(words);
    if (error)
        not_begun(request, error);
}

static void handle(struct request *request, enum release_verb verb, json_t *words)
{
    handle_on(request, verb, words, NULL);
}

static struct terms take_terms(struct params *p)
{
    return (struct terms){
        .max_pause_ms =
            (uint32_t)params_uint_or(p, "max_pause_ms", 0, 1, TERMS_MOST_MS),
        .max_move_ms = (uint32_t)params_uint_or(p, "max_move_ms", 0, 1, TERMS_MOST_MS),
        .confirm_ms = (uint32_t)params_uint_or(p, "confirm_within_ms", 0, 1,
                                               (uint64_t)TERMS_MOST_S * 1000u),
        .brutal = params_flag(p, "brutal")};
}

void changes_purge(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *target = params_text(&p, "target");
    const struct terms terms = {.brutal = params_flag(&p, "brutal")};

    if (!params_refused(&p, request))
        handle_on(request, RELEASE_PURGE, json_pack("[s]", target), &terms);
}

/* Who of one application is to go; `targets` and what follows it, given. */
static json_t *canary_words(struct params *p, const json_t *targets,
                            const json_t *canary, const struct terms *terms, bool plan)
{
    json_t *words;

    if (json_array_size(targets) != 1)
        params_wrong(p, "a canary is of one application");
    if (plan || terms->confirm_ms || terms->brutal)
        params_wrong(p, "a canary has no plan, and nothing to confirm or to kill");
    words = json_copy((json_t *)(uintptr_t)targets);
    if (json_array_extend(words, (json_t *)(uintptr_t)canary) == 0)
        return words;
    json_decref(words);
    return NULL;
}

void changes_upgrade(struct request *request, void *context)
{
    struct params p = params_of(request);
    json_t *targets = params_texts(&p, "targets"),
           *canary = params_find_texts(&p, "canary"), *words = NULL;
    bool plan = params_flag(&p, "plan");
    struct terms terms = take_terms(&p);

    if (canary && targets)
        words = canary_words(&p, targets, canary, &terms, plan);
    if (params_refused(&p, request))
        json_decref(words);
    else if (canary)
        handle_on(request, RELEASE_CANARY, words, &terms);
    else
        handle_on(request, plan ? RELEASE_PLAN_UPGRADE : RELEASE_UPGRADE,
                  json_incref(targets), &terms);
}

void changes_downgrade(struct request *request, void *context)
{
    struct params p = params_of(request);
    json_t *targets = params_texts(&p, "targets"), *target;
    bool plan = params_flag(&p, "plan");
    struct terms terms = take_terms(&p);
    size_t i;

    json_array_foreach(targets, i, target)
    {
        if (!strchr(json_string_value(target), '@'))
            params_wrong(&p, "a downgrade needs a version, as \"%s@1.0.0\"",
                         json_string_value(target));
    }
    if (!params_refused(&p, request))
        handle_on(request, plan ? RELEASE_PLAN_DOWNGRADE : RELEASE_DOWNGRADE,
                  json_incref(targets), &terms);
}

void changes_rehearse(struct request *request, void *context)
{
    struct params p = params_of(request);
    json_t *targets = params_texts(&p, "targets");

    if (!params_refused(&p, request))
        handle(request, RELEASE_REHEARSE, json_incref(targets));
}

void changes_snapshot(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *app = params_text(&p, "application"), *file = params_text(&p, "file");

    if (file && file[0] != '/')
        params_wrong(&p, "'file' must be an absolute path");
    if (!params_refused(&p, request))
        handle(request, RELEASE_SNAPSHOT, json_pack("[s, s]", app, file));
}

void changes_unpack(struct request *request, void *context)
{
    struct params p = params_of(request);
    json_t *files = params_texts(&p, "files"), *file;
    size_t i;

    json_array_foreach(files, i, file)
    {
        if (json_string_value(file)[0] != '/')
            params_wrong(&p, "'files' must hold absolute paths");
    }
    if (!params_refused(&p, request))
        handle(request, RELEASE_UNPACK, json_incref(files));
}

void changes_install(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *release = params_text(&p, "release");
    bool plan = params_flag(&p, "plan");
    struct terms terms = take_terms(&p);

    if (!params_refused(&p, request))
        handle_on(request, plan ? RELEASE_PLAN_INSTALL : RELEASE_INSTALL,
                  json_pack("[s]", release), &terms);
}

void changes_permanent(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *release = params_text_or(&p, "release", NULL);

    if (!params_refused(&p, request))
        handle(request, RELEASE_PERMANENT, json_pack("[s*]", release));
}

void changes_confirm(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        handle(request, RELEASE_CONFIRM, json_array());
}

void changes_promote(struct request *request, void *context)
{
    struct params p = params_of(request);
    struct terms terms = take_terms(&p);

    if (!params_refused(&p, request))
        handle_on(request, RELEASE_PROMOTE, json_array(), &terms);
}

void changes_canary(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        handle(request, RELEASE_HOW_CANARY, json_array());
}

void changes_withdraw(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        handle(request, RELEASE_WITHDRAW, json_array());
}

void changes_remove(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *release = params_text(&p, "release");

    if (!params_refused(&p, request))
        handle(request, RELEASE_REMOVE, json_pack("[s]", release));
}

void changes_reload(struct request *request, void *context)
{
    struct params p = params_of(request);

    if (!params_refused(&p, request))
        handle(request, RELEASE_RELOAD, json_array());
}

void changes_reboot_old(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *release = params_text(&p, "release");

    if (!params_refused(&p, request))
        handle(request, RELEASE_REBOOT_OLD, json_pack("[s]", release));
}
