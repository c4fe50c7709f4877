/* SPDX-License-Identifier: Apache-2.0 */
#include "vet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commons.h"
#include "event.h"
#include "vet_judge.h"

#define GRACE_MS 5000 /* more than a job's time, before the helper itself is given up */

struct vet {
    char *program;
    pid_t pid;   /* of the helper, or 0 */
    int control; /* to it, or -1 */
};

/* A job under way, as the host sees it. */
struct exchange {
    int control, job;
    struct vet_buffer out, in;
    size_t sent;
    struct vet_verdict verdict;
};

/* -- the helper -- */

static int spawn(struct vet *v, int end)
{
    char name[] = "moult", word[] = "vet";
    char *argv[] = {name, word, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int err;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end, VET_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, VET_FD + 1);
    posix_spawnattr_init(&attributes);
    /* A group of its own: Ctrl-C at the host's terminal is not for it. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    err = posix_spawn(&v->pid, v->program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (err)
        v->pid = 0;
    return -err;
}

static int start_helper(struct vet *v, struct fault *why)
{
    int ends[2];
    int err;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fault(why, -errno, "unable to start the vet's helper: %s",
                     strerror(errno));
    err = spawn(v, ends[1]);
    close(ends[1]);
    if (err) {
        close(ends[0]);
        return fault(why, err, "unable to start the vet's helper '%s': %s", v->program,
                     strerror(-err));
    }
    v->control = ends[0];
    commons_own(ends[0]);
    return 0;
}

static void stop_helper(struct vet *v)
{
    if (v->control >= 0)
        close(v->control);
    v->control = -1;
    if (v->pid > 0) {
        kill(v->pid, SIGKILL); /* a child of it dies with it */
        while (waitpid(v->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    v->pid = 0;
}

int vet_start(const char *program, struct vet **out, struct fault *why)
{
    struct vet *v = calloc(1, sizeof(*v));
    int err;

    if (v) {
        v->control = -1;
        v->program = strdup(program ? program : "/proc/self/exe");
    }
    if (!v || !v->program) {
        free(v);
        return fault(why, -ENOMEM, "no memory for the vet");
    }
    err = start_helper(v, why);
    if (err) {
        vet_stop(v);
        return err;
    }
    *out = v;
    return 0;
}

void vet_stop(struct vet *vet)
{
    if (!vet)
        return;
    stop_helper(vet);
    free(vet->program);
    free(vet);
}

/* -- one job -- */

static int send_order(int control, const struct vet_order *order, int job)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } with = {0};
    struct vet_order copy = *order;
    struct iovec iov = {.iov_base = &copy, .iov_len = sizeof(copy)};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = with.bytes,
                             .msg_controllen = sizeof(with.bytes)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    ssize_t n;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &job, sizeof(job));
    do
        n = sendmsg(control, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -EPIPE : 0;
}

/* Send more of the job; a child that is gone is its verdict's business. */
static void send_more(struct exchange *x)
{
    ssize_t n = send(x->job, x->out.bytes + x->sent, x->out.len - x->sent,
                     MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n > 0)
        x->sent += (size_t)n;
    else if (errno != EAGAIN && errno != EINTR)
        x->sent = x->out.len;
    if (x->sent == x->out.len)
        shutdown(x->job, SHUT_WR);
}

/* Receive more of the report; false when there is no more for now or for ever. */
static bool receive_more(struct exchange *x)
{
    ssize_t n;

    if (x->in.len > VET_REPORT_MAX || vet_buffer_add(&x->in, NULL, 4096))
        return false;
    n = recv(x->job, x->in.bytes + x->in.len, x->in.capacity - x->in.len, MSG_DONTWAIT);
    if (n > 0)
        x->in.len += (size_t)n;
    return n > 0;
}

