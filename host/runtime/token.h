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

#include <endian.h>
#include <string.h>

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
 * The argument (RFC 8949) of the head at `at`, which is before `end`: how many bytes the head
 * takes, and `*value`: an integer, of which it is -1 - value if it is negative, a length, a
 * count or a tag.  0: leave it to token_read().  [pure]
 */
static inline size_t token_argument(const uint8_t *at, const uint8_t *end,
                                    uint64_t *value)
{
    size_t left = (size_t)(end - at);
    uint32_t four;
    uint64_t eight;

    switch (*at & 0x1f) {
    case 24:
        *value = left > 1 ? at[1] : 0;
        return left > 1 ? 2 : 0;
    case 25:
        *value = left > 2 ? (uint64_t)at[1] << 8 | at[2] : 0;
        return left > 2 ? 3 : 0;
    case 26:
        if (left < 5)
            return 0;
        memcpy(&four, at + 1, sizeof(four));
        *value = be32toh(four);
        return 5;
    case 27:
        if (left < 9)
            return 0;
        memcpy(&eight, at + 1, sizeof(eight));
        *value = be64toh(eight);
        return 9;
    default:
        *value = *at & 0x1f;
        return *value < 24;
    }
}

/*
 * Record the first error: always false, so that a failing line is a single line. [pure]
 */
bool token_fail(moult_in *in, int error, const char *why);

#endif
