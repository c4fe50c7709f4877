/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dying - hosts that are killed just before a certain write, to see what is left then.
 */
#ifndef MOULT_DYING_H
#define MOULT_DYING_H

#include "host_fixture.h"

/* Ask; true if it was done, false if it was refused or the host died of it. */
bool dying_does(struct talk *talk, const char *method, json_t *params);

/*
 * Start a host that dies at its `n`-th write, and have `ask` (NULL: nothing) done; that is
 * false if the host died of it.  Whether it died; it is gone either way.
 */
bool dying_at(struct host *h, int n, const char *const *options,
              bool (*ask)(struct host *h, struct talk *talk));

#endif
