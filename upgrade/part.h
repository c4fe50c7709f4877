/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part - one application's part in an upgrade: how it goes from one version to another.
 *
 * The steps are the upgrade's, which takes each for all its parts before the next; see
 * there what undoes them.  On the release handler's thread.
 */
#ifndef MOULT_PART_H
#define MOULT_PART_H

#include "migrate.h"
#include "plan.h"
#include "rehearse.h"
#include "supervision.h"
#include "upgrade.h"

struct part {
    const struct upgrade *whole; /* that it is a part of */
    const struct upgrade_move *move;
    const struct pick
        *pick; /* servers that go, and nothing else does; NULL: all of it */
    struct plan plan;
    const struct application_spec *was; /* of one that was stopped to be restarted */
    struct migration migration;
    struct supervision supervision;
    struct env *env; /* what it will have; from the commit on, what it had */
    size_t rehearse; /* states at most; 0: none */
    struct rehearsed rehearsed;
    uint64_t waited; /* messages */
};

/* What may refuse: 0, or a negative errno and `why` with its step. */
int part_plan(struct part *part, struct fault *why);
int part_rehearse(struct part *part, struct vet *vet, size_t most, struct fault *why);
int part_check(struct part *part, struct fault *why);
int part_add(struct part *part, struct fault *why);
int part_apply(struct part *part, struct fault *why);
int part_restart(struct part *part, struct fault *why);
int part_stop(struct part *part, struct fault *why);
int part_migrate(struct part *part, const struct budget *budget, struct fault *why);

/* Is anything called beforehand?  [pure] */
bool part_applies(const struct part *part);

/* Are there children to be added?  [pure] */
bool part_adds(const struct part *part);

/* What can't. */
void part_commit(struct part *part);
void part_abandon(struct part *part); /* while all rest */
void part_start(struct part *part);   /* what part_stop() has stopped */
void part_retire(struct part *part);
void part_undo(struct part *part);

/* Free what it holds; all zero is fine. */
void part_finish(struct part *part);

/*
 * What is said of it: what was done, with each server if `lists`; or, by its plan alone,
 * what would be.  Given.
 */
json_t *part_report(const struct part *part, bool lists);
json_t *part_plan_json(const struct part *part);
json_t *part_rehearsal_json(const struct part *part);

#endif
