/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asking - methods that ask a process: which one, and what becomes of its answer.
 */
#ifndef MOULT_ASKING_H
#define MOULT_ASKING_H

#include "process.h"
#include "request.h"

#define ASKING_MS 5000u /* to wait for what processes of all kinds answer */

/* The process that is meant: by its name, or its pid as "<0.4.1>" or "0.4.1"; or nobody. */
moult_pid asking_find(const char *whom);

/* What is to be added to the answer of `pid`, an object. */
typedef void asking_shape(json_t *answer, moult_pid pid);

/*
 * Ask `e` (taken; NULL: no memory) of `whom` and answer `request` (taken) with the reply as
 * JSON, which `shape` (or NULL) may add to; or with why there is none.  On the loop.
 */
void asking(struct request *request, const char *whom, struct envelope *e,
            uint64_t timeout_ms, asking_shape *shape);

/* The same of a pid, which `whom` names in errors. */
void asking_pid(struct request *request, const char *whom, moult_pid pid,
                struct envelope *e, uint64_t timeout_ms, asking_shape *shape);

/* Answer `request` (taken) that there is nobody called `whom`. */
void asking_nobody(struct request *request, const char *whom);

/* Answer `request` (taken) with `error` and `text`, about `whom`. */
void asking_failed(struct request *request, int error, const char *whom,
                   const char *text);

/* Members `name` and `pid` for an object about that process; an asking_shape. */
void asking_name(json_t *object, moult_pid pid);

#endif
