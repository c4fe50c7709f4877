/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commons.h"
#include "event.h"
#include "thread.h"

#define RETRY_MS \
    5000 /* between attempts to watch when the system has no more watches */

#define LIBRARY_NEEDS (256u << 10) /* bytes; more than a watch and its tables */

#define DIR_EVENTS                                                           \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | \
     IN_MOVE_SELF)
#define WAY_EVENTS                                                          \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | \
     IN_MOVE_SELF)

/* A directory on the way to ours, and what is looked for in it. */
struct step {
    int wd;
    char *next; /* NULL in the last, the plugin directory itself */
};

struct watch {
    char *dir; /* absolute, without a slash at the end */
    watch_hook *hook;
    void *context;
    pthread_t thread;
    int wake[2];         /* a pipe; writing to it is an event like any other */
    atomic_bool is_over; /* set before the pipe is written to */
    bool is_open;        /* the library; this and the rest is the thread's */
    bool is_present;     /* the directory */
    struct step *steps;
    size_t count;
};

static atomic_flag in_use = ATOMIC_FLAG_INIT;

bool watch_is_plugin_name(const char *name)
{
    /* What cp, rsync, editors, browsers and package managers write before the name. */
    const char *end = strrchr(name, '.');

    return end && end > name && name[0] != '.' && name[0] != '#' &&
           (strcmp(end, ".so") == 0 || strcmp(end, ".rel") == 0 ||
            strcmp(end, ".pack") == 0);
}

/* The kernel refuses a read lease then. */
bool watch_is_being_written(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool busy = false;

    if (fd < 0)
        return false;
    /*
     * Should someone open it in just this moment: a signal that is ignored unless
     * asked.
     */
    if (fcntl(fd, F_SETSIG, SIGURG) == 0) {
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
            fcntl(fd, F_SETLEASE, F_UNLCK);
        else
            busy = errno == EAGAIN;
    }
    close(fd);
    return busy;
}

/*
 * A file that was created or is found: by a link or a move it is whole; one that is
 * written to will be closed, and so be reported, later.  So will an empty one: we are
 * told that a file is created before its writer counts as one.
 */
static bool may_be_whole(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0 || S_ISDIR(st.st_mode))
        return false;
    return !S_ISREG(st.st_mode) || (st.st_size > 0 && !watch_is_being_written(path));
}

static void report(struct watch *w, const char *name, bool is_closed)
{
    char path[PATH_MAX]; /* the system takes none that is longer */

    if (watch_is_plugin_name(name) &&
        (size_t)snprintf(path, sizeof(path), "%s/%s", w->dir, name) < sizeof(path) &&
        (is_closed || may_be_whole(path)))
        w->hook(w->context, path);
}

static int is_plugin(const struct dirent *entry)
{
    return watch_is_plugin_name(entry->d_name);
}

static int rescan(struct watch *w, struct fault *why)
{
    struct dirent **entries;
    int count = scandir(w->dir, &entries, is_plugin, alphasort);

    if (count < 0 && errno == ENOMEM)
        return fault(why, -ENOMEM, "no memory to look through '%s'", w->dir);
    for (int i = 0; i < count; i++) {
        if (!atomic_load(&w->is_over))
            report(w, entries[i]->d_name, false);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return 0;
}

static void forget_steps(struct watch *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->steps[i].next);
    free(w->steps);
    w->steps = NULL;
    w->count = 0;
}

/*
 * Have the library watch `path`.  It crashes when it gets no memory: so there must be more
 * than it needs.
 */
static int watch_file(const char *path, int events)
{
    void *memory = malloc(LIBRARY_NEEDS);

    free(memory);
    if (!memory)
        return -ENOMEM;
    return inotifytools_watch_file(path, events) ? 0 : -inotifytools_error();
}

/* Watch the directory `path`, which ends with a slash; `next` is taken. */
static int add_step(struct watch *w, const char *path, char *next)
{
    struct step *steps = realloc(w->steps, (w->count + 1) * sizeof(*steps));
    int events = next ? WAY_EVENTS : DIR_EVENTS, err;

    if (!steps) {
        free(next);
        return -ENOMEM;
    }
    w->steps = steps;
    err = watch_file(path, events | IN_ONLYDIR | IN_MASK_ADD);
    if (err) {
        free(next);
        return err;
    }
    w->steps[w->count++] = (struct step){inotifytools_wd_from_filename(path), next};
    return 0;
}

