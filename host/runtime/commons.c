/* SPDX-License-Identifier: Apache-2.0 */
#include "commons.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "barrier.h"
#include "event.h"
#include "origin.h"
#include "worker.h"

#define TOLD_MOST        256  /* plugins and kinds that are told only once */
#define DESCRIPTORS_MOST 4096 /* of the host's that are guarded */

/* What a descriptor is of: the number alone may be somebody else's by now. */
struct thing {
    dev_t device;
    ino_t inode;
    bool owned;
};

static struct {
    pthread_mutex_t lock; /* guards all that follows */
    bool started;
    struct sigaction signals[NSIG];
    mode_t mask;
    char locale[512];
    char folder[PATH_MAX];
    struct thing things[DESCRIPTORS_MOST];
    int highest; /* of them that ever was the host's */
    struct {
        const char *path;
        enum trespass kind;
    } told[TOLD_MOST];
    unsigned told_count; /* ever; the oldest go */
} commons = {.lock = PTHREAD_MUTEX_INITIALIZER};

static __thread struct tenant entered;

/* -- who -- */

void commons_enter(const struct tenant *tenant)
{
    entered = *tenant;
}

void commons_leave(void)
{
    entered = (struct tenant){0};
}

bool commons_tenant(const void *caller, struct tenant *tenant)
{
    const struct origin *o = origin_at((uintptr_t)caller - 1);

    if (!o && !entered.path)
        return false;
    *tenant = o ? (struct tenant){o->path, o->app, o->vsn} : entered;
    return true;
}

bool commons_in_constructor(void)
{
    return entered.path != NULL;
}

bool commons_is_hosts_thread(void)
{
    return commons_in_constructor() || worker_running();
}

/* -- telling -- */

void commons_tell(const struct tenant *tenant, const char *what, const char *outcome)
{
    struct process *p = worker_running();
    const char *server = p ? barrier_whose(p).server : NULL;

    event_emit(EVENT_WARN, "plugin.trespass", "{s:s*, s:s*, s:s*, s:s, s:s}", "app",
               tenant->app, "vsn", tenant->vsn, "server", server, "what", what,
               "outcome", outcome);
}

static bool is_first(const struct tenant *tenant, enum trespass kind)
{
    bool first = true;

    pthread_mutex_lock(&commons.lock);
    for (unsigned i = 0; i < TOLD_MOST && first; i++)
        first = commons.told[i].path != tenant->path || commons.told[i].kind != kind;
    if (first) {
        unsigned at = commons.told_count++ % TOLD_MOST;

        commons.told[at].path = tenant->path;
        commons.told[at].kind = kind;
    }
    pthread_mutex_unlock(&commons.lock);
    return first;
}

bool commons_prevents(const void *caller, enum trespass kind, const char *what)
{
    struct tenant tenant;

    if (!commons_tenant(caller, &tenant))
        return false;
    if (is_first(&tenant, kind))
        commons_tell(&tenant, what, "prevented");
    return true;
}

void commons_forget(const struct tenant *tenant)
{
    commons_forget_keys(tenant);
    pthread_mutex_lock(&commons.lock);
    for (unsigned i = 0; i < TOLD_MOST; i++)
        if (commons.told[i].path == tenant->path)
            commons.told[i].path = NULL;
    pthread_mutex_unlock(&commons.lock);
}

/* -- descriptors -- */

static bool is_guarded(int descriptor)
{
    return descriptor >= 0 && descriptor < DESCRIPTORS_MOST;
}

void commons_own(int descriptor)
{
    struct stat status;

    if (!is_guarded(descriptor) || fstat(descriptor, &status) < 0)
        return;
    pthread_mutex_lock(&commons.lock);
    commons.things[descriptor] = (struct thing){status.st_dev, status.st_ino, true};
    if (descriptor > commons.highest)
        commons.highest = descriptor;
    pthread_mutex_unlock(&commons.lock);
}

void commons_own_all(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        int descriptor = (int)strtol(entry->d_name, NULL, 10);

        if (entry->d_name[0] != '.' && descriptor != dirfd(dir))
            commons_own(descriptor);
    }
    if (dir)
        closedir(dir);
}

static bool is_same(const struct thing *thing, int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) == 0 && status.st_dev == thing->device &&
           status.st_ino == thing->inode;
}

