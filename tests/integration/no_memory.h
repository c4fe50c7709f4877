/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_memory - what a test and a host that no_memory.so is preloaded into share.
 *
 * A file that both map, named by NO_MEMORY.  Allocations of all threads of the host are
 * counted while `at` is set, and those from the `at`-th on fail, `burst` of them.
 */
#ifndef MOULT_NO_MEMORY_H
#define MOULT_NO_MEMORY_H

#include <stdatomic.h>
#include <stdint.h>

struct no_memory {
    _Atomic uint64_t at; /* 0: none fails, and none is counted */
    _Atomic uint64_t burst;
    _Atomic uint64_t count, failed;
};

#endif
