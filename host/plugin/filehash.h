/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filehash - what a file's content is known by: XXH3, 128 bits, as 32 hex digits.
 *
 * Content decides whether a file is new, never its name or its times.  It guards
 * against mistakes, not against someone who wants two files to have one hash.
 */
#ifndef MOULT_FILEHASH_H
#define MOULT_FILEHASH_H

#include <stddef.h>

#define FILEHASH_TEXT 33 /* bytes, with the zero */

/* The hash of `len` bytes, into `text`.  [any] */
void filehash_text(const void *bytes, size_t len, char text[FILEHASH_TEXT]);

/* A hash of what comes piece by piece; NULL when out of memory. */
struct filehash *filehash_create(void);
void filehash_add(struct filehash *h, const void *bytes, size_t len);

/* The hash of all pieces, into `text`; frees `h`. */
void filehash_finish(struct filehash *h, char text[FILEHASH_TEXT]);

#endif
