/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "again.h"
#include "application.h"
#include "ask.h"
#include "barrier.h"
#include "booting.h"
#include "clock.h"
#include "commons.h"
#include "control.h"
#include "crash.h"
#include "env.h"
#include "event.h"
#include "io.h"
#include "loop_memory.h"
#include "methods.h"
#include "notify.h"
#include "reader.h"
#include "release.h"
#include "reread.h"
#include "thread.h"
#include "watchdog.h"
#include "worker.h"

#define STOP_GRACE_S 5    /* beyond what the children's specs allow */
#define CHECK_MS     5000 /* between looks at what is everybody's */

struct host {
    const struct config *config;
    struct host_view view;
    uv_loop_t loop;
    struct reread reread;
    uv_signal_t interrupt, terminate, hangup;
    uv_timer_t check;
    uv_async_t fatal; /* an application says that the host is to stop */
    atomic_bool failed;
    struct control *control;
    uint64_t next_event;
    bool is_stopping; /* it was asked to; the loop's */
    struct booting booting;
    atomic_bool again; /* it begins anew when it has ended */
};

/* -- the event log -- */

static void log_events(struct host *h)
{
    bool json = atomic_load_explicit(&h->reread.log_json, memory_order_relaxed);
    uint64_t missed = 0;
    json_t *event;

    while ((event = event_read(&h->next_event, &missed))) {
        event_print(event, json, stderr);
        json_decref(event);
    }
    if (missed) /* too many at once, or no memory for them */
        fprintf(stderr,
                json ? "{\"event\":\"events.missed\",\"count\":%" PRIu64 "}\n"
                     : "events.missed count=%" PRIu64 "\n",
                missed);
    fflush(stderr);
}

static void on_events(void *context)
{
    struct host_view *view = context;

    log_events(view->context);
}

/* -- ending -- */

static void stop(void *context)
{
    struct host *h = context;

    h->is_stopping = true;
    uv_stop(&h->loop);
}

static int reread_all(void *context, json_t **report, struct fault *why)
{
    struct host *h = context;

    return reread(&h->reread, report, why);
}

/* By way of a signal, since only the loop's thread may stop it. */
static void reboot(void *context)
{
    struct host *h = context;

    atomic_store(&h->again, true);
    kill(getpid(), SIGTERM);
}

static void on_signal(uv_signal_t *handle, int number)
{
    event_emit(EVENT_INFO, "host.signal", "{s:s}", "signal",
               number == SIGINT ? "SIGINT" : "SIGTERM");
    stop(handle->data);
}

/* Events have told of it. */
static void reloaded(void *context, json_t *report, const struct fault *why)
{
    json_decref(report);
    notify("READY=1");
}

static void on_hangup(uv_signal_t *handle, int number)
{
    const struct release_listener listener = {.done = reloaded};
    json_t *words = json_array();
    char text[80];
    int error;

    event_emit(EVENT_INFO, "host.signal", "{s:s}", "signal", "SIGHUP");
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             uv_hrtime() / 1000u);
    notify(text);
    error = words ? release_ask(RELEASE_RELOAD, words, NULL, &listener) : -ENOMEM;
    json_decref(words);
    if (!error)
        return;
    event_emit(EVENT_ERROR, "config.refused", "{s:s}", "reason", strerror(-error));
    notify("READY=1");
}

static int watch_signal(struct host *h, uv_signal_t *handle, uv_signal_cb told,
                        int number)
{
    int error = uv_signal_init(&h->loop, handle);

    handle->data = h;
    return error ? error : uv_signal_start(handle, told, number);
}

