/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remove - forget a release, and delete from the store the versions that no other has.
 *
 * The record names the files before they go, so that a host which is killed meanwhile
 * deletes the rest when it begins.  OTP: release_handler:remove_release/1.
 */
#ifndef MOULT_REMOVE_H
#define MOULT_REMOVE_H

#include "stock.h"

/*
 * Remove the release called `name`.  0 and `*report` given: release, removed (an array of
 * texts, "counter@1.0.0"); or with `why`: -ENOENT, -EPERM (it runs, or is permanent),
 * -EBUSY (its code is in use), or why the record can't be written.
 */
int remove_release(struct stock *stock, const char *name, json_t **report,
                   struct fault *why);

/* Delete what the record says is to go. */
void remove_sweep(struct stock *stock);

#endif
