/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial_carry - the part of a trial that carries states from one version to another and
 * back.
 */
#ifndef MOULT_TRIAL_CARRY_H
#define MOULT_TRIAL_CARRY_H

#include <jansson.h>

#include "route.h"
#include "vet.h"

/* The way there and the way back; the latter is empty if there is none. */
struct trip {
    struct journey there, back;
};

/*
 * The ways of both directions through `count` versions.  0; -EINVAL and `why`; -ENOTSUP: of
 * two there is none, so nothing is carried, as others may be between them.
 */
int trip_plan(const struct image *const *stops, size_t count, struct trip *trip,
              json_t *lints, struct fault *why);

/* Carry what each has with its initial values.  0, or a negative errno and `why`. */
int trip_carry_initial(const struct trip *trip, json_t *lints, struct fault *why);

/*
 * Carry a state of a server that runs, and what waits for it.  0, or a negative errno and
 * `why`.
 */
int trip_carry(const struct trip *trip, const struct vet_state *state,
               struct fault *why);

/* A state with its initial values must be the same after being saved and loaded. */
int trial_check_initial(const struct code *code, struct fault *why);

/* How something goes, leg by leg. */
struct trial_legs {
    struct passage list[ROUTE_LEGS_MAX];
    size_t count;
};

/* -- of trial_messages.c -- */

/* Say why what waits for a server that goes so could not be carried, if it is so. */
void trial_lint_messages(const struct trial_legs *there, json_t *lints);

/* Carry what waits for the server of `state`.  0, or a negative errno and `why`. */
int trial_carry_messages(const struct trial_legs *there, const struct trial_legs *back,
                         const struct vet_state *state, struct fault *why);

/* -- of trial.c -- */

/* Say what is about to be done. */
void trial_note(const char *doing, const char *server);

void trial_lint(json_t *lints, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
