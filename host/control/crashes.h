/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crashes - the methods that tell of crash reports, beside the loop: they read files.
 */
#ifndef MOULT_CRASHES_H
#define MOULT_CRASHES_H

#include "request.h"

/* As of struct method; `context` is a struct host_view. */
void crashes_list(struct request *request, void *context);
void crashes_show(struct request *request, void *context);

#endif
