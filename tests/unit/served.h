/* SPDX-License-Identifier: Apache-2.0 */
/*
 * served - a control socket in a folder of its own, served by a thread, and raw clients.
 */
#ifndef MOULT_SERVED_H
#define MOULT_SERVED_H

#include "control.h"

struct served {
    char folder[64];
    char path[96]; /* of the socket */
    struct control *control;
    uv_loop_t loop;
    uv_async_t ender;
    uv_thread_t thread;
};

/*
 * Serve `methods` at a new path, or if that is NULL: "echo" (its params), "later" and
 * "never" (see served_answer()), "big" {bytes}, "wrong" (a full fault) and "steps" (two
 * of progress, then null).  `limits` may be NULL.
 */
struct served *served_open(const struct method *methods,
                           const struct control_limits *limits);
void served_close(struct served *served);

/* Answer all "later" from this thread; how many.  "never" stays. */
int served_answer(void);

/* Wait until `count` requests for "later" or "never" are there. */
void served_wait_for(int count);

/* A client: a blocking descriptor. */
int client_of(const struct served *served);

/* Send `text` as it is. */
void say(int fd, const char *text);

/* The next line, given; NULL at the end.  Fails the test after some seconds. */
char *hear(int fd);

/* The next line as JSON, given.  Fails the test if there is none. */
json_t *hear_json(int fd);

/* Fails the test unless the next line is `expected`. */
void hears(int fd, const char *expected);

#endif
