/* SPDX-License-Identifier: Apache-2.0 */
/* test - what every test includes first: cmocka needs these four before it. */
#ifndef MOULT_TEST_H
#define MOULT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * Skips under the thread sanitizer, whose own abort, exit, memcpy ... come first,
 * and which gives signals to no loop that calls nothing.
 */
#ifdef __SANITIZE_THREAD__
#define NEEDS_INTERPOSITION skip()
#else
#define NEEDS_INTERPOSITION ((void)0)
#endif

#endif