/* Watch what comes before `end` in the path, and look for `next` (taken) there. */
static int watch_part(struct watch *w, const char *end, char *next)
{
    char *path;
    int err;

    if (asprintf(&path, "%.*s/", (int)(end - w->dir), w->dir) < 0) {
        free(next);
        return -ENOMEM;
    }
    err = add_step(w, path, next);
    free(path);
    return err;
}

/*
 * Watch every directory on the way as far as it is there.  One that may not be read is
 * left out; only the last, the plugin directory, has to be.
 */
static int watch_the_way(struct watch *w)
{
    const char *at = w->dir;
    int err = 0;

    while (*at && !err) {
        const char *name = at + strspn(at, "/");
        size_t len = strcspn(name, "/");
        char *next = strndup(name, len);

        err = next ? watch_part(w, at, next) : -ENOMEM;
        if (err == -EACCES)
            err = 0;
        at = name + len;
    }
    if (!err)
        err = watch_part(w, at, NULL);
    w->is_present = !err;
    return err == -ENOENT || err == -ENOTDIR ? 0 : err;
}

static bool is_inotify(int fd)
{
    char link[40], target[40];
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, target, sizeof(target) - 1);
    target[len > 0 ? len : 0] = '\0';
    return strcmp(target, "anon_inode:inotify") == 0;
}

/*
 * Open the library.  It waits with select(), which a descriptor from FD_SETSIZE on
 * would crash; and it does not say which one it has: so it must be the lowest that was
 * free.
 */
static int open_library(void)
{
    int low = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (low < 0)
        return -errno;
    close(low);
    if (low >= FD_SETSIZE)
        return -EMFILE;
    if (!inotifytools_initialize())
        return -inotifytools_error();
    if (!is_inotify(low)) {
        inotifytools_cleanup();
        return -EAGAIN;
    }
    fcntl(low, F_SETFD, FD_CLOEXEC);
    commons_own(low);
    return 0;
}

/* What is queued is of no use any more; the library must be empty when it is closed. */
static void close_library(void)
{
    while (inotifytools_next_events(0, 1))
        ;
    inotifytools_cleanup();
}

/*
 * Begin anew, with nothing queued: libinotifytools keeps names of directories that are
 * gone, and what it has read already, unless it is closed when it is empty.
 */
static int begin(struct watch *w)
{
    char wake[40];
    int err = -EAGAIN;

    forget_steps(w);
    w->is_present = false;
    if (w->is_open)
        close_library();
    w->is_open = false;
    /* Again if another thread took that number in between. */
    for (int i = 0; err == -EAGAIN && i < 10; i++)
        err = open_library();
    if (err)
        return err;
    w->is_open = true;
    snprintf(wake, sizeof(wake), "/proc/self/fd/%d", w->wake[1]);
    err = watch_file(wake, IN_MODIFY);
    return err ? err : watch_the_way(w);
}

static int start(struct watch *w, struct fault *why)
{
    int err = begin(w);

    if (err == -ENOSPC)
        return fault(why, err,
                     "unable to watch '%s': no more watches; raise "
                     "fs.inotify.max_user_watches",
                     w->dir);
    if (err == -EMFILE)
        return fault(why, err,
                     "unable to watch '%s': too many; raise "
                     "fs.inotify.max_user_instances or the limit of open files",
                     w->dir);
    return err ? fault(why, err, "unable to watch '%s': %s", w->dir, strerror(-err))
               : 0;
}

/* Find the directory again; until that works, try from time to time. */
static void restart(struct watch *w)
{
    bool was_present = w->is_present;

    while (!atomic_load(&w->is_over)) {
        struct pollfd wake = {.fd = w->wake[0], .events = POLLIN};
        struct fault why = {0};

        if (start(w, &why) == 0 && (!w->is_present || rescan(w, &why) == 0))
            break;
        event_emit(EVENT_ERROR, "watch.failed", "{s:s, s:s}", "dir", w->dir, "reason",
                   why.text);
        poll(&wake, 1, RETRY_MS);
    }
    if (was_present != w->is_present)
        event_emit(w->is_present ? EVENT_INFO : EVENT_WARN,
                   w->is_present ? "watch.found" : "watch.lost", "{s:s}", "dir",
                   w->dir);
}

