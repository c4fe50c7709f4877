/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry_method - the method `telemetry`: who listens to which events.
 */
#ifndef MOULT_TELEMETRY_METHOD_H
#define MOULT_TELEMETRY_METHOD_H

#include "request.h"

/* Answer `request`; a row of methods.c. */
void telemetry_method(struct request *request, void *context);

#endif
