/* SPDX-License-Identifier: Apache-2.0 */
/*
 * others - what a plan says to people of applications that start, stop or run on because of
 * one that moves.
 */
#ifndef MOULT_OTHERS_H
#define MOULT_OTHERS_H

#include "upgrade.h"

/*
 * Arrays of texts, given: of those that `u` starts, as far as `m` needs them, and with its
 * first move those that none needs; and of those that stop, with the first, or run on
 * though `m` needs them no more.  NULL: no memory.
 */
json_t *others_before(const struct upgrade *u, const struct upgrade_move *m);
json_t *others_after(const struct upgrade *u, const struct upgrade_move *m);

#endif
