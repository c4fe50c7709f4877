/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor - the host's own copy of what a plugin says of itself, checked.
 *
 * An older plugin's structs are shorter than ours: what they lack is zero in the copy,
 * and zero is the right default.  All texts are copied, so they stay when the plugin
 * goes; the schemas and hooks are the plugin's.  Called by image only.
 */
#ifndef MOULT_DESCRIPTOR_H
#define MOULT_DESCRIPTOR_H

#include <stddef.h>

#include "appup.h"
#include "code.h"
#include "fault.h"
#include "resource.h"

#define DESCRIPTOR_CHILDREN_MAX 1024u    /* more are refused: a list without its end */
#define DESCRIPTOR_DEPTH_MAX    16u      /* supervisors below supervisors */
#define DESCRIPTOR_COUNT_MAX    1000000u /* servers of one child */
#define DESCRIPTOR_STACK_MAX    (64u << 20)
#define DESCRIPTOR_MAILBOX_MAX  1000000u /* messages that wait */
#define DESCRIPTOR_TEXT_MAX     255u     /* bytes of an id or a registered name */

/* All zero is empty. */
struct descriptor {
    struct moult_plugin plugin; /* without what the next have */
    struct resource resource;   /* see appspec.h and appfile.h */
    struct appup appup;         /* see appupfile.h */
    moult_child *children;      /* `count` of them; what is below one comes behind it */
    struct code *codes;         /* one a child; their `image` and `uses` are not set */
    size_t count;
    struct branch *branches; /* the first is the application's top supervisor */
    size_t branch_count;
    const struct code **listed; /* what the branches list */
    struct code_table *all;     /* `codes` */
};

/* Told before code of the plugin is called: which function, and of which server. */
typedef code_step descriptor_step;

/*
 * Copy and check `plugin`, whose code is loaded.  `step` may be NULL.  0, or with
 * `why`: -ELIBBAD (another ABI), -EINVAL (says something that can't be), -ENOMEM; then
 * `out` is empty.
 */
int descriptor_take(const struct moult_plugin *plugin, descriptor_step *step,
                    struct descriptor *out, struct fault *why);

/* Free the copy. */
void descriptor_release(struct descriptor *d);

#endif
