/* SPDX-License-Identifier: Apache-2.0 */
/*
 * install - have a release run: its applications, each at its version, and no others.
 *
 * On the release handler's thread.  OTP: release_handler:install_release/1.
 */
#ifndef MOULT_INSTALL_H
#define MOULT_INSTALL_H

#include "order.h"

/*
 * Install the release called `name`, or, by `order->mode`, only plan it.
 * `order` has what is needed for it, is done with afterwards, and nothing to do yet.  It
 * is current then, and permanent only if `lasts` and what ran before was.  0 and `*report`
 * given, as upgrade_run() has it, and release and from; or a negative errno and `why`,
 * told as event `release.refused`, and everything is as it was.
 */
int install_release(struct order *order, const char *name, bool lasts, json_t **report,
                    struct fault *why);

/*
 * Have just the applications of `apps` (borrowed), as a release has them, run, and have the
 * ledger be `next` then.  As order_run(), which the caller finishes.
 */
int install_applications(struct order *order, const json_t *apps, json_t *next,
                         json_t **report, struct fault *why);

#endif
