/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application - what an application needs, what can be configured of it, and what it is
 * told when it starts and stops.  OTP: application.
 *
 *     static const moult_env env[] = {
 *         {.key = "port", .type = MOULT_ENV_INT, .value = "8080", .least = 1, .most = 65535},
 *         {.key = NULL}};
 *
 *     MOULT_PLUGIN(.children = children, .env = env,
 *                  .applications = (const char *const[]){"kv", NULL});
 *
 * All of this may also stand beside the plugin, in a file NAME.app of the configuration
 * file's syntax, which then has the last word:
 *
 *     applications = ["kv"];
 *     env = { port = 80; };
 */
#ifndef MOULT_APPLICATION_H
#define MOULT_APPLICATION_H

#include "server.h"

MOULT_BEGIN

/* What the value of a key may be. */
enum {
    MOULT_ENV_ANY = 0,
    MOULT_ENV_INT = 1,
    MOULT_ENV_FLOAT = 2, /* or an integer */
    MOULT_ENV_BOOL = 3,
    MOULT_ENV_TEXT = 4,
    MOULT_ENV_ARRAY = 5,
    MOULT_ENV_MAP = 6
};

/* A key that can be configured.  OTP: a pair of `env`. */
typedef struct {
    const char *key;   /* lower case letters, digits and '_' */
    const char *value; /* the default, as JSON; NULL: it has none */
    int32_t type;      /* MOULT_ENV_INT and so on */
    int32_t required;  /* 1: without a value the application does not start */
    /*
     * Of a number; of a text's bytes, of an array's items, of a map's pairs.  Both 0: any.
     */
    int64_t least, most;
} moult_env;

/* OTP: an entry of `start_phases`. */
typedef struct {
    const char *name;
    const char *args; /* as JSON; NULL: null */
} moult_start_phase;

/*
 * What is called when the application starts, stops and is configured anew: each by a
 * process of its own, which is the application's and ends with the callback, so what it
 * starts must not be linked to it.  All may be NULL.  OTP: the application behaviour;
 * `mod` in the application resource file.
 */
typedef struct {
    uint32_t size;    /* sizeof(moult_application); only grows */
    const char *args; /* of start, as JSON; NULL: null */

    /*
     * Before its children start: moult_noreply() to go on, moult_stop_because() to refuse.
     * What is written into `state` is kept for prep_stop and stop, also through upgrades.
     * OTP: start/2, but that it starts no supervisor.  [server]
     */
    moult_next (*start)(moult_ctx *ctx, moult_in *args, moult_out *state);

    /*
     * Once all children run, for each of its start phases in order: as start.  OTP:
     * start_phase/3.  [server]
     */
    moult_next (*start_phase)(moult_ctx *ctx, const char *phase, moult_in *args);

    /*
     * Before its children are ended; `state` takes the place of the state `from` if
     * anything is written.  OTP: prep_stop/1.  [server]
     */
    void (*prep_stop)(moult_ctx *ctx, moult_in *from, moult_out *state);

    /* Once they have ended.  OTP: stop/1.  [server] */
    void (*stop)(moult_ctx *ctx, moult_in *state);

    /*
     * Its env is another, because of an upgrade or of `moult reload`: maps of what has
     * changed and of what is new, and an array of the keys that have no value any more.
     * OTP: config_change/3.  [server]
     */
    void (*config_change)(moult_ctx *ctx, moult_in *changed, moult_in *added,
                          moult_in *removed);

    /*
     * May it be so?  Asked of the version that would have it, before anything is touched:
     * moult_noreply() if it may, moult_stop_because() if not; then nothing changes, and
     * who wants it is told why.  moult_get_env() still has what was.  Others may refuse
     * after it, so it only looks; it has 5 seconds.  OTP has no such: there what
     * config_change says is not heard.  [server]
     */
    moult_next (*config_check)(moult_ctx *ctx, moult_in *changed, moult_in *added,
                               moult_in *removed);
} moult_application;

/*
 * The functions below take the application's name; NULL is the server's own.  A value is
 * the last of these that was said:
 *
 *   the default         in the plugin, and then in the NAME.app beside it
 *   the file            applications = { web = { env = { port = 80; }; }; };
 *   a variable          MOULT_WEB_PORT=80
 *   the command line    --env web.port=80
 *   moult_put_env()     or `moult env web port 80`
 *
 * and is of the type and in the range that the running version declares.  An upgrade takes
 * all of it anew for the new version, and so does `moult reload` for the one that runs; both
 * ask config_check before, and call config_change afterwards.
 */

/*
 * `*value` is at the value of `key`, lent for the callback.  0; -ENOENT (no such
 * application, or no value).  OTP: application:get_env/2; Elixir: fetch_env.  [server]
 */
MOULT_EXPORT int moult_fetch_env(moult_ctx *ctx, const char *app, const char *key,
                                 moult_in *value);

/* The same, at null if there is no value.  Elixir: get_env/2.  [server] */
MOULT_EXPORT moult_in moult_get_env(moult_ctx *ctx, const char *app, const char *key);

/*
 * The value of the server's own application, or `otherwise` if it has none or one of
 * another type; the text is lent for the callback.  Elixir: get_env/3.  [server]
 */
MOULT_EXPORT int64_t moult_env_int(moult_ctx *ctx, const char *key, int64_t otherwise);
MOULT_EXPORT double moult_env_float(moult_ctx *ctx, const char *key, double otherwise);
MOULT_EXPORT bool moult_env_bool(moult_ctx *ctx, const char *key, bool otherwise);
MOULT_EXPORT const char *moult_env_text(moult_ctx *ctx, const char *key,
                                        const char *otherwise);

/*
 * The value of `key` is `value` (taken) from now on: until the application is started
 * again, upgraded or reloaded, also then with `persistent`.  Nobody is told.  0; -ENOENT (no such
 * application, or key), -EINVAL (it may not be that, or with `persistent` not in the version that is about to run;
 * moult_call_text() says why), -ENOMEM.
 * OTP: application:set_env/4.  [server]
 */
MOULT_EXPORT int moult_put_env(moult_ctx *ctx, const char *app, const char *key,
                               moult_out *value, bool persistent);

/*
 * Start `app` and before it what it needs, unless it runs; wait for it.  If one does not
 * start, those that were started for it are stopped, and moult_call_text() says which and
 * why.  0; -ENOENT (one is not here), -EDEADLK (not from init or a callback of
 * moult_application), and why it did not start.  OTP:
 * application:ensure_all_started/1.  [server]
 */
MOULT_EXPORT int moult_ensure_all_started(moult_ctx *ctx, const char *app);

MOULT_END

#endif
