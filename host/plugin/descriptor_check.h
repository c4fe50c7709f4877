/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor_check - what a plugin may say of its children and supervisors.
 *
 * Each returns 0, or -EINVAL and `why` names what is wrong and what would be right.
 * Called by descriptor only, on copies of our size.  [pure]
 */
#ifndef MOULT_DESCRIPTOR_CHECK_H
#define MOULT_DESCRIPTOR_CHECK_H

#include "descriptor.h"

/* The `i`th of its siblings, by itself. */
int descriptor_check_child(const moult_child *c, size_t i, struct fault *why);

/* Supervisor `id` ("" is the top), of which `count` children are listed. */
int descriptor_check_supervisor(const moult_supervisor *s, const char *id, size_t count,
                                struct fault *why);

/* A child of that supervisor. */
int descriptor_check_below(const moult_child *c, const moult_supervisor *s,
                           struct fault *why);

/* The `i`th child taken against those before it. */
int descriptor_check_unique(const struct descriptor *d, size_t i, struct fault *why);

/* The args of a child that is a moult_registry. */
int descriptor_check_registry(const struct code *code, struct fault *why);

#endif
