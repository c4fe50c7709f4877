/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin - the methods that the control socket brings itself: `ping`, `version`,
 * `methods` and the events.  They are there beside whatever control_open() is given.
 */
#ifndef MOULT_BUILTIN_H
#define MOULT_BUILTIN_H

#include "request.h"

/* Ends with a NULL name; its context is the control. */
extern const struct method builtin_methods[];

#endif
