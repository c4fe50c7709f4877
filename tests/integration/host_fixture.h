/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_fixture - the real program, with real plugins, in a folder of the test's own.
 *
 * A test starts its host and, at its end, stops it: host_stop() checks that it ended
 * well and left nothing behind.  A host that still runs in the teardown is that of a
 * test that failed, and what it said is shown.  Everything here fails the test if it
 * fails or takes longer than PATIENCE_MS.
 */
#ifndef MOULT_HOST_FIXTURE_H
#define MOULT_HOST_FIXTURE_H

#include <sys/types.h>

#include "folder.h"
#include "talk.h"

struct host {
    pid_t pid;           /* 0: none runs */
    int exit;            /* a pidfd */
    int notify;          /* where it tells that it is ready */
    struct talk *talk;   /* for the functions below */
    struct talk *events; /* all that happens, from the first on */
    char socket[300];
};

/* For cmocka: a folder with `plugins` in it; and the end of all. */
int host_setup(void **state);
int host_teardown(void **state);

#define HOST_TEST(f) cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)

/* -- files -- */

/* The path of a plugin by where it is built: "samples/counter-1.0.0".  Lent. */
const char *built(const char *plugin);

/* Copy that plugin into the plugin folder, under its own file name or as `name`. */
void drop(const char *plugin);
void drop_as(const char *plugin, const char *name);

/* -- its life -- */

/* Start it with more options of `moult run`, NULL at the end, and wait until it is ready. */
void host_start(struct host *h, ...);

/* Only that; it need not become ready.  As host_start() otherwise. */
void host_begin(struct host *h, const char *const *options);

/* The same with these variables of the environment, "NAME=value", NULL at the end. */
void host_start_with(struct host *h, const char *const *variables,
                     const char *const *options);

/* Only start it: it may end instead of becoming ready.  True if it is. */
bool host_try_start(struct host *h, const char *const *variables,
                    const char *const *options);

/* Wait until it is ready, perhaps begun anew, or has ended.  True if it is ready. */
bool host_comes_up(struct host *h);

/* The next thing it tells its service manager: "READY=1". */
const char *host_told(struct host *h);

/* Wait until it has ended by itself or by a signal; its status as of waitpid(). */
int host_wait(struct host *h);

/* Wait until one that was told to reboot is ready again, in the same process. */
void host_rebooted(struct host *h);

/* Stop it by SIGTERM; it must end with status 0 and leave no process, no socket. */
void host_stop(struct host *h);

/* Wait for the end of a host that was told to stop; the rest as host_stop(). */
void host_ended(struct host *h);

/* kill -9, and wait until it and its helper are gone. */
void host_kill(struct host *h);

/* What it has said on stderr, from the first start on; for free(). */
char *host_log(void);
bool host_log_has(const char *words);

/* Wait until it has. */
void host_logs(const char *words);

/*
 * What it has open; how many threads it is, and how many of them are extra: those help out
 * for workers that are held, say by a machine that is busy, and stay.
 */
unsigned host_descriptors(const struct host *h);
unsigned host_threads(const struct host *h);
unsigned host_extras(const struct host *h);

/* Whether a file whose path has these words is mapped into it. */
bool host_maps(const struct host *h, const char *words);

/* -- what it is asked; results are lent until it ends -- */

/* A result, or an error object; `params` (may be NULL) is taken. */
json_t *host_ask(struct host *h, const char *method, json_t *params);
json_t *host_refuses(struct host *h, const char *method, json_t *params);

/* Call a server with a message in JSON. */
json_t *host_call(struct host *h, const char *name, const char *message);
json_int_t host_call_int(struct host *h, const char *name, const char *message);

/* "upgrade" or "downgrade" to "counter@2.0.0": the report, or the error object. */
json_t *host_change(struct host *h, const char *verb, const char *target);
json_t *host_change_refused(struct host *h, const char *verb, const char *target);

/* The parameters of such a request. */
json_t *target(const char *text);

/* The vsn that runs of an application; NULL: it does not run. */
const char *host_vsn(struct host *h, const char *app);

/* The status of the release "local@2"; NULL: there is none. */
const char *host_release_status(struct host *h, const char *release);

/* The vsn of `app` in the permanent release of the record on disk, which has to be whole;
 * "" if it has none. */
const char *recorded_vsn(const char *app);

/* The version in `releases` with that name, vsn and status (each NULL: any), or NULL. */
json_t *host_release(struct host *h, const char *app, const char *vsn,
                     const char *status);

/* Wait for the next event `name` whose member `key` (NULL: any) has that text in it. */
json_t *host_event(struct host *h, const char *name, const char *key, const char *text);

/* How many of these there have been so far. */
unsigned host_events(struct host *h, const char *name);

/* -- values -- */

/* The member at a path of keys, "moved.schema"; the test fails if there is none. */
json_t *at(const json_t *value, const char *path);
const char *text_at(const json_t *value, const char *path);
json_int_t int_at(const json_t *value, const char *path);

#define assert_has(text, words)                                       \
    do {                                                              \
        const char *has_text = (text), *has_words = (words);          \
                                                                      \
        if (!strstr(has_text, has_words))                             \
            fail_msg("'%s' does not have '%s'", has_text, has_words); \
    } while (0)

#endif
