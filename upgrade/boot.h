/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot - start applications: all when the host begins, and those that are new later.
 */
#ifndef MOULT_BOOT_H
#define MOULT_BOOT_H

#include "stock.h"

/*
 * Take in what is in the folder `plugins` and start the permanent release: each of its
 * applications at its version or, if that is lost, at the highest.  Then those of the
 * folder that no release knows.  One that does not start is told and does not keep the
 * others.  0; or a negative errno and `why`.
 */
int boot_all(struct stock *stock, const char *plugins, struct fault *why);

/* Have boot_all() start no more: it is -ECANCELED then.  For good.  [any] */
void boot_cancel(void);

/*
 * Start what `entry` lists, which is new, with what it needs, and then those that waited
 * for it.  It is told as `application.refused` if that can't be; as `application.waits` if
 * another is missing or did not start: then it is tried again after each start.  On the
 * release handler's thread.
 */
void boot_start(struct stock *stock, const struct catalog_entry *entry);

/*
 * Start `name`, unless it runs, with what it needs.  0; or a negative errno and `why`:
 * then nothing was started.  On the release handler's thread.
 */
int boot_ensure(struct stock *stock, const char *name, struct fault *why);

/* Nothing waits any more. */
void boot_forget_waiting(struct stock *stock);

#endif
