/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol - what the control socket speaks, told to people.
 *
 * The one home of its documentation: `moult help protocol` prints it, the method
 * `methods` takes its summaries from it, and a test holds it against the methods.
 */
#ifndef MOULT_PROTOCOL_H
#define MOULT_PROTOCOL_H

#include <stddef.h>
#include <stdio.h>

/* All lent for ever.  Texts of several lines have no newline at their end. */
struct protocol_method {
    const char *name;
    const char *summary; /* one line, without a full stop */
    const char *params;  /* one a line: "name  type, what for"; "none" */
    const char *result;
    const char *errors;  /* the words of what it is refused with most */
    const char *example; /* what asks for it, and the answer; ' stands for " */
    const char *command; /* "moult status"; or why there is none */
};

extern const struct protocol_method protocol_methods[];
extern const size_t protocol_count;

/* The method at `index`; NULL past the last.  [any] */
const struct protocol_method *protocol_at(size_t index);

/* The method called `name`, or NULL.  [any] */
const struct protocol_method *protocol_find(const char *name);

/* Write all of it, or one method, to `out`. */
void protocol_print(FILE *out);
void protocol_print_method(const struct protocol_method *method, FILE *out);

#endif