static void handle(struct watch *w, const struct inotify_event *e)
{
    const char *name = e->len ? e->name : "";
    bool is_stale = false;

    if (e->mask & IN_Q_OVERFLOW) {
        event_emit(EVENT_WARN, "watch.overflow", "{s:s}", "dir", w->dir);
        restart(w);
        return;
    }
    for (size_t i = 0; i < w->count; i++) {
        const struct step *s = &w->steps[i];

        if (s->wd != e->wd)
            continue;
        if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
            is_stale = true;
        else if (s->next)
            is_stale |= (e->mask & WAY_EVENTS) && strcmp(name, s->next) == 0;
        else if (!(e->mask & IN_ISDIR) && *name)
            report(w, name, e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO));
    }
    if (is_stale)
        restart(w);
}

static void *run(void *context)
{
    struct watch *w = context;

    if (w->is_present && rescan(w, NULL) < 0)
        restart(w);
    else if (!w->is_present)
        event_emit(EVENT_WARN, "watch.absent", "{s:s}", "dir", w->dir);
    while (!atomic_load(&w->is_over)) {
        struct inotify_event *e = inotifytools_next_events(-1, 1);

        if (e)
            handle(w, e);
        else if (inotifytools_error() != EINTR)
            restart(w);
    }
    return NULL;
}

static void destroy(struct watch *w)
{
    forget_steps(w);
    if (w->is_open)
        close_library();
    if (w->wake[0] >= 0) {
        close(w->wake[0]);
        close(w->wake[1]);
    }
    free(w->dir);
    free(w);
}

/* `dir` made absolute, without slashes at its end; links on the way stay. */
static char *absolute(const char *dir)
{
    char *here = dir[0] == '/' ? strdup("") : getcwd(NULL, 0);
    char *path = NULL;

    if (!here || asprintf(&path, "%s%s%s", here, dir[0] == '/' ? "" : "/", dir) < 0)
        path = NULL;
    free(here);
    for (size_t len = path ? strlen(path) : 0; len > 0 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    return path;
}

static int prepare(struct watch *w, const char *dir, struct fault *why)
{
    struct stat st;
    int err;

    w->dir = absolute(dir);
    if (!w->dir)
        return fault(why, -errno, "unable to watch '%s': %s", dir, strerror(errno));
    if (stat(w->dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return fault(why, -ENOTDIR, "unable to watch '%s': it is not a directory", dir);
    if (pipe2(w->wake, O_CLOEXEC) < 0)
        return fault(why, -errno, "unable to watch '%s': %s", dir, strerror(errno));
    commons_own(w->wake[0]);
    commons_own(w->wake[1]);
    err = start(w, why);
    if (!err) {
        err = thread_start(&w->thread, "watch", run, w);
        if (err)
            fault(why, err, "unable to start a thread: %s", strerror(-err));
    }
    return err;
}

int watch_start(const char *dir, watch_hook *hook, void *context, struct watch **out,
                struct fault *why)
{
    struct watch *w;
    int err;

    if (atomic_flag_test_and_set(&in_use))
        return fault(why, -EBUSY, "unable to watch '%s': one directory at a time", dir);
    w = calloc(1, sizeof(*w));
    if (w) {
        *w = (struct watch){.hook = hook, .context = context, .wake = {-1, -1}};
        err = prepare(w, dir, why);
    } else {
        err = fault(why, -ENOMEM, "no memory to watch '%s'", dir);
    }
    if (err) {
        if (w)
            destroy(w);
        atomic_flag_clear(&in_use);
        return err;
    }
    *out = w;
    return 0;
}

void watch_stop(struct watch *watch)
{
    if (!watch)
        return;
    atomic_store(&watch->is_over, true);
    while (write(watch->wake[1], "", 1) < 0 && errno == EINTR)
        ;
    pthread_join(watch->thread, NULL);
    destroy(watch);
    atomic_flag_clear(&in_use);
}
