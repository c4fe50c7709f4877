/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_method - the method `registry`: the registries and what is in them.
 */
#ifndef MOULT_REGISTRY_METHOD_H
#define MOULT_REGISTRY_METHOD_H

#include "request.h"

/* Answer `request`; a row of methods.c. */
void registry_method(struct request *request, void *context);

#endif
