/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - what a command refuses by itself, as a host would.
 */
#ifndef MOULT_REFUSAL_H
#define MOULT_REFUSAL_H

#include "fault.h"
#include "screen.h"

/* Show it as show_error() does a method's error: with `json` as one line of JSON. */
void refusal_show(const struct fault *why, bool json, const struct screen *screen);

/* The same of who needs no host's word for it: for people "moult: ...". */
void refusal_complain(const struct fault *why, bool json, const struct screen *screen);

#endif