static int watch_signals(struct host *h)
{
    int error;

    signal(SIGXFSZ,
           SIG_IGN); /* a file that may not be larger is an error like others */
    error = watch_signal(h, &h->interrupt, on_signal, SIGINT);

    if (!error)
        error = watch_signal(h, &h->terminate, on_signal, SIGTERM);
    if (!error)
        error = watch_signal(h, &h->hangup, on_hangup, SIGHUP);
    return error;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* -- what is everybody's -- */

static void on_check(uv_timer_t *timer)
{
    commons_check();
}

static int check_commons(struct host *h)
{
    int error = uv_timer_init(&h->loop, &h->check);

    commons_start();
    return error ? error : uv_timer_start(&h->check, on_check, CHECK_MS, CHECK_MS);
}

static int open_control(struct host *h, struct fault *why)
{
    struct control_options options = {.path = h->config->socket,
                                      .methods = host_methods,
                                      .context = &h->view,
                                      .on_events = on_events};

    return control_open(&h->loop, &options, &h->control, why);
}

/* -- applications -- */

static int configure_application(const struct config_application *a)
{
    int error = 0;

    reread_put(a);
    for (size_t i = 0; i < a->env_count && !error; i++)
        error = env_give(ENV_FILE, a->name, a->env[i].key, a->env[i].value,
                         a->env[i].from, NULL);
    return error;
}

static int configure_applications(const struct config *c)
{
    int error = env_give_variables(environ);

    event_set_level(c->log_level);
    if (!error)
        error = reread_reserve(c);
    for (size_t i = 0; i < c->application_count && !error; i++)
        error = configure_application(&c->applications[i]);
    return error;
}

/* On whichever thread finds out. */
static void on_fatal(void *context, const char *app, const char *reason)
{
    struct host *h = context;

    h->failed = true;
    uv_async_send(&h->fatal);
}

static void on_fatal_loop(uv_async_t *handle)
{
    stop(handle->data);
}

/* -- the host -- */

static int start(struct host *h, struct fault *why)
{
    const struct config *c = h->config;
    char reports[PATH_MAX];
    int error;

    workers_prepare();
    processes_allow(c->max_processes);
    snprintf(reports, sizeof(reports), "%s/crashes", c->data);
    crash_set_folder(reports);
    barrier_start();
    ask_start();
    io_start();
    error = readers_start();
    if (!error)
        error = configure_applications(c);
    applications_on_fatal(on_fatal, h);
    if (!error)
        error = workers_start(c->workers);
    if (!error)
        error = watchdog_start();
    if (!error)
        error = applications_start();
    if (error)
        return fault(why, error, "unable to start %u workers: %s", c->workers,
                     strerror(-error));
    error = open_control(h, why); /* first: a socket that is taken ends it here */
    if (!error && (error = uv_async_init(&h->loop, &h->fatal, on_fatal_loop)))
        fault(why, error, "unable to start: %s", uv_strerror(error));
    h->fatal.data = h;
    if (!error && (error = check_commons(h)))
        fault(why, error, "unable to start a timer: %s", strerror(-error));
    return error;
}

/* Boot, and meanwhile see to signals and to what happens; who connects waits. */
static int boot(struct host *h, struct fault *why)
{
    const struct config *c = h->config;
    const struct release_options options = {.plugins = c->plugins,
                                            .data = c->data,
                                            .stage_only = c->stage_only,
                                            .rehearse = c->rehearse,
                                            .terms = c->terms,
                                            .manual = c->manual,
                                            .reload = reread_all,
                                            .reboot = reboot,
                                            .context = h};

    if (!booting_run(&h->booting, &h->loop, &options)) {
        event_emit(EVENT_ERROR, "host.stuck", "{}");
        log_events(h);
        _exit(EXIT_FAILURE); /* it still runs what exit() would take down */
    }
    if (h->failed)
        return fault(why, -ECANCELED,
                     "an application that the host needs did not start");
    *why = h->booting.why;
    return h->is_stopping ? 0 : h->booting.error;
}

/* With a release that may not do; then the next one is permanent. */
static int boot_or_again(struct host *h, struct fault *why)
{
    int error = boot(h, why);

    if (!error || !release_is_tried())
        return error;
    event_emit(EVENT_ERROR, "host.boot_failed", "{s:s}", "reason", why->text);
    atomic_store(&h->again, true);
    h->is_stopping = true;
    h->failed = false;
    return 0;
}

static void ready(struct host *h)
{
    event_emit(EVENT_INFO, "host.ready", "{s:s, s:i, s:I}", "socket", h->config->socket,
               "workers", (int)workers_count(), "took_us",
               (json_int_t)((clock_ns() - h->view.started_ns) / 1000));
    log_events(h);
    notify("READY=1");
}

static void *stop_all(void *unused)
{
    release_stop();
    io_stop();
    workers_stop();
    readers_stop();
    return NULL;
}

/*
 * Stop what runs, within the time that the children's specs allow; what is left then is
 * killed.  False if a callback can't be ended either: then its thread can't be joined,
 * nor what it uses be freed.
 */
static bool stop_in_time(void)
{
    uint64_t allowed_ms = applications_shutdown_ms();
    pthread_t stopper;

    if (thread_start(&stopper, "stop", stop_all, NULL) < 0) {
        stop_all(NULL);
        return true;
    }
    if (allowed_ms == MOULT_INFINITY)
        return pthread_join(stopper, NULL) == 0;
    if (thread_ends_within(stopper, allowed_ms / 1000 + STOP_GRACE_S))
        return true;
    applications_kill();
    return thread_ends_within(stopper, STOP_GRACE_S);
}

static bool end(struct host *h)
{
    bool stopped;

    event_emit(EVENT_INFO, "host.stop", "{s:b}", "again", atomic_load(&h->again));
    log_events(h);
    notify(atomic_load(&h->again) ? "RELOADING=1" : "STOPPING=1");
    stopped = stop_in_time();
    event_emit(stopped ? EVENT_INFO : EVENT_ERROR,
               stopped ? "host.stopped" : "host.stuck", "{}");
    log_events(h);
    control_close(h->control);
    uv_walk(&h->loop, close_handle, NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    uv_loop_close(&h->loop);
    return stopped;
}

int host_run(struct config *config, const struct config_options *options)
{
    struct host h = {.config = config, .reread = {options, config, config->log_json}};
    struct fault why = {0};
    bool stopped;
    int error;

    h.view = (struct host_view){.plugins = config->plugins,
                                .data = config->data,
                                .socket = config->socket,
                                .loop = &h.loop,
                                .started_ns = clock_ns(),
                                .stop = stop,
                                .context = &h};
    loop_memory_use();
    error = uv_loop_init(&h.loop);
    if (error) {
        fprintf(stderr, "moult: unable to start: %s\n", uv_strerror(error));
        return EXIT_FAILURE;
    }
    error = watch_signals(&h);
    if (!error)
        error = start(&h, &why);
    if (!error)
        error = boot_or_again(&h, &why);
    if (!error && !h.is_stopping)
        error = control_serve(h.control, &why);
    if (!error && !h.is_stopping) {
        ready(&h);
        uv_run(&h.loop, UV_RUN_DEFAULT);
    }
    stopped = end(&h);
    if (!error && atomic_load(&h.again)) {
        error = again();
        fprintf(stderr, "moult: unable to begin again: %s\n", strerror(-error));
    }
    if (!stopped)
        _exit(EXIT_FAILURE); /* threads still run what exit() would take down */
    if (error)
        fprintf(stderr, "moult: %s\n", why.text[0] ? why.text : strerror(-error));
    return error || h.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
