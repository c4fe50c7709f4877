/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory - whether jansson has lacked memory.
 *
 * Without memory jansson's parser leaves characters out, and its arrays and objects what
 * was to be added, and it does not always say so.  From json_memory_watch() on it is noted
 * for the calling thread, until json_memory_done().  All of libmoult's JSON goes this way.
 */
#ifndef MOULT_JSON_MEMORY_H
#define MOULT_JSON_MEMORY_H

#include <stdbool.h>

void json_memory_watch(void);

/* There was too little for something else that is done with JSON. */
void json_memory_note(void);

/* Whether there was too little since; false unless it is watched. */
bool json_memory_lacked(void);

/* Watch no more.  Whether there was too little. */
bool json_memory_done(void);

#endif
