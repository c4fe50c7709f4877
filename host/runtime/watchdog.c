/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <errno.h>
#include <fenv.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "barrier.h"
#include "clock.h"
#include "event.h"
#include "fault.h"
#include "origin.h"
#include "place.h"
#include "process.h"
#include "sanitize.h"
#include "thread.h"
#include "worker.h"

/*
 * One that debuggers pass on and that is ignored where nobody handles it.  TSan puts off
 * all but a few until the thread calls something, which a loop never does.
 */
#define SIGNAL (SANITIZED_THREADS ? SIGPIPE : SIGURG)

#define WORKERS (WORKERS_MAX + WORKERS_EXTRA)
#define NAME    256u /* bytes of a name that is copied */

/* Why a process is to be ended. */
enum sentence { NONE, KILLED, TOO_LONG, STOPPING };

/* Whose turn it is with a worker's sample; who passes it on releases, the other acquires. */
enum stage {
    FREE,  /* the watchdog's: there is nothing in it */
    ASKED, /* the handler's */
    TAKEN, /* the watchdog's: it says where the callback is */
    ENDED  /* the watchdog's, when the worker has left what it ended */
};

/* What the handler is asked, and what it finds. */
struct sample {
    _Atomic uint32_t stage;
    struct worker_look look; /* what must still be so */
    enum sentence sentence;
    uint64_t ms;
    /* Copied, since all of it may go when the callback is over. */
    uintptr_t at, bias; /* 0: in no plugin, or the host is at work for it */
    uintptr_t from;     /* its caller, for what has no name: a step between libraries */
    char path[PATH_MAX], app[NAME], vsn[NAME], server[NAME];
    /* What it ends. */
    struct barrier_spot spot;
};

/* What the watchdog knows of a worker. */
struct watched {
    struct worker_look look;
    uint64_t since_ns;  /* it has been the same */
    uint64_t asked_ns;  /* when a signal was sent; 0: not since then */
    uint64_t to_end_ns; /* since when it is to end; 0: it is not */
    bool warned, told;
};

static struct sample samples[WORKERS];
static struct watched watched[WORKERS]; /* the watchdog's own */
_Atomic uint32_t watchdog_dozes;

/* Of each worker the slow callback that was told of, for watchdog_slow(). */
static struct {
    pthread_mutex_t lock; /* guards all that follows */
    struct slow {
        moult_pid pid; /* nobody: there is none, or it is over */
        char where[384];
    } of[WORKERS];
} slow = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
    pthread_t thread;
    bool running;
    _Atomic bool stops; /* sequential, as watchdog_dozes */
} dog;

/* -- on the thread of the worker -- */

static bool is_same(const struct worker_look *a, const struct worker_look *b)
{
    return a->running == b->running && a->turn == b->turn && a->handled == b->handled;
}

static void copy(char *to, size_t size, const char *from)
{
    size_t len = from ? strnlen(from, size - 1) : 0;

    memcpy(to, from ? from : "", len);
    to[len] = 0;
}

static void note(struct sample *s, const struct barrier_spot *spot)
{
    struct barrier_whose whose = barrier_whose(s->look.running);

    s->at = spot->at;
    s->from = spot->from;
    s->bias = spot->origin->bias;
    copy(s->path, sizeof(s->path), spot->origin->path);
    copy(s->app, sizeof(s->app), spot->origin->app);
    copy(s->vsn, sizeof(s->vsn), spot->origin->vsn);
    copy(s->server, sizeof(s->server), whose.server);
}

/* "spin (spins.c:12) of spins 1.0.0" */
static void describe(const struct sample *s, const struct place *place, char *words,
                     size_t size)
{
    char line[160] = "";

    if (place->file[0])
        snprintf(line, sizeof(line), " (%s:%d)", place->file, place->line);
    snprintf(words, size, "%s%s of %s %s",
             place->function[0] ? place->function : "a function", line, s->app, s->vsn);
}

static void tell(const char *name, enum event_level level, const struct sample *s,
                 const struct place *place, const char *reason)
{
    event_emit(level, name, "{s:s, s:s, s:s?, s:I, s:s?, s:s?, s:i, s:s}", "app",
               s->app, "vsn", s->vsn, "server", s->server[0] ? s->server : NULL, "ms",
               (json_int_t)s->ms, "function",
               place->function[0] ? place->function : NULL, "file",
               place->file[0] ? place->file : NULL, "line", place->line, "reason",
               reason);
}