/* Talk to the child until the helper says that it is gone. */
static int converse(struct exchange *x, unsigned timeout_ms)
{
    struct pollfd fds[] = {{.fd = x->control, .events = POLLIN},
                           {.fd = x->job, .events = POLLIN | POLLOUT}};

    for (;;) {
        int n = poll(fds, 2, (int)timeout_ms + GRACE_MS);

        if (n == 0)
            return -EPIPE;
        if (n < 0)
            continue;
        if (fds[1].revents & POLLOUT)
            send_more(x);
        if (x->sent == x->out.len)
            fds[1].events = POLLIN;
        if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) && !receive_more(x))
            fds[1].fd = -1;
        if (fds[0].revents)
            break;
    }
    if (recv(x->control, &x->verdict, sizeof(x->verdict), 0) != sizeof(x->verdict))
        return -EPIPE;
    x->verdict.tail[VET_TAIL - 1] = '\0';
    while (receive_more(x))
        ;
    return 0;
}

static int exchange(struct vet *v, struct exchange *x, unsigned timeout_ms)
{
    struct vet_order order = {.timeout_ms = timeout_ms};
    int ends[2];
    int err;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    x->control = v->control;
    x->job = ends[0];
    x->sent = 0;
    x->in.len = 0;
    err = send_order(v->control, &order, ends[1]);
    close(ends[1]);
    if (!err)
        err = converse(x, timeout_ms);
    close(ends[0]);
    return err;
}

/* Once more with a new helper if the one there was is gone. */
static int exchange_or_restart(struct vet *v, struct exchange *x, unsigned timeout_ms,
                               struct fault *why)
{
    int err = v->control >= 0 ? exchange(v, x, timeout_ms) : -EPIPE;

    if (err == -EPIPE) {
        stop_helper(v);
        event_emit(EVENT_WARN, "vet.restart", NULL);
        err = start_helper(v, why);
        if (!err)
            err = exchange(v, x, timeout_ms);
    }
    if (err == -EPIPE)
        stop_helper(v);
    return err ? fault(why, err,
                       "unable to vet: the helper process ends or does not answer")
               : 0;
}

int vet_run_job(struct vet *vet, const struct vet_job *job, struct vet_report *out,
                struct fault *why)
{
    unsigned timeout_ms = job->timeout_ms ? job->timeout_ms : VET_TIMEOUT_MS;
    /* The loader would look for a name without a slash elsewhere. */
    char *path = realpath(job->path, NULL);
    char *with = job->with ? realpath(job->with, NULL) : NULL;
    struct vet_job whole = *job;
    struct exchange x = {0};
    int err;

    *out = (struct vet_report){.state = -1};
    whole.path = path ? path : job->path;
    whole.with = with ? with : job->with;
    err = vet_job_write(&whole, &x.out);
    if (err)
        fault(why, err, "no memory to vet '%s'", job->path);
    else
        err = exchange_or_restart(vet, &x, timeout_ms, why);
    if (!err)
        err = vet_judge(&x.in, &x.verdict, timeout_ms, out, why);
    if (err)
        fault_where(why, job->state_count ? "rehearse" : "vet", NULL, NULL, NULL);
    vet_buffer_release(&x.out);
    vet_buffer_release(&x.in);
    free(path);
    free(with);
    return err;
}

/* NOLINTNEXTLINE(readability-function-size): a struct for one more is not worth it */
int vet_run(struct vet *vet, const char *path, const char *with, unsigned timeout_ms,
            struct vet_report *out, struct fault *why)
{
    const struct vet_job job = {.path = path, .with = with, .timeout_ms = timeout_ms};

    return vet_run_job(vet, &job, out, why);
}

int vet_read_release(struct vet *vet, const char *path, json_t **out, struct fault *why)
{
    const struct vet_job job = {.path = path, .is_release = true};
    struct vet_report report = {0};
    int err = vet_run_job(vet, &job, &report, why);

    json_decref(report.lints);
    if (!err && !report.release)
        return fault(why, -ENOEXEC, "there is nothing in '%s'", path);
    if (!err)
        *out = report.release;
    return err;
}
