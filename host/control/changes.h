/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes - the methods that tell which versions and releases there are, and change which
 * run.  The release handler does it, and answers from its thread.
 */
#ifndef MOULT_CHANGES_H
#define MOULT_CHANGES_H

#include "request.h"

/* As of struct method; `context` is a struct host_view. */
void changes_upgrade(struct request *request, void *context);
void changes_downgrade(struct request *request, void *context);
void changes_rehearse(struct request *request, void *context);
void changes_snapshot(struct request *request, void *context);
void changes_unpack(struct request *request, void *context);
void changes_releases(struct request *request, void *context);
void changes_install(struct request *request, void *context);
void changes_permanent(struct request *request, void *context);
void changes_canary(struct request *request, void *context);
void changes_promote(struct request *request, void *context);
void changes_confirm(struct request *request, void *context);
void changes_withdraw(struct request *request, void *context);
void changes_remove(struct request *request, void *context);
void changes_purge(struct request *request, void *context);
void changes_reload(struct request *request, void *context);
void changes_reboot_old(struct request *request, void *context);

#endif