/* Where the worker goes on: the process ends as by any other exit. */
static void land(void)
{
    struct sample *s = &samples[worker_index()];
    struct process *p = s->look.running;
    struct barrier_whose whose = barrier_whose(p);
    char where[384], words[512];
    struct place place;
    bool too_long = s->sentence == TOO_LONG;

    fesetenv(FE_DFL_ENV); /* whatever the plugin made of it */
    place_find(s->path, s->bias, s->at, &place);
    if (!place.function[0] && s->from)
        place_find(s->path, s->bias, s->from, &place);
    describe(s, &place, where, sizeof(where));
    if (too_long)
        snprintf(words, sizeof(words), "a callback took longer than %u ms, in %s",
                 process_max_ms(p), where);
    else
        snprintf(words, sizeof(words), "killed in %s", where);
    tell("server.killed", EVENT_ERROR, s, &place, words);
    if (whose.why) {
        fault_where(whose.why, NULL, NULL, whose.server, place.function);
        fault(whose.why, -ETIMEDOUT, "%s", words);
    }
    atomic_store_explicit(&s->stage, ENDED, memory_order_release);
    if (too_long)
        process_fail_callback(p, -ETIMEDOUT, words);
    process_exit(p, MOULT_KILLED, words);
    worker_abandon(p);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    struct sample *s = &samples[worker_index()];
    struct worker_look now;
    int error = errno;

    if (!worker_current() ||
        atomic_load_explicit(&s->stage, memory_order_acquire) != ASKED)
        return;
    worker_look(worker_index(), &now);
    if (!is_same(&now, &s->look)) {
        atomic_store_explicit(&s->stage, FREE, memory_order_release);
        return;
    }
    s->spot = barrier_spot(context);
    s->at = 0;
    if (s->spot.origin) {
        note(s, &s->spot);
        worker_give_next();
    }
    if (s->sentence && s->spot.may_end)
        barrier_go_on(context, land);
    else
        atomic_store_explicit(&s->stage, TAKEN, memory_order_release);
    errno = error;
}

/* -- on the watchdog's own -- */

static uint64_t ms_since(uint64_t ns, uint64_t now)
{
    return (now - ns) / 1000000u;
}

static enum sentence judge(const struct worker_look *look, uint64_t ms)
{
    struct process *p = look->running;
    uint32_t most = process_max_ms(p);

    if (atomic_load_explicit(&p->doomed, memory_order_relaxed) ==
        pid_generation(process_pid(p)))
        return KILLED;
    if (workers_stopping())
        return STOPPING;
    return most && ms >= most && !look->blocking ? TOO_LONG : NONE;
}

/* Is there something to warn of that nobody was warned of? */
static bool is_slow(const struct watched *w, uint64_t ms)
{
    uint32_t warn = process_warn_ms(w->look.running);

    return !w->warned && !w->look.blocking && ms >= (warn ? warn : WATCHDOG_WARN_MS);
}

/* Remember that; `pid` nobody: it is over. */
static void note_slow(const struct watched *w, moult_pid pid, const char *where)
{
    struct slow *s = &slow.of[w - watched];

    pthread_mutex_lock(&slow.lock);
    s->pid = pid;
    copy(s->where, sizeof(s->where), where);
    pthread_mutex_unlock(&slow.lock);
}

bool watchdog_slow(moult_pid pid, char *where, size_t size)
{
    bool found = false;

    pthread_mutex_lock(&slow.lock);
    for (unsigned i = 0; i < WORKERS && !found; i++) {
        found = moult_pid_equal(slow.of[i].pid, pid);
        if (found)
            copy(where, size, slow.of[i].where);
    }
    pthread_mutex_unlock(&slow.lock);
    return found;
}

/* Tell what was found, if that is due. */
static void report(struct watched *w, struct sample *s, uint64_t now)
{
    bool stuck =
        w->to_end_ns && !w->told && ms_since(w->to_end_ns, now) >= WATCHDOG_AGAIN_MS;
    char where[384], words[512];
    struct place place;

    if (!s->at || !(stuck || is_slow(w, s->ms)))
        return;
    place_read(s->path, s->at - s->bias, &place); /* it may be unloaded by now */
    if (!place.function[0] && s->from)
        place_read(s->path, s->from - s->bias, &place);
    describe(s, &place, where, sizeof(where));
    if (is_slow(w, s->ms)) {
        snprintf(words, sizeof(words), "a callback has run for %ju ms, in %s",
                 (uintmax_t)s->ms, where);
        tell("server.slow", EVENT_WARN, s, &place, words);
        note_slow(w, process_pid(w->look.running), where);
        w->warned = true;
    }
    if (stuck) {
        snprintf(words, sizeof(words),
                 "it is to end and can't be ended where it is, in %s", where);
        tell("server.stuck", EVENT_ERROR, s, &place, words);
        w->told = true;
    }
}

