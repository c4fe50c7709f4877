/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest - which word was meant by a misspelt one.
 */
#ifndef MOULT_NEAREST_H
#define MOULT_NEAREST_H

/* The search: all zero but `word` at first. */
struct nearest {
    const char *word; /* as it was typed; borrowed */
    const char *best; /* the nearest so far, or NULL if none is near; borrowed */
    unsigned distance;
};

/* Try one that it could be. */
void nearest_try(struct nearest *nearest, const char *candidate);

#endif
