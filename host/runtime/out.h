/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out - CBOR being written: what abi/moult/cbor.h calls moult_out.
 *
 * It begins in a buffer that somebody else owns, so that a short message is written
 * straight into its envelope, and moves to memory of its own when it outgrows that.
 * One thread at a time.
 */
#ifndef MOULT_OUT_H
#define MOULT_OUT_H

#include "moult.h"

#define OUT_LIMIT (1u << 30) /* bytes; as cbor.h promises */

struct moult_out {
    uint8_t *bytes;
    uint32_t len, capacity;
    int32_t error; /* the first one; it sticks */
    bool owned;    /* `bytes` came from malloc */
};

/*
 * Start empty on `buffer` of `capacity` bytes, borrowed until out_release() or until
 * `out` is owned; NULL and 0 is fine.  [any]
 */
void out_init(moult_out *out, void *buffer, uint32_t capacity);

/* Empty again, without error, with the memory that it has.  [any] */
void out_reset(moult_out *out);

/*
 * Free what it owns, and be empty on no buffer.  Zeroed and released ones are fine.
 * [any]
 */
void out_release(moult_out *out);

/*
 * The bytes as malloc'ed memory of `*len`, given, and `out` as after out_release();
 * NULL when out of memory or after an error: it is as it was.  [any]
 */
uint8_t *out_give(moult_out *out, uint32_t *len);

/* A cursor over what was written, lent until `out` is written to or released.  [any] */
moult_in out_read(const moult_out *out);

/*
 * Room for `n` more bytes: the address of the first, or NULL and an error that sticks.
 * What is used of it is added to `len` by the caller.  [any]
 */
uint8_t *out_room(moult_out *out, size_t n);

#endif
