/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permanent - which release a host begins with.
 *
 * On the release handler's thread.
 */
#ifndef MOULT_PERMANENT_H
#define MOULT_PERMANENT_H

#include "record.h"

/*
 * Make the release that runs permanent; `name` (NULL: whichever runs) says which it should
 * be.  0, also if it is already, and `*report` given: release, from; or with `why`:
 * -ENOENT, -EPERM (it does not run), or why the record can't be written.
 * OTP: release_handler:make_permanent/1.
 */
int permanent_make(struct record *record, const char *name, json_t **report,
                   struct fault *why);

/*
 * Make `name`, which is old, permanent, though another runs: for a host that begins anew.
 * As permanent_make().  OTP: release_handler:reboot_old_release/1.
 */
int permanent_make_old(struct record *record, const char *name, json_t **report,
                       struct fault *why);

#endif
