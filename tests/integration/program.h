/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - other processes, from a test.
 *
 * Everything here fails the test if it fails or takes longer than PATIENCE_MS.
 */
#ifndef MOULT_PROGRAM_H
#define MOULT_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/* What a program did that ran to its end. */
struct ran {
    int status;                  /* its exit status, or -1 if a signal ended it */
    char out[65536], err[16384]; /* what it said; cut */
};

/*
 * Start argv[0] in the test's folder with these variables, "NAME=value", besides the
 * test's own, and its output and errors appended to those files (NULL: to nothing).  It
 * dies with the test.
 */
pid_t program_start(const char *const *argv, const char *const *variables,
                    const char *out, const char *err);

/* A pidfd: it is ready to be read when the program has ended. */
int program_watch(pid_t pid);

/* Wait for its end; the status of waitpid().  `watch` is closed. */
int program_wait(pid_t pid, int watch);

/* Run it to its end. */
const struct ran *program_run(const char *const *argv, const char *const *variables);

/* Run `moult ...`, NULL at the end, as a client of the host at `socket`. */
const struct ran *moult(const char *socket, ...);

/*
 * Become the parent of what any child leaves behind; then, wait until no such process
 * is left, and tell how many there were.
 */
void program_adopt(void);
unsigned program_orphans(void);

#endif
