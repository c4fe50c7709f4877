/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text - JSON as text, whole or not at all.
 *
 * jansson's own json_dumps() does not look at whether a member's key could be written:
 * without memory it gives a text that lacks some.
 */
#ifndef MOULT_JSON_TEXT_H
#define MOULT_JSON_TEXT_H

#include <jansson.h>

/* `json` (borrowed) as text by json_dumps's `flags`, for free(); NULL: no memory. [any] */
char *json_text(const json_t *json, size_t flags);

#endif
