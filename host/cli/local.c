/* SPDX-License-Identifier: Apache-2.0 */
#include "local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "env.h"
#include "host.h"
#include "manifest.h"
#include "plan.h"
#include "refusal.h"
#include "rehearse.h"
#include "sample.h"
#include "show.h"
#include "snapshot.h"
#include "vet.h"

static int give_env(const struct args *args, struct fault *why)
{
    int error = 0;

    for (const char **word = args->many; *word && !error; word++)
        error = env_give_word(*word, why);
    return error;
}

int local_run(const struct args *args, const struct screen *screen)
{
    const struct config_options options = {
        .file = args_value(args, "config"),
        .plugins = args_value(args, "plugins"),
        .data = args_value(args, "data"),
        .socket = args->socket,
        .workers = args_value(args, "workers"),
        .on_drop = args_value(args, "on-drop"),
        .permanent = args_value(args, "permanent"),
        .rehearse = args_value(args, "rehearse"),
        .log = args_value(args, "log"),
    };
    struct config config;
    struct fault why = {0};
    int error, status;

    error = give_env(args, &why);
    if (!error)
        error = config_gather(&options, &config, &why);
    if (error) {
        screen_complain(screen, "%s", why.text);
        return error == -ENOMEM ? CLI_FAILED : CLI_USAGE;
    }
    status = host_run(&config, &options);
    config_finish(&config);
    return status;
}

int local_vet(const struct args *args, const struct screen *screen)
{
    if (fcntl(VET_FD, F_GETFD) >= 0)
        return vet_main(VET_FD);
    screen_complain(screen,
                    "'moult vet' is started by a host; 'moult check FILE' is for "
                    "people");
    return CLI_USAGE;
}

/* -- check -- */

/* What is known of a file, as it is filled in. */
struct check {
    char *path, *old; /* absolute */
    struct manifest manifest;
    json_t *lints;
    size_t states, messages; /* of a snapshot, that were carried */
    struct fault why;
};

static void add_lints(json_t *all, const struct manifest *manifest)
{
    for (int i = 0; i < LINT_COUNT; i++)
        if (manifest->lints[i][0])
            json_array_append_new(all, json_string(manifest->lints[i]));
}

static char *whole_path(const char *path, struct fault *why)
{
    char *whole = realpath(path, NULL);

    if (!whole)
        fault(why, -errno, "unable to read '%s': %s", path, strerror(errno));
    return whole;
}

/* The second ring: the code is run, in another process. */
static int try_out(struct check *check)
{
    struct vet *vet;
    struct vet_report report = {0};
    int error = vet_start(NULL, &vet, &check->why);

    if (error)
        return error;
    error = vet_run(vet, check->path, check->old, 0, &report, &check->why);
    if (!error && report.lints)
        json_array_extend(check->lints, report.lints);
    json_decref(report.lints);
    vet_stop(vet);
    return error;
}

/* Carry so many of the states from the i-th on. */
static int carry_some(struct check *check, struct vet *vet, const struct snapshot *s,
                      size_t i)
{
    struct vet_job job = {.path = check->path,
                          .with = check->old,
                          .states = s->states + i,
                          .state_count =
                              s->count - i < SAMPLE_BATCH ? s->count - i : SAMPLE_BATCH,
                          .timeout_ms = REHEARSE_LIMIT_MS};
    struct vet_report report = {0};
    int error = vet_run_job(vet, &job, &report, &check->why);

    if (error && report.state >= 0 && (size_t)report.state < job.state_count)
        plan_blame(&check->why, s->names[i + (size_t)report.state]);
    json_decref(report.lints);
    return error;
}

static int carry_all(struct check *check, const struct snapshot *s)
{
    struct vet *vet;
    int error = vet_start(NULL, &vet, &check->why);

    if (error)
        return error;
    for (size_t i = 0; i < s->count && !error; i += SAMPLE_BATCH)
        error = carry_some(check, vet, s, i);
    vet_stop(vet);
    return error;
}

/* Live states of `old`, as they are in the snapshot at `path`. */
static int try_states(struct check *check, const struct manifest *old, const char *path)
{
    struct snapshot s = {0};
    int error = snapshot_read(path, &s, &check->why);

    if (!error &&
        (strcmp(s.application, old->name) != 0 || strcmp(s.vsn, old->vsn) != 0))
        error =
            fault(&check->why, -EINVAL, "'%s' has states of %s %s, and not of %s %s",
                  path, s.application, s.vsn, old->name, old->vsn);
    if (!error)
        error = carry_all(check, &s);
    check->states = s.count;
    check->messages = s.messages;
    snapshot_finish(&s);
    return error;
}

static int check_all(const struct args *args, struct check *check)
{
    const char *states = args_value(args, "states");
    struct manifest old;
    int error = 0;

    if (states && args->count < 2)
        return fault(
            &check->why, -EINVAL,
            "--states needs the version that they are of: 'moult check NEW OLD "
            "--states FILE'");
    check->path = whole_path(args->words[0], &check->why);
    if (args->count > 1)
        check->old = whole_path(args->words[1], &check->why);
    if (check->why.error)
        return check->why.error;
    error = manifest_read(check->path, &check->manifest, &check->why);
    if (!error && check->old)
        error = manifest_read(check->old, &old, &check->why);
    if (!error && check->old && strcmp(old.name, check->manifest.name) != 0)
        error = fault(&check->why, -EINVAL,
                      "'%s' is a version of '%s', and '%s' of '%s': states are carried "
                      "between versions of one application",
                      args->words[0], check->manifest.name, args->words[1], old.name);
    if (error)
        return error;
    add_lints(check->lints, &check->manifest);
    error = try_out(check);
    return error || !states ? error : try_states(check, &old, states);
}

static bool goes_back(const struct check *check)
{
    const json_t *lint;
    size_t i;

    json_array_foreach(check->lints, i, lint)
    {
        if (strncmp(json_string_value(lint), "can't go back", 13) == 0)
            return false;
    }
    return true;
}

static void print_check(const struct check *check, bool json,
                        const struct screen *screen)
{
    const json_t *lint;
    size_t i;

    if (json) {
        json_t *all =
            json_pack("{s:s, s:s, s:s, s:O, s:I, s:I}", "name", check->manifest.name,
                      "vsn", check->manifest.vsn, "hash", check->manifest.hash, "lints",
                      check->lints, "states", (json_int_t)check->states, "messages",
                      (json_int_t)check->messages);

        json_dumpf(all, screen->out, JSON_COMPACT);
        putc('\n', screen->out);
        json_decref(all);
        return;
    }
    fprintf(screen->out, "%s %s is fit to be loaded%s%s\n", check->manifest.name,
            check->manifest.vsn, check->old ? ", and carries states" : "",
            check->old && goes_back(check) ? " both ways" : "");
    if (check->states)
        fprintf(screen->out, "%zu live state%s carried%s\n", check->states,
                check->states == 1 ? " was" : "s were",
                check->messages ? ", and the messages that waited" : "");
    json_array_foreach(check->lints, i, lint)
    {
        fputs("lint: ", screen->out);
        screen_text(screen, PLAIN, 0, json_string_value(lint));
        putc('\n', screen->out);
    }
}

int local_check(const struct args *args, const struct screen *screen)
{
    struct check check = {.lints = json_array()};
    int error = check_all(args, &check);

    if (error)
        refusal_show(&check.why, args->json, screen);
    else
        print_check(&check, args->json, screen);
    json_decref(check.lints);
    free(check.path);
    free(check.old);
    return error ? CLI_FAILED : CLI_DONE;
}
