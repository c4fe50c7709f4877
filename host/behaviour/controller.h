/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controller - the process that starts and stops applications, one at a time.  OTP:
 * application_controller.
 *
 *   start   the start callback; its tree; the trees of what it includes; each phase
 *   stop    prep_stop; the trees in reverse; the stop callback; what else is of it
 *
 * A start that fails is taken back.  A tree that ends by itself takes with it whatever is
 * part of the same application.
 */
#ifndef MOULT_CONTROLLER_H
#define MOULT_CONTROLLER_H

#include "application.h"
#include "out.h"

/* 0 or -ENOMEM. */
int controller_start(void);

/* What config_change and config_check are told, encoded; see env_compare(). */
struct config_change {
    const struct application_spec *asked; /* the version whose config_check; or NULL */
    moult_out changed, added, removed;
};

/*
 * Ask it, as `p` inside a callback, to have `name` started with all it needs: 0, or a
 * negative errno and words in `p->answer`.
 */
int controller_ensure(struct process *p, const char *name);

/*
 * Have it done and wait: 0, or a negative errno and words.  `with` (borrowed) is a struct
 * config_change of SYSTEM_CONFIG_CHANGE, a struct apply of SYSTEM_APPLY.  Not on a worker.
 */
int controller_ask(enum system_request what, struct application *app, const void *with,
                   char *text, size_t size);

#endif
