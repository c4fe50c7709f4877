/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - the way from one version to another: as an appup says, or none is needed.
 *
 * The newer version's appup has it, for both directions; one without an appup leaves it to
 * the host.  What is said is checked against what changed.
 */
#ifndef MOULT_ROUTE_H
#define MOULT_ROUTE_H

#include "carry.h"
#include "image.h"

/* Borrowed of the images.  `way` NULL: it is worked out. */
struct route {
    const struct image *from, *to;
    const struct way *way;
};

/*
 * Find it: 0; -ENOTSUP (there is an appup, with no way between the two) and `why`.  [pure]
 */
int route_find(const struct image *from, const struct image *to, struct route *out,
               struct fault *why);

/*
 * Is all covered that changed, and does nothing speak of what did not?  0, or -EINVAL and
 * `why`: where, what, and what would be right.  [pure]
 */
int route_check(const struct route *route, struct fault *why);

/* How a state of `a` is carried to `b`, on that way.  [pure] */
struct passage route_passage(const struct route *route, const struct code *a,
                             const struct code *b);

/* What is different of a child of both, that an appup has to cover. */
enum route_difference {
    ROUTE_SAME,
    ROUTE_SPEC,   /* its child's spec */
    ROUTE_BRANCH, /* it is a supervisor, and supervises otherwise */
    ROUTE_LAYOUT, /* of its state */
    ROUTE_FORMAT
};

enum route_difference route_compare(const struct code *a, const struct code *b);

#endif
