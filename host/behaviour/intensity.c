/* SPDX-License-Identifier: Apache-2.0 */
#include "intensity.h"

#include <stdlib.h>

#include "clock.h"
#include "moult.h"

#define INTENSITY 1u /* as OTP */
#define PERIOD_S  5u

uint32_t intensity_of(uint32_t given)
{
    if (given == MOULT_NO_RESTARTS)
        return 0;
    return given ? given : INTENSITY;
}

uint32_t intensity_period_s(uint32_t given)
{
    return given ? given : PERIOD_S;
}

/* Make room for `room` restarts, keeping the latest; false: no memory. */
static bool resize(struct intensity *i, uint32_t room)
{
    uint64_t *ring = calloc(room, sizeof(*ring));
    uint32_t kept = i->count < i->room ? i->count : i->room;

    if (!ring)
        return false;
    kept = kept < room ? kept : room;
    for (uint32_t n = 0; n < kept; n++)
        ring[n] = i->at_s[(i->count - kept + n) % i->room];
    free(i->at_s);
    i->at_s = ring;
    i->room = room;
    i->count = kept;
    return true;
}

bool intensity_allows(struct intensity *i, uint32_t given, uint32_t period_s)
{
    uint32_t most = intensity_of(given);
    uint64_t now = clock_ns() / 1000000000u, oldest;

    if (most == 0)
        return false;
    if (i->room != most &&
        !resize(i, most)) /* another version may allow more, or less */
        return false;
    oldest = i->at_s[i->count % most];
    i->at_s[i->count % most] = now;
    return i->count++ < most || now - oldest > intensity_period_s(period_s);
}

void intensity_finish(struct intensity *i)
{
    free(i->at_s);
    *i = (struct intensity){0};
}
