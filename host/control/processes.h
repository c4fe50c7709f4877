/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processes - the method `ps`: those of all applications, the largest first if asked.
 */
#ifndef MOULT_PROCESSES_H
#define MOULT_PROCESSES_H

#include "request.h"

/* Answer `request`; a row of methods.c. */
void processes_list(struct request *request, void *context);

/* How the process is, for people: "idle", "running" and so on. */
struct process;
const char *process_status_text(struct process *p);

#endif
