/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_method - the method `info`: all that one process tells of itself, and who is above
 * it.
 */
#ifndef MOULT_INFO_METHOD_H
#define MOULT_INFO_METHOD_H

#include "request.h"

/* Answer `request`; a row of methods.c. */
void info_method(struct request *request, void *context);

#endif
