/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reqids - collections of calls that are not waited for; see abi/moult/reqids.h.
 */
#ifndef MOULT_REQIDS_INTERNAL_H
#define MOULT_REQIDS_INTERNAL_H

#include <stdint.h>

struct reqids;

/* Nothing comes of the call `ref` any more, for those of the list `all` that have it. */
void reqids_gone(struct reqids *all, uint64_t ref);

/* Free the list `all` (taken, or NULL) of collections. */
void reqids_finish(struct reqids *all);

#endif
