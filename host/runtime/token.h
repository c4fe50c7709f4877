/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token - one head of CBOR, decoded: what every read of a moult_in starts with.
 *
 * Takes what RFC 8949 calls well-formed and valid, less what a host does not need and
 * an attacker likes: lengths that are not said beforehand, and simple values that
 * nobody has given a meaning.  Never reads at or past `end`.
 */
#ifndef MOULT_TOKEN_H
#define MOULT_TOKEN_H

#include "moult.h"

struct token {
    int32_t kind;         /* MOULT_INT and so on; MOULT_NOTHING: see `why` */
    bool negative;        /* an integer of -1 - value */
    uint64_t value;       /* integer, bool, tag, or how many bytes, items or pairs */
    double real;          /* of MOULT_FLOAT */
    const uint8_t *bytes; /* of text and bytes */
    const char *why;      /* lent for ever */
};

/*
 * Decode what is at `at`; the bytes read (head and text or bytes, not the items of a
 * container), or 0 and t->why.  Text is not checked to be UTF-8.  [pure]
 */
size_t token_read(struct token *t, const uint8_t *at, const uint8_t *end);

/*
 * The same at the cursor, which moves on; text is checked.  False: the error sticks.
 * [pure]
 */
bool token_next(struct token *t, moult_in *in);

/*
 * Record the first error: always false, so that a failing line is a single line. [pure]
 */
bool token_fail(moult_in *in, int error, const char *why);

#endif
