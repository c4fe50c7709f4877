/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sanitize - what this build is instrumented with.
 */
#ifndef MOULT_SANITIZE_H
#define MOULT_SANITIZE_H

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED_MEMORY 1
#else
#define SANITIZED_MEMORY 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define SANITIZED_THREADS 1
#else
#define SANITIZED_THREADS 0
#endif

/*
 * Tell TSan of an order between threads that uninstrumented code made: what came before
 * a release at `at` came before what follows an acquire there.
 */
#if SANITIZED_THREADS
#include <sanitizer/tsan_interface.h>
#define SANITIZER_ACQUIRE(at) __tsan_acquire(at)
#define SANITIZER_RELEASE(at) __tsan_release(at)
#else
#define SANITIZER_ACQUIRE(at) ((void)(at))
#define SANITIZER_RELEASE(at) ((void)(at))
#endif

#endif
