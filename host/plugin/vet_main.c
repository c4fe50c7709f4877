/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json_text.h"
#include "relfile.h"
#include "sanitize.h"
#include "vet.h"
#include "vet_wire.h"

#define JOB_FD 3 /* where the child finds its socket */

/* Generous: they are to end what runs away, not to ration what works. */
#define NICENESS     5 /* a third of what others get, where all cores are wanted */
#define MEMORY_LIMIT ((rlim_t)8 << 30)  /* bytes of address space */
#define FILE_LIMIT   ((rlim_t)16 << 20) /* bytes of a file that is written */

#define NOTE_MS 200 /* for a child whose time is over */

/* The helper. */
struct helper {
    int control;                     /* to the host */
    int signals;                     /* a signalfd for SIGCHLD */
    struct trial_progress *progress; /* shared with the child */
};

/* One child. */
struct child {
    pid_t pid;
    int errors; /* the end of its stderr */
    int64_t deadline_ms;
    size_t tail_len;
    struct vet_verdict verdict;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- in the child -- */

static void limit(int what, rlim_t soft)
{
    struct rlimit r;

    if (getrlimit((__rlimit_resource_t)what, &r) < 0)
        return;
    if (soft > r.rlim_max)
        soft = r.rlim_max;
    r.rlim_cur = soft;
    r.rlim_max = soft;
    setrlimit((__rlimit_resource_t)what, &r);
}

static void set_limits(const struct vet_order *order)
{
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, FILE_LIMIT);
    limit(RLIMIT_CPU, order->timeout_ms / 1000 + 2);
    if (SANITIZED_MEMORY + SANITIZED_THREADS == 0) /* their shadow exceeds any limit */
        limit(RLIMIT_AS, MEMORY_LIMIT);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void arrange_descriptors(int job, int errors)
{
    int null = open("/dev/null", O_RDWR);

    /* Above the numbers that are about to be taken. */
    job = fcntl(job, F_DUPFD, 16);
    errors = fcntl(errors, F_DUPFD, 16);
    dup2(null, 0);
    dup2(null, 1);
    dup2(errors, 2);
    dup2(job, JOB_FD);
    close_range(JOB_FD + 1, ~0u, 0);
}

static int read_job(struct vet_buffer *b)
{
    int err = 0;

    while (!err) {
        ssize_t n;

        err = vet_buffer_add(b, NULL, 64 << 10);
        if (err)
            break;
        n = read(JOB_FD, b->bytes + b->len, b->capacity - b->len);
        if (n == 0)
            break;
        if (n > 0)
            b->len += (size_t)n;
        else if (errno != EINTR)
            err = -errno;
    }
    return err;
}

/* What is to be reported. */
struct finding {
    int error;
    struct fault why;
    json_t *lints, *release;
};

static void send_report(const struct finding *f, const struct trial_progress *progress)
{
    const struct fault *why = &f->why;
    json_t *json = json_pack(
        "{s:i, s:O, s:O*, s:s%, s:s%, s:s%, s:s%, s:I}", "error", f->error, "lints",
        f->lints, "release", f->release, "app", why->app, strlen(why->app), "server",
        why->server, strlen(why->server), "field", why->field, strlen(why->field),
        "text", why->text, strlen(why->text), "state", (json_int_t)progress->state);
    char *text = json ? json_text(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    struct vet_buffer b = {0};

    if (!text)
        return;
    if (vet_buffer_add_frame(&b, text, strlen(text)) == 0)
        for (size_t sent = 0; sent < b.len;) {
            ssize_t n = send(JOB_FD, b.bytes + sent, b.len - sent, MSG_NOSIGNAL);

            if (n < 0 && errno != EINTR)
                return;
            sent += n > 0 ? (size_t)n : 0;
        }
}

static _Noreturn void be_child(struct trial_progress *progress)
{
    struct vet_buffer b = {0};
    struct finding f = {.lints = json_array()};
    struct vet_job job;

    f.error = read_job(&b);
    if (!f.error)
        f.error = vet_job_read(&b, &job);
    if (f.error)
        fault(&f.why, f.error, "unable to read the job: %s", strerror(-f.error));
    else if (job.is_release)
        f.error = relfile_read(job.path, &f.release, &f.why);
    else
        f.error = trial_run(&job, progress, f.lints, &f.why);
    send_report(&f, progress);
    progress->done = true;
    _exit(0);
}

/* -- in the helper -- */

static void start_child(struct helper *h, struct child *c,
                        const struct vet_order *order, int job)
{
    int errors[2];

    memset(h->progress, 0, sizeof(*h->progress));
    h->progress->state = -1;
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
        c->verdict.code = errno;
        return;
    }
    c->pid = fork();
    if (c->pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "moult trial");
        reset_signals();
        arrange_descriptors(job, errors[1]);
        set_limits(order);
        be_child(h->progress);
    }
    c->verdict.code = errno;
    close(errors[1]);
    if (c->pid < 0) {
        close(errors[0]);
        return;
    }
    setpgid(c->pid, c->pid); /* whoever is first: it must be so before it is killed */
    c->errors = errors[0];
}

