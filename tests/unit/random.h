/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random - chance that can be repeated: the seed is printed, and MOULT_SEED sets it.
 */
#ifndef MOULT_RANDOM_H
#define MOULT_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

/* In main(), before the tests. */
static inline void random_start(void)
{
    const char *seed = getenv("MOULT_SEED");

    random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    printf("MOULT_SEED=%llu\n", (unsigned long long)random_state);
}

/* 64 random bits (splitmix64). */
static inline uint64_t random_bits(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* From 0 to `limit` - 1. */
static inline uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(random_bits() % limit);
}

#endif
