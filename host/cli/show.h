/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show - how the results of the host's methods look to people.
 *
 * Each takes the result (borrowed) as protocol.c describes it.  What is missing in it,
 * as from another version of the host, is shown as "-".
 */
#ifndef MOULT_SHOW_H
#define MOULT_SHOW_H

#include <jansson.h>

#include "screen.h"

void show_status(const struct screen *screen, const json_t *result);
void show_apps(const struct screen *screen, const json_t *result);
void show_levels(const struct screen *screen, const json_t *result);
void show_env(const struct screen *screen, const json_t *result);
void show_tree(const struct screen *screen, const json_t *result);
void show_registry(const struct screen *screen, const json_t *result);
void show_telemetry(const struct screen *screen, const json_t *result);
void show_children(const struct screen *screen, const json_t *result);
void show_info(const struct screen *screen, const json_t *result);
void show_ps(const struct screen *screen, const json_t *result);
void show_state(const struct screen *screen, const json_t *result);
void show_releases(const struct screen *screen, const json_t *result);
void show_upgrade(const struct screen *screen, const json_t *result); /* or its plan */
void show_rehearsed(const struct screen *screen, const json_t *result);
void show_snapshot(const struct screen *screen, const json_t *result);
void show_installed(const struct screen *screen, const json_t *result);
void show_confirmed(const struct screen *screen, const json_t *result);
void show_withdrawn(const struct screen *screen, const json_t *result);
void show_canary(const struct screen *screen, const json_t *result);
void show_canary_beside(const struct screen *screen, const json_t *canary);
void show_awaited(const struct screen *screen, const json_t *awaits);
void show_release(const struct screen *screen, const json_t *result);
void show_reloaded(const struct screen *screen, const json_t *result);
void show_purged(const struct screen *screen, const json_t *result);
void show_removed(const struct screen *screen, const json_t *result);
void show_unpacked(const struct screen *screen, const json_t *result);
void show_crashes(const struct screen *screen, const json_t *result);
void show_crash(const struct screen *screen, const json_t *result);
void show_value(const struct screen *screen, const json_t *result);
void show_nothing(const struct screen *screen, const json_t *result);

/* A refusal, as a line on `err`, or as it came if `json`. */
void show_error(const struct screen *screen, const json_t *error, bool json);

/* The text of the member `key`, or NULL; lent. */
const char *show_text(const json_t *object, const char *key);

/* The integer of the member `key`, or 0. */
json_int_t show_number(const json_t *object, const char *key);

#endif