/* Keep the end of what the child says; false when it will say no more. */
static bool read_tail(struct child *c)
{
    char *tail = c->verdict.tail, chunk[512];
    ssize_t n = read(c->errors, chunk, sizeof(chunk));
    size_t len, keep = VET_TAIL - 1;

    if (n <= 0)
        return n < 0 && errno == EINTR;
    len = (size_t)n;
    if (c->tail_len + len > keep) {
        size_t drop = c->tail_len + len - keep;

        memmove(tail, tail + drop, c->tail_len - drop);
        c->tail_len -= drop;
    }
    memcpy(tail + c->tail_len, chunk, len);
    c->tail_len += len;
    return true;
}

static bool has_ended(struct helper *h, struct child *c)
{
    struct signalfd_siginfo info;
    int status;

    while (read(h->signals, &info, sizeof(info)) > 0)
        ;
    if (waitpid(c->pid, &status, WNOHANG) != c->pid)
        return false;
    c->verdict.end = WIFSIGNALED(status) ? VET_SIGNALLED : VET_EXITED;
    c->verdict.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

static void kill_child(struct helper *h, struct child *c)
{
    struct pollfd end = {.fd = h->signals, .events = POLLIN};

    kill(c->pid, SIGXCPU); /* it notes where it is, see trial_spot.h, and ends of it */
    poll(&end, 1, NOTE_MS);
    kill(-c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    c->verdict.end = VET_TIMED_OUT;
}

/* Wait until the child has ended or must; false if the host is gone. */
static bool wait_for_child(struct helper *h, struct child *c)
{
    struct pollfd fds[] = {{.fd = h->control, .events = 0},
                           {.fd = h->signals, .events = POLLIN},
                           {.fd = c->errors, .events = POLLIN}};

    while (!has_ended(h, c)) {
        int64_t left = c->deadline_ms - now_ms();

        if (left <= 0) {
            kill_child(h, c);
            return true;
        }
        if (poll(fds, 3, (int)left) < 0)
            continue;
        if (fds[0].revents & (POLLHUP | POLLERR)) {
            kill_child(h, c);
            return false;
        }
        if (fds[2].revents && !read_tail(c))
            fds[2].fd = -1;
    }
    kill(-c->pid, SIGKILL); /* what it has started */
    return true;
}

/* See one job through; false if the host is gone. */
static bool run_job(struct helper *h, const struct vet_order *order, int job)
{
    struct child c = {.errors = -1, .verdict.end = VET_NOT_STARTED};
    bool goes_on = true;

    c.deadline_ms = now_ms() + order->timeout_ms;
    start_child(h, &c, order, job);
    close(job);
    if (c.errors >= 0) {
        goes_on = wait_for_child(h, &c);
        while (read_tail(&c))
            ;
        close(c.errors);
    }
    c.verdict.progress = *h->progress;
    return send(h->control, &c.verdict, sizeof(c.verdict), MSG_NOSIGNAL) >= 0 &&
           goes_on;
}

/* Wait for an order; its socket, or a negative errno (0 bytes: -EPIPE). */
static int take_order(int control, struct vet_order *order)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } with;
    struct iovec iov = {.iov_base = order, .iov_len = sizeof(*order)};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = with.bytes,
                             .msg_controllen = sizeof(with.bytes)};
    ssize_t n = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header;
    int job;

    if (n < 0)
        return -errno;
    header = CMSG_FIRSTHDR(&message);
    if (n != sizeof(*order) || !header || header->cmsg_type != SCM_RIGHTS)
        return -EPIPE;
    memcpy(&job, CMSG_DATA(header), sizeof(job));
    return job;
}

/* What servers do goes before what is only tried, here and in every child. */
static void stand_back(void)
{
    const struct sched_param none = {0};

    sched_setscheduler(0, SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, 0, NICENESS);
}

int vet_main(int fd)
{
    struct helper h = {.control = fd};
    struct vet_order order;
    sigset_t child;

    prctl(PR_SET_NAME, "moult vet");
    stand_back();
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    h.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    h.progress = mmap(NULL, sizeof(*h.progress), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (h.signals < 0 || h.progress == MAP_FAILED)
        return 1;
    for (;;) {
        int job = take_order(fd, &order);

        if (job == -EINTR)
            continue;
        if (job < 0)
            return 0; /* the host has gone, or let us go */
        if (!run_job(&h, &order, job))
            return 0;
    }
}
