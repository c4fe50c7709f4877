/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encoded - values that a plugin or a file says in JSON, encoded once for all uses.
 */
#ifndef MOULT_ENCODED_H
#define MOULT_ENCODED_H

#include <jansson.h>
#include <stddef.h>

#include "fault.h"

/*
 * Encode `text` (NULL: null), which is `what` ("the args of child 'x'").  0 and `*bytes`
 * given, for free(); -EINVAL (it is no JSON, or can't be encoded), -ENOMEM, and `why`.
 * [any]
 */
int encoded_text(const char *what, const char *text, void **bytes, size_t *len,
                 struct fault *why);

/* The same of a value (borrowed). */
int encoded_value(const char *what, const json_t *value, void **bytes, size_t *len,
                  struct fault *why);

#endif
