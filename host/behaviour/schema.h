/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - what a state is made of: checked, hashed, filled, saved and loaded.
 *
 * Works on what abi/moult/state.h describes.  Only schema_check() distrusts a schema:
 * everything else takes one that it passed.  Saved bytes are never trusted.  Whoever
 * calls holds the state still; nothing here blocks.
 *
 * `why->field` is the path of the field that is at fault, as in `rooms[3].name`.
 */
#ifndef MOULT_SCHEMA_H
#define MOULT_SCHEMA_H

#include "fault.h"
#include "moult.h"

#define SCHEMA_DEPTH   16u    /* structs within one another */
#define SCHEMA_MEMBERS 1024u  /* fields of one struct */
#define SCHEMA_FIELDS  65536u /* fields of a schema and all that is nested in it */

/*
 * Whether `schema` describes memory that can be filled, saved and loaded.  0, or
 * -EINVAL, -EOVERFLOW (an initial value that does not fit) and why->text with the
 * field, file, line and what would be right.  [pure]
 */
int schema_check(const moult_schema *schema, struct fault *why);

/*
 * A number that is equal where the memory of a state can be handed to the other version
 * as it is: equal keys, kinds, counts, sizes and offsets, all the way down.  What a
 * field was called and its initial value don't count.  [pure]
 */
uint64_t schema_layout(const moult_schema *schema);

/*
 * Give `state`, all zero, its initial values, allocating with `ctx`.  0 or -ENOMEM:
 * what was allocated goes with `ctx`.  [pure]
 */
int schema_init(moult_ctx *ctx, const moult_schema *schema, void *state);

/*
 * Append `state` as one map to `out`.  0; -EINVAL (text that is not UTF-8, a char array
 * without its zero, items that are not there), -ENOMEM, -EMSGSIZE: `out` is to be
 * thrown away.  [pure]
 */
int schema_save(const moult_schema *schema, const void *state, moult_out *out,
                struct fault *why);

/* The same for people: "(secret)" stands for each field that is secret.  [pure] */
int schema_show(const moult_schema *schema, const void *state, moult_out *out,
                struct fault *why);

/*
 * Read the map at `in` into `state`, which has its initial values, allocating with
 * `ctx`.  Keys that are unknown are dropped, fields that the map lacks keep their
 * values, a key that a field had before counts where its own is absent.  `writer` is
 * the schema that the map was written by, or NULL: what it says its fields were called
 * before counts too, so that a renamed field finds its way back.  Integers and floats
 * may change their width where the value fits, and integers become floats.  0, or
 * `state` is to be thrown away: -EBADMSG (malformed, or of another kind), -EOVERFLOW (a
 * value that does not fit: it is never cut), -ENOMEM.  [pure]
 */
int schema_load(moult_ctx *ctx, const moult_schema *schema, const moult_schema *writer,
                void *state, moult_in *in, struct fault *why);

#endif
