/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_read - load one value that is no struct and no array into its field.
 */
#ifndef MOULT_SCHEMA_READ_H
#define MOULT_SCHEMA_READ_H

#include "schema_place.h"

/* A state being loaded. */
struct load {
    moult_ctx *ctx;
    moult_in *in;
    struct fault *why;
};

/* The next item of `in` into the memory of place->field, any kind but a struct's. */
int read_item(struct load *l, const struct place *place, void *to);

/* Say that what stands at `at` could not be read as `wanted`; the error. */
int read_fault(struct load *l, const struct place *place, const uint8_t *at,
               const char *wanted);

#endif
