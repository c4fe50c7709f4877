/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys_methods - the methods that look into one process, and hold it still.
 */
#ifndef MOULT_SYS_METHODS_H
#define MOULT_SYS_METHODS_H

#include "request.h"

/* Rows of methods.c. */
void sys_state(struct request *request, void *context);
void sys_suspend(struct request *request, void *context);
void sys_resume(struct request *request, void *context);
void sys_statistics(struct request *request, void *context);
void sys_children(struct request *request, void *context);

#endif
