/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oom - a real host whose allocations fail, one after the other: for the oom_* tests.
 *
 * Those are too many for each run: of each sweep some are taken, by a stride and a seed.
 * MOULT_OOM=all takes all; MOULT_OOM_SEED repeats a run; MOULT_OOM_TRACE=1 has the host
 * say where each was that failed.
 */
#ifndef MOULT_OOM_H
#define MOULT_OOM_H

#include "host_fixture.h"
#include "no_memory.h"

extern struct no_memory *oom_control;

/* For main(): take the seed, and print it. */
void oom_begin(void);

/* For cmocka. */
int oom_setup(void **state);
int oom_teardown(void **state);

#define OOM_TEST(f) cmocka_unit_test_setup_teardown(f, oom_setup, oom_teardown)

/* From now on the `at`-th allocation fails, and `burst` of them; and none any more. */
void oom_arm(uint64_t at, uint64_t burst);
void oom_disarm(void);

/*
 * A step of a sweep that begins with something that is to work: oom_hold() has memory, and
 * gives what oom_go_on() arms again.
 */
struct oom_armed {
    uint64_t at, burst;
};

struct oom_armed oom_hold(void);
void oom_go_on(struct oom_armed armed);

typedef void oom_attempt(struct host *h);

/*
 * Call `run` with the first, second, third ... allocation failing, alone and with those
 * that follow it, until none does; by steps of `stride`.
 */
void oom_sweep(struct host *h, const char *name, unsigned stride, oom_attempt *run);

/* Start it with memory, and with these options behind `--workers 2` (NULL: none). */
void oom_start(struct host *h, const char *const *options);

/* The same, where it may end instead of becoming ready.  True if it is ready. */
bool oom_try_start(struct host *h);

/* Stop it with memory. */
void oom_stop(struct host *h);

/* Ask on a connection of its own: the answer, or NULL if the host hung up. */
json_t *oom_ask(struct host *h, const char *method, json_t *params);

/* Only ask. */
void oom_try(struct host *h, const char *method, json_t *params);

/* There is memory again, and this works; given. */
json_t *oom_works(struct host *h, const char *method, json_t *params);

/* There is memory again: that server answers at once with an integer. */
json_int_t oom_counts(struct host *h, const char *server);

/*
 * Wait until nothing is under way any more: a job is done when another is.  Who asked for
 * it may have been hung up on, and it is done none the less.
 */
void oom_settle(struct host *h);

/* As oom_counts(), as soon as it does: its supervisor tries again and again. */
void oom_wait_for(struct host *h, const char *name, const char *message);

/* Whether that version of an application runs. */
bool oom_runs(struct host *h, const char *app, const char *vsn);

#endif
