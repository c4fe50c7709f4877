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

#define ROUTE_LEGS_MAX 16u

/* From one version to another by way of others. */
struct journey {
    struct route legs[ROUTE_LEGS_MAX];
    size_t count;
};

/*
 * Find it: 0; -ENOTSUP (there is an appup, with no way between the two, or a code_change
 * does not know so low a format) and `why`.  [pure]
 */
int route_find(const struct image *from, const struct image *to, struct route *out,
               struct fault *why);

/*
 * Is all covered that changed, and does nothing speak of what did not?  0, or -EINVAL and
 * `why`: where, what, and what would be right.  [pure]
 */
int route_check(const struct route *route, struct fault *why);

/*
 * Find and check the way through `count` versions, 2 to ROUTE_LEGS_MAX + 1, in their order.
 * 0; -ENOTSUP, -EINVAL and `why`.  [pure]
 */
int journey_find(const struct image *const *stops, size_t count, struct journey *out,
                 struct fault *why);

/*
 * Call `visit` for each apply of the journey, with the image that has it: those that come
 * `before` the point of no return, or those that come after.  0, or what `visit` said
 * first but 0.
 */
int journey_each_apply(const struct journey *journey, bool before,
                       int (*visit)(void *context, const struct image *image,
                                    const struct instruction *i),
                       void *context);

/* Is the application started anew on the way, so that no state is carried?  [pure] */
bool journey_restarts(const struct journey *journey);

/* Because the host is?  Then all its applies come before.  [pure] */
bool journey_reboots(const struct journey *journey);

/* Is the module `id` stopped and started anew on the way?  [pure] */
bool journey_stops(const struct journey *journey, const char *id);

/* How long servers of the module `id` have to come to rest; 0: as all.  [pure] */
uint32_t journey_timeout_ms(const struct journey *journey, const char *id);

/* What becomes of processes that run what is old. */
struct purges {
    bool refuses;     /* there must not be any of versions that are old already */
    bool kills_older; /* these are killed */
    bool kills_left;  /* those of the version that is left are */
};

struct purges journey_purges(const struct journey *journey);

/*
 * How a state of the module `id` is carried: to `legs`, which has room for
 * ROUTE_LEGS_MAX, one from each version that has it to the next that does; how many, 0 if
 * it is not at both ends.  [pure]
 */
size_t journey_passages(const struct journey *journey, const char *id,
                        struct passage *legs);

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
