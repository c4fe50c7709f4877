/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_check - what a key of an env may be, and what it may have; see also env.h.  [pure]
 */
#ifndef MOULT_ENV_CHECK_H
#define MOULT_ENV_CHECK_H

#include <stdint.h>

#define APP_KEY_TEXT 360 /* bytes: a key and an application, in words */
#define ENV_KEY_MAX  255u

/* "any", "integer", "number", "boolean", "text", "array", "map". */
const char *env_type_text(int32_t type);

#endif
