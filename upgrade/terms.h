/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terms - on which a change is to be made, besides what it is.
 */
#ifndef MOULT_TERMS_H
#define MOULT_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TERMS_MOST_MS 86400000u /* a day */
#define TERMS_MOST_S  604800u   /* a week, to confirm it */

/* All zero: as it is configured, and for good. */
struct terms {
    uint32_t max_pause_ms; /* that all servers may be held up; 0: any */
    uint32_t max_move_ms;  /* that the move of one may take; 0: as its callbacks may */
    uint32_t
        confirm_ms; /* unless it is confirmed in that time it goes back; 0: never */
    bool brutal; /* kill what still runs another version afterwards; or that is asked */
};

/* What `asked` (NULL: nothing) says, and what it leaves open as `usual` says. */
static inline struct terms terms_or(const struct terms *asked,
                                    const struct terms *usual)
{
    struct terms t = asked ? *asked : (struct terms){0};

    if (!t.max_pause_ms)
        t.max_pause_ms = usual->max_pause_ms;
    if (!t.max_move_ms)
        t.max_move_ms = usual->max_move_ms;
    return t;
}

#endif
