/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - messages and states as people and the control socket see them.
 *
 * CBOR and JSON are mapped as RFC 8949, section 6, says.  Both ways refuse what is
 * nested deeper than JSON_DEPTH instead of recursing.
 *
 *   CBOR                        JSON
 *   --------------------------  -----------------------------------------------------
 *   integer                     integer; above INT64_MAX its digits as a string (a JSON
 *                               reader would round it in silence), below INT64_MIN a
 *                               number that is rounded
 *   float                       real; NaN and the infinities null
 *   text, bool, array           the same
 *   null, undefined             null
 *   bytes                       string: base64url without padding; under tag 22 base64,
 *                               under tag 23 base16
 *   big number (tags 2 and 3)   string: base64url, a negative one after a ~
 *   map                         object; keys that are no text become their JSON text
 *   pid                         string: <node.index.generation>
 *   from                        object of caller, callee, ref
 *   any other tag               its content
 *
 * From JSON: an integer becomes an integer, a real a float even where it is whole, a
 * string always text, an object a map in the object's order.
 */
#ifndef MOULT_JSON_H
#define MOULT_JSON_H

#include <jansson.h>

#include "fault.h"
#include "moult.h"

#define JSON_DEPTH 512 /* containers and tags within one another */

/*
 * Append `json` (borrowed; NULL is null) to `out`.  0, -ENOMEM, -EMSGSIZE (over 1 GiB)
 * or -EOVERFLOW (nested too deep): `out` is to be thrown away.  [any]
 */
int json_to_cbor(const json_t *json, moult_out *out, struct fault *why);

/*
 * The next item of `in`, consumed, as JSON, given; NULL, and `why`, when it is
 * malformed (-EBADMSG), nested too deep (-EOVERFLOW) or there is no memory (-ENOMEM).
 * [any]
 */
json_t *json_from_cbor(moult_in *in, struct fault *why);

#endif
