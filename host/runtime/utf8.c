/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/*
 * The bytes of the character that starts at `at` with a byte above 0x7f, 0 if there is
 * none.  Only the second byte's range depends on the first (table 3-7 of Unicode).
 */
static size_t wide(const uint8_t *at, size_t left)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t n = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (at[0] < 0xc2 || at[0] > 0xf4 || left < n)
        return 0;
    if (at[0] == 0xe0)
        low = 0xa0;
    else if (at[0] == 0xed)
        high = 0x9f;
    else if (at[0] == 0xf0)
        low = 0x90;
    else if (at[0] == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool utf8_valid(const void *text, size_t len)
{
    const uint8_t *at = text, *end = at + len;
    uint64_t eight;

    while (end - at >= 8) { /* nearly always all of it is ASCII */
        memcpy(&eight, at, sizeof(eight));
        if (eight & HIGH_BITS)
            break;
        at += 8;
    }
    while (at < end) {
        size_t n = *at < 0x80 ? 1 : wide(at, (size_t)(end - at));

        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

void utf8_trim(char *text)
{
    size_t len = strlen(text), start = len;

    while (start > 0 && len - start < 3 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (uint8_t)text[start - 1] >= 0xc0 &&
        !utf8_valid(text + start - 1, len - start + 1))
        text[start - 1] = 0;
}
