/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8 - is this text?
 *
 * Text is checked where it enters: when it is put into a message, read from one, or
 * saved from a state.  What lies between is taken for granted.
 */
#ifndef MOULT_UTF8_H
#define MOULT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether `len` bytes are UTF-8: no overlong forms, no surrogates, no cut ends.  [any]
 */
bool utf8_valid(const void *text, size_t len);

/* Take off the end of `text` what a buffer that was too short has left of a character. */
void utf8_trim(char *text);

#endif