/* Is it time for a signal? */
static bool is_due(const struct watched *w, enum sentence sentence, uint64_t now)
{
    uint64_t ms = ms_since(w->since_ns, now);

    if (sentence || is_slow(w, ms))
        return true;
    if (w->look.blocking || ms < WATCHDOG_LOOK_MS)
        return false;
    if (!w->asked_ns)
        return w->look.keeps;
    return ms_since(w->asked_ns, now) >= WATCHDOG_AGAIN_MS;
}

static void interrupt(struct watched *w, struct sample *s, enum sentence sentence,
                      uint64_t now)
{
    s->look = w->look;
    s->sentence = sentence;
    s->ms = ms_since(w->since_ns, now);
    w->asked_ns = now;
    atomic_store_explicit(&s->stage, ASKED, memory_order_release);
    worker_interrupt((unsigned)(s - samples), SIGNAL);
}

/* True if the worker is held, and no longer one to count on. */
static bool watch(struct watched *w, struct sample *s, const struct worker_look *look,
                  uint64_t now)
{
    uint32_t stage = atomic_load_explicit(&s->stage, memory_order_acquire);
    enum sentence sentence;

    if (!look->running || !is_same(look, &w->look)) {
        if (w->warned)
            note_slow(w, (moult_pid){0}, "");
        *w = (struct watched){.look = *look, .since_ns = now};
        if (stage == ENDED) /* relaxed: the next to read it is this thread */
            atomic_store_explicit(&s->stage, FREE, memory_order_relaxed);
        return false;
    }
    w->look = *look;
    if (stage == TAKEN && is_same(&s->look, look))
        report(w, s, now);
    sentence = judge(look, ms_since(w->since_ns, now));
    if (!sentence)
        w->to_end_ns = 0;
    else if (!w->to_end_ns)
        w->to_end_ns = now;
    if ((stage == FREE || stage == TAKEN) && is_due(w, sentence, now))
        interrupt(w, s, sentence, now);
    return !look->blocking && ms_since(w->since_ns, now) >= WATCHDOG_LOOK_MS;
}

void watchdog_look(void)
{
    uint64_t now = clock_ns();
    struct worker_look look;
    unsigned held = 0;

    for (unsigned i = 0; worker_look(i, &look); i++)
        held += watch(&watched[i], &samples[i], &look, now);
    if (!workers_stopping())
        workers_help(held);
}

/* -- its life -- */

void watchdog_wake(void)
{
    atomic_store_explicit(&watchdog_dozes, 0, memory_order_seq_cst);
    syscall(SYS_futex, &watchdog_dozes, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* True if it is to go on. */
static bool sleep_until_due(void)
{
    struct timespec tick = {.tv_nsec = WATCHDOG_LOOK_MS * 1000000};
    uint32_t dozes;

    atomic_store_explicit(&watchdog_dozes, 1, memory_order_seq_cst);
    dozes = workers_rest() && !atomic_load_explicit(&dog.stops, memory_order_seq_cst);
    if (!dozes)
        atomic_store_explicit(&watchdog_dozes, 0, memory_order_seq_cst);
    syscall(SYS_futex, &watchdog_dozes, FUTEX_WAIT_PRIVATE, dozes, dozes ? NULL : &tick,
            NULL, 0);
    return !atomic_load_explicit(&dog.stops, memory_order_seq_cst);
}

static void *watch_all(void *unused)
{
    do
        watchdog_look();
    while (sleep_until_due());
    return NULL;
}

void watchdog_prepare(void)
{
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

    sigaction(SIGNAL, &action, NULL);
    memset(watched, 0, sizeof(watched));
    for (unsigned i = 0; i < WORKERS; i++)
        atomic_store_explicit(&samples[i].stage, FREE, memory_order_relaxed);
}

int watchdog_start(void)
{
    int error;

    watchdog_prepare();
    atomic_store_explicit(&dog.stops, false, memory_order_relaxed);
    error = thread_start(&dog.thread, "watchdog", watch_all, NULL);
    dog.running = !error;
    return error;
}

void watchdog_thread_start(void)
{
    sigset_t own;

    sigemptyset(&own);
    sigaddset(&own, SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &own, NULL);
}

void watchdog_stop(void)
{
    if (!dog.running)
        return;
    atomic_store_explicit(&dog.stops, true, memory_order_seq_cst);
    watchdog_wake();
    pthread_join(dog.thread, NULL);
    dog.running = false;
}
