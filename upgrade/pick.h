/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pick - which servers of an application go to another version, while the others stay.
 *
 * On the release handler's thread.
 */
#ifndef MOULT_PICK_H
#define MOULT_PICK_H

#include <jansson.h>
#include <stdbool.h>

#include "group.h"
#include "image.h"
#include "map.h"

/* Begin with zero. */
struct pick {
    bool all;        /* that can go */
    struct map pids; /* otherwise these -> 1 */
};

/*
 * Choose of the servers of `group` that run `from`, and that `to` has a child for, those
 * that `words` (texts) say: one "5%", of them all and one at least, or their names or ids.
 * 0; or with `why` -EINVAL, -ENOENT (there is none of that name), -ENOMEM.  Finish it.
 */
int pick_make(struct pick *pick, struct group *group, const struct image *from,
              const struct image *to, const json_t *words, struct fault *why);

bool pick_has(const struct pick *pick, moult_pid pid);
size_t pick_count(const struct pick *pick);
void pick_finish(struct pick *pick);

#endif
