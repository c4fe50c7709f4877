/* SPDX-License-Identifier: Apache-2.0 */
/*
 * booting - start what there is on a thread of its own, while the loop runs.
 *
 * So an init that does not come back is told of, and the host still hears that it is to
 * stop.
 */
#ifndef MOULT_BOOTING_H
#define MOULT_BOOTING_H

#include <stdatomic.h>
#include <uv.h>

#include "release.h"

#define BOOTING_GRACE_S 5 /* for what is being started, once it is to stop */

struct booting {
    struct release_options options;
    uv_loop_t *loop;
    uv_async_t done;
    atomic_bool is_done;
    int error; /* what came of it; the thread's own, until then, as is the next */
    struct fault why;
};

/*
 * release_start(), until it is over or `loop` is stopped, which ends what has started.
 * False if a callback can't be ended: then the thread still runs.  `b` is zero, and lent
 * for as long as the loop has handles.  [loop thread]
 */
bool booting_run(struct booting *b, uv_loop_t *loop,
                 const struct release_options *options);

#endif
