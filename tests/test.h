/* SPDX-License-Identifier: Apache-2.0 */
/* test - what every test includes first: cmocka needs these four before it. */
#ifndef MOULT_TEST_H
#define MOULT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
