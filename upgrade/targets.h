/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets - what was asked to be where, and what is told of it.
 */
#ifndef MOULT_TARGETS_H
#define MOULT_TARGETS_H

#include "change.h"
#include "order.h"

/* One application on its way. */
struct target {
    char name[MANIFEST_NAME_MAX + 1];
    const char *vsn; /* as it was asked for; "": the highest */
    struct application *app;
    struct catalog_entry to;
    bool is_there; /* already */
    bool starts;   /* it does not run yet */
};

struct targets {
    const struct change *change;
    struct target *list;
    size_t count;
    struct order order;
};

/*
 * Of `whole` (taken), as order_run() gives it, what is said of each; given: of one an
 * object, of several an array.
 */
json_t *targets_report(const struct targets *all, json_t *whole);

#endif
