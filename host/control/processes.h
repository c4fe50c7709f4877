/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processes - the method `ps`: those of all applications, the largest first if asked.
 */
#ifndef MOULT_PROCESSES_H
#define MOULT_PROCESSES_H

#include "process.h"
#include "request.h"

/* Answer `request`; a row of methods.c. */
void processes_list(struct request *request, void *context);

/* What can be seen of `pid` from outside, an object, given; NULL if it is gone.  [any] */
json_t *processes_figures(moult_pid pid);

#endif
