/* SPDX-License-Identifier: Apache-2.0 */
/*
 * applications - the methods about applications: which there are, what is configured of
 * them.  Told in protocol.c; they run on the loop.
 */
#ifndef MOULT_APPLICATIONS_H
#define MOULT_APPLICATIONS_H

#include "application.h"
#include "request.h"

void applications_list(struct request *request, void *context);
void applications_env(struct request *request, void *context);
void applications_log(struct request *request, void *context);

/* "stopped", "running", "failed". */
const char *applications_status_text(const struct application *app);

#endif
