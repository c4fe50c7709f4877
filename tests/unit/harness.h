/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness - the runtime and the behaviours without a host: workers, servers made of
 * static tables, and actors: processes that run what a test hands them.
 */
#ifndef MOULT_HARNESS_H
#define MOULT_HARNESS_H

#include "application.h"
#include "clock.h"
#include "code.h"
#include "event.h"
#include "message.h"
#include "process.h"
#include "server.h"
#include "signals.h"
#include "worker.h"

/* Start `workers`, with the clock standing still if `is_virtual`; and stop them. */
void harness_start(unsigned workers, bool is_virtual);
void harness_stop(void);

/* In jobs and callbacks: cmocka's own belong to the thread of the test. */
#define check(condition) \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))
_Noreturn void check_failed(const char *condition, const char *file, int line);

/* For cmocka's setup and teardown. */
int one_worker(void **state); /* or MOULT_TEST_WORKERS, and the virtual clock */
int two_workers(void **state);

/* For a test of what shows in an order that only one worker keeps. */
#define NEEDS_ONE_WORKER     \
    if (workers_count() > 1) \
    skip()

int workers_end(void **state);

/* Let `ms` of virtual time pass and everything due be done. */
void pass(uint64_t ms);

/* `plain` many processes; fewer under TSan, whose fibers are few and slow. */
unsigned many(unsigned plain);

/* -- actors -- */

/* Run by the actor, inside a callback: it may call and wait. */
typedef void job(struct process *p, void *context);

/* What an actor has been sent besides jobs. */
struct seen {
    uint32_t casts, infos, exits, downs, replies;
    int64_t last;     /* integer in the last message */
    int64_t disorder; /* messages whose integer was not the last one's plus one */
    moult_pid from;
    int32_t reason; /* of the last exit or down */
    char text[256]; /* and its words */
    uint64_t ref;
};

/* A new actor in `group` (NULL: the harness's own), which traps exits if `traps`. */
moult_pid actor_in(struct group *group, bool traps);
moult_pid actor(bool traps);

/* One that servers are children of: it is told of their ends, and traps exits. */
moult_pid parent(void);

/* Have it run `run` and wait until it has.  0; -EOWNERDEAD if it ended instead. */
int actor_do(moult_pid pid, job *run, void *context);

/* Have it run `run` some time. */
void actor_post(moult_pid pid, job *run, void *context);

/* By an actor itself: the same, as a cast of its own. */
void actor_again(struct process *p, job *run, void *context);

/* What it has seen so far. */
struct seen actor_seen(moult_pid pid);

/* Is it there still?  Once everything has settled. */
bool alive(moult_pid pid);

/* Wait until all has settled (virtual clock) and `pid` is gone. */
void assert_gone(moult_pid pid);

/* -- servers -- */

/* `callbacks` as code named `id` (borrowed); kept until harness_stop(). */
struct code *code_of(const moult_server *callbacks, const char *id);

/* The same for a child spec, whose `id` and `name` are borrowed as long. */
struct code *code_of_child(const moult_server *callbacks, moult_child child);

/* Start a server by an actor (that traps exits): the pid, or what went wrong. */
struct started {
    int error;
    int32_t reason;
    moult_pid pid;
    char text[256];
};
struct started serve_child(moult_pid parent, const moult_server *callbacks,
                           moult_child child);
/* With `args`, encoded and without a zero in them. */
struct started serve_given(const moult_server *callbacks, const char *id,
                           const char *args);
struct started serve_by(moult_pid parent, const moult_server *callbacks,
                        const char *name);
struct started serve_as(const moult_server *callbacks, const char *name);
moult_pid serve(const moult_server *callbacks);

/* Who starts them. */
moult_pid starter(void);

/* -- asking from outside -- */

/* A message: the text `word`, or an array of it and `number`. */
struct envelope *words(const char *word);
struct envelope *words_int(const char *word, int64_t number);

/* Call `pid` with "word" or ["word", number]; the error, and the reply's integer. */
int ask_word(moult_pid pid, const char *word, int64_t *reply);
int ask_int(moult_pid pid, const char *word, int64_t number, int64_t *reply);

/* What the last of these failed with, in words. */
const char *asked_text(void);

/* Cast or send an integer or a word, from outside. */
int cast_int(moult_pid pid, int64_t number);
int cast_word(moult_pid pid, const char *word);
int info_word(moult_pid pid, const char *word);

/* How many events named `name` there were since `from` (an event_next()). */
unsigned events_named(const char *name, uint64_t from);

#endif