bool commons_owns(int descriptor)
{
    bool owned;

    if (!is_guarded(descriptor))
        return false;
    pthread_mutex_lock(&commons.lock);
    owned = commons.things[descriptor].owned &&
            is_same(&commons.things[descriptor], descriptor);
    pthread_mutex_unlock(&commons.lock);
    return owned;
}

void commons_disown(int descriptor)
{
    if (!is_guarded(descriptor))
        return;
    pthread_mutex_lock(&commons.lock);
    commons.things[descriptor].owned = false;
    pthread_mutex_unlock(&commons.lock);
}

/* -- before and after -- */

/* Read without changing it, which umask() can't, and without memory; `unless` it can't be. */
static mode_t current_mask(mode_t unless)
{
    static const char key[] = "\nUmask:";
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char text[256]; /* it is on the second line */
    const char *at;
    ssize_t len;

    if (fd < 0)
        return unless;
    len = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len > 0 ? len : 0] = 0;
    at = strstr(text, key);
    return at ? (mode_t)strtoul(at + strlen(key), NULL, 8) : unless;
}

void commons_start(void)
{
    const char *locale = setlocale(LC_ALL, NULL);

    pthread_mutex_lock(&commons.lock);
    for (int s = 1; s < NSIG; s++)
        sigaction(s, NULL, &commons.signals[s]);
    commons.mask = umask(S_IRWXG | S_IRWXO); /* nobody makes files yet */
    umask(commons.mask);
    snprintf(commons.locale, sizeof(commons.locale), "%s", locale ? locale : "C");
    if (!getcwd(commons.folder, sizeof(commons.folder)))
        commons.folder[0] = 0;
    commons.started = true;
    pthread_mutex_unlock(&commons.lock);
    commons_own_all();
}

mode_t commons_mask(void)
{
    return commons.mask;
}

/* Who changed it: whose code this thread runs, or who is the only one. */
static void put_back(const char *what, bool done)
{
    struct tenant tenant = entered;
    const struct origin *only = entered.path ? NULL : origin_only();

    if (only)
        tenant = (struct tenant){only->path, only->app, only->vsn};
    commons_tell(&tenant, what, done ? "undone" : "reported");
}

static bool same_action(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_flags & SA_SIGINFO ? a->sa_sigaction == b->sa_sigaction
                                    : a->sa_handler == b->sa_handler;
}

static void check_signals(void)
{
    struct sigaction now;
    char what[64];

    for (int s = 1; s < NSIG; s++) {
        if (sigaction(s, NULL, &now) < 0 || same_action(&now, &commons.signals[s]))
            continue;
        snprintf(what, sizeof(what), "the action of signal %d", s);
        put_back(what, sigaction(s, &commons.signals[s], NULL) == 0);
    }
}

static void check_locale(void)
{
    const char *now = setlocale(LC_ALL, NULL);

    if (now && strcmp(now, commons.locale) != 0)
        put_back("the locale", setlocale(LC_ALL, commons.locale) != NULL);
}

static void check_files(void)
{
    char folder[PATH_MAX];

    if (current_mask(commons.mask) != commons.mask) {
        umask(commons.mask);
        put_back("the umask", true);
    }
    if (commons.folder[0] && getcwd(folder, sizeof(folder)) &&
        strcmp(folder, commons.folder) != 0)
        put_back("the working directory", chdir(commons.folder) == 0);
}

/* The next of the host's from `from` on that is closed or another's; -1: there is none. */
static int next_lost(int from)
{
    int found = -1;

    pthread_mutex_lock(&commons.lock);
    for (int d = from; d <= commons.highest && found < 0; d++) {
        struct thing *thing = &commons.things[d];

        if (!thing->owned || is_same(thing, d))
            continue;
        thing->owned = false; /* its number is nobody's from now on */
        found = d;
    }
    pthread_mutex_unlock(&commons.lock);
    return found;
}

/* What is closed can't be put back. */
static void check_descriptors(void)
{
    char what[64];

    for (int d = next_lost(0); d >= 0; d = next_lost(d + 1)) {
        snprintf(what, sizeof(what), "descriptor %d of the host, which is closed", d);
        put_back(what, false);
    }
}

void commons_check(void)
{
    if (!commons.started)
        return;
    check_signals();
    check_locale();
    check_files();
    if (COMMONS_GUARDED) /* who else closes one is known only then */
        check_descriptors();
}
