/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place - the function, file and line of an address in a plugin.
 *
 * Reading debug information takes milliseconds; what failed once often fails again, so
 * the last PLACES answers are kept until their plugin goes.
 */
#ifndef MOULT_PLACE_H
#define MOULT_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#define PLACES 64u /* a power of two */

struct place {
    char function[128]; /* "" if not known, as the others */
    char file[128];     /* without its folders */
    int line;
};

/*
 * Fill in `place` for `address` in the ELF file at `path`, loaded with that bias.  True
 * if it had to be looked up.  Neither in a handler, nor while anything is held.
 */
bool place_find(const char *path, uintptr_t bias, uintptr_t address,
                struct place *place);

/* The same of an address as the file has it, and nothing is kept. */
void place_read(const char *path, uintptr_t address, struct place *place);

/* Forget what is in [start, end). */
void places_forget(uintptr_t start, uintptr_t end);

#endif
