/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger - which releases there are, and what each is: a value, and what becomes of it.
 *
 *   status     is                                       becomes
 *   ---------  ---------------------------------------  --------------------------------
 *   unpacked   there, and did not run since             current, when it is installed
 *   current    what runs until the host ends            permanent; old, when another one
 *                                                       is installed; unpacked, when the
 *                                                       host ends
 *   permanent  what a host begins with; one at most     old, when another one is made so
 *   old        what was one of these before             current; permanent, by reboot-old
 *
 * A release is a set of applications, each at one version.  It is unpacked from a release
 * file, or made by the host itself, when one application alone changes: then it is called
 * after the one that ran, with a number behind.  Two made by the host never are of the
 * same set.  OTP: release_handler, RELEASES.
 *
 *   {"serial": 3, "removed": [], "releases": [{"name": "local", "vsn": "3", "made": true,
 *     "status": "permanent", "applications": {"counter": {"vsn": "2.0.0", "hash": "..."}}}]}
 *
 * One that a host begins with once only is "next", {name, vsn}, until it does; then it is
 * "tried" until all of it runs, or it is told that it did not.
 *
 * What gives a ledger gives a changed copy, or NULL when out of memory.  All is [pure].
 */
#ifndef MOULT_LEDGER_H
#define MOULT_LEDGER_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

#define LEDGER_MADE_MAX     32u /* made by the host, that do not run: the oldest goes */
#define LEDGER_UNPACKED_MAX 256u

/* An empty ledger; or one whose permanent release has `apps` (borrowed).  Given. */
json_t *ledger_create(void);
json_t *ledger_create_with(json_t *apps);

/* Is it built as above?  Of what was read from a file. */
bool ledger_is_valid(const json_t *ledger);

/* As it is kept when the host ends: what is current is unpacked.  Given. */
json_t *ledger_saved(const json_t *ledger);

/* -- one release: borrowed; NULL if there is none -- */

json_t *ledger_running(const json_t *ledger);
json_t *ledger_permanent(const json_t *ledger);

/*
 * The one called `name`: "shop@1.2", or "1.2" or "shop" if only one is.  0; or -ENOENT,
 * -ENOTUNIQ and `why`.
 */
int ledger_find(const json_t *ledger, const char *name, json_t **out,
                struct fault *why);

/* Its applications, name -> {vsn, hash}; of NULL, none. */
json_t *ledger_applications(const json_t *release);

bool ledger_is(const json_t *release, const char *status);

/*
 * Should what is called `name` in full take the place of what runs, unasked?  It has a
 * higher vsn and the same name, or what runs is called by the host itself, or nothing is.
 */
bool ledger_is_higher(const json_t *ledger, const char *name);

/* What runs; or that a host begins with when nothing is permanent yet: if all have one
 * name, the highest vsn.  NULL: neither. */
json_t *ledger_wanted(const json_t *ledger);

/* What a host is to begin with next, once; or, while or since it did, with what. */
json_t *ledger_next(const json_t *ledger);
const json_t *ledger_tried(const json_t *ledger); /* {name, vsn, reason} */

/* How many there are that the host did not make. */
size_t ledger_unpacked(const json_t *ledger);

/* Does any release have an application of that name? */
bool ledger_knows(const json_t *ledger, const char *app);

/* What is to be deleted, an array of {name, vsn, hash}; borrowed. */
const json_t *ledger_removed(const json_t *ledger);

/* "shop@1.2", into `to`; "" of NULL. */
#define LEDGER_NAME_TEXT 192
const char *ledger_name(const json_t *release, char to[LEDGER_NAME_TEXT]);

/* -- what becomes of it; `release` is one of `ledger` -- */

/* The release `release` runs: it is current, unless it is permanent. */
json_t *ledger_install(const json_t *ledger, const json_t *release);

/*
 * The applications of `apps` (borrowed) run: the release that has just these, or a new
 * one.  It is permanent if none is, or, unless `manual`, if what ran before was.
 */
json_t *ledger_become(const json_t *ledger, json_t *apps, bool manual);

/* The release is permanent; the one that was is old. */
json_t *ledger_make_permanent(const json_t *ledger, const json_t *release);

/*
 * The release that would run in `after`, which came of this ledger, is what a host begins
 * with next, once; until then all is as it was.
 */
json_t *ledger_once(const json_t *ledger, const json_t *after);

/* It is current and tried now, but not the next time; it failed for `reason`; it is over. */
json_t *ledger_try(const json_t *ledger);
json_t *ledger_failed(const json_t *ledger, const char *reason);
json_t *ledger_settled(const json_t *ledger);

/* There is a release of that name, vsn and applications (borrowed), unpacked. */
json_t *ledger_add(const json_t *ledger, const char *name, const char *vsn,
                   json_t *apps);

/* It is gone, and "removed" has the versions that no other has. */
json_t *ledger_remove(const json_t *ledger, const json_t *release);

/* Their files are gone. */
json_t *ledger_swept(const json_t *ledger);

#endif
