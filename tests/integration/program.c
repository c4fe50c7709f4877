/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "talk.h"

#define WORDS_MOST 32

char folder[256];

/* -- in the child -- */

static void redirect(int to, const char *path)
{
    int fd = open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (fd < 0 || dup2(fd, to) < 0)
        _exit(127);
    close(fd);
}

static _Noreturn void become(const char *const *argv, const char *const *variables)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    unsetenv("MOULT_SOCKET");
    unsetenv("NOTIFY_SOCKET");
    for (size_t i = 0; variables && variables[i]; i++) {
        char *name = strdup(variables[i]), *equals = strchr(name, '=');

        *equals = 0;
        setenv(name, equals + 1, 1);
    }
    execvp(argv[0], (char **)(uintptr_t)argv);
    _exit(127);
}

pid_t program_start(const char *const *argv, const char *const *variables,
                    const char *out, const char *err)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    if (chdir(folder) < 0)
        _exit(127);
    redirect(STDOUT_FILENO, out);
    redirect(STDERR_FILENO, err);
    become(argv, variables);
}

/* -- its end -- */

int program_watch(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    assert_true(fd >= 0);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int program_wait(pid_t pid, int watch)
{
    struct pollfd ended = {.fd = watch, .events = POLLIN};
    int status;

    if (poll(&ended, 1, PATIENCE_MS) != 1)
        fail_msg("a program did not end within %d ms", PATIENCE_MS);
    close(watch);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void read_into(const char *path, char *text, size_t size)
{
    size_t len = 0, kept;
    char *whole = access(path, F_OK) == 0 ? read_whole(path, &len) : NULL;

    kept = len < size ? len : size - 1;
    if (whole)
        memcpy(text, whole, kept);
    text[kept] = 0;
    free(whole);
}

const struct ran *program_run(const char *const *argv, const char *const *variables)
{
    static struct ran ran;
    const char *out = in_folder("ran.out"), *err = in_folder("ran.err");
    pid_t pid;
    int status;

    unlink(out);
    unlink(err);
    pid = program_start(argv, variables, out, err);
    status = program_wait(pid, program_watch(pid));
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    read_into(out, ran.out, sizeof(ran.out));
    read_into(err, ran.err, sizeof(ran.err));
    return &ran;
}

const struct ran *moult(const char *socket, ...)
{
    const char *argv[WORDS_MOST] = {MOULT}, *variables[] = {NULL, NULL};
    char variable[400];
    size_t count = 1;
    va_list words;

    va_start(words, socket);
    do
        argv[count] = va_arg(words, const char *);
    while (argv[count] && ++count < WORDS_MOST);
    va_end(words);
    if (socket) {
        snprintf(variable, sizeof(variable), "MOULT_SOCKET=%s", socket);
        variables[0] = variable;
    }
    return program_run(argv, variables);
}

/* -- what is left behind -- */

void program_adopt(void)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

unsigned program_orphans(void)
{
    const struct timespec patience = {.tv_sec = PATIENCE_MS / 1000};
    unsigned count = 0;
    sigset_t child;
    pid_t pid;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
        count += pid > 0;
        if (pid == 0 && sigtimedwait(&child, NULL, &patience) < 0 && errno == EAGAIN)
            fail_msg("a process that the host started does not end");
    }
    return count;
}
