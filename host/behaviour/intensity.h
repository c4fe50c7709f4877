/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intensity - how many restarts there were lately, and whether that was one too many.
 *
 * Counted in whole seconds, as OTP does; one exactly a period old still counts.  Used by
 * its supervisor alone.
 */
#ifndef MOULT_INTENSITY_H
#define MOULT_INTENSITY_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is no restart so far. */
struct intensity {
    uint64_t *at_s; /* when the last were; a ring of `room` */
    uint32_t room;  /* the intensity that it was made for */
    uint32_t count; /* in the ring, ever */
};

/* The two as they are meant: 0 is OTP's default, MOULT_NO_RESTARTS none. */
uint32_t intensity_of(uint32_t given);
uint32_t intensity_period_s(uint32_t given);

/*
 * Note a restart; false if there were more than `given` in `period_s`, both as in
 * moult_supervisor, or no memory to remember it.
 */
bool intensity_allows(struct intensity *i, uint32_t given, uint32_t period_s);

void intensity_finish(struct intensity *i);

#endif
