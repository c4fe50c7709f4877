/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words - from the words of a command line to the parameters of a method.
 */
#ifndef MOULT_WORDS_H
#define MOULT_WORDS_H

#include <jansson.h>

#include "args.h"

#define WORDS_PS_LIMIT 1000 /* processes, unless asked for more */

/* A whole number in a word; false if it is none between `least` and `most`. */
bool words_number(const char *word, long long least, long long most, json_int_t *out);

/*
 * Parameters as struct command asks for them: APP and LEVEL, if there are any; APP, KEY
 * and a value; NAME; NAME and a message; targets; files; an application and a file to
 * write; a release, if there is one; a limit; NAME, if there is one, and a limit.
 */
int words_log(const struct args *args, json_t **params, struct fault *why);
int words_env(const struct args *args, json_t **params, struct fault *why);
int words_name(const struct args *args, json_t **params, struct fault *why);
int words_message(const struct args *args, json_t **params, struct fault *why);
int words_terms(const struct args *args, json_t **params, struct fault *why);
int words_targets(const struct args *args, json_t **params, struct fault *why);
int words_files(const struct args *args, json_t **params, struct fault *why);
int words_snapshot(const struct args *args, json_t **params, struct fault *why);
int words_purge(const struct args *args, json_t **params, struct fault *why);
int words_release(const struct args *args, json_t **params, struct fault *why);
int words_ps(const struct args *args, json_t **params, struct fault *why);
int words_name_limit(const struct args *args, json_t **params, struct fault *why);
int words_limit(const struct args *args, json_t **params, struct fault *why);
int words_registry(const struct args *args, json_t **params, struct fault *why);
int words_telemetry(const struct args *args, json_t **params, struct fault *why);

#endif
