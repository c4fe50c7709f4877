/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vet - try a plugin in another process before the host loads it.
 *
 * The second ring: a helper process, small, single-threaded and kept ready, forks a
 * child for each trial, which loads the file, checks what it says of itself and carries
 * states.  Whatever the plugin does there (crash, hang, exit), it ends that child, and
 * the report says what it was doing.  Used by the release handler, one call at a time.
 */
#ifndef MOULT_VET_H
#define MOULT_VET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

#define VET_TIMEOUT_MS 5000u /* of a trial that is given 0 */

struct vet;

/* The state of one server, as the running version saved it, and what waits for it. */
struct vet_state {
    const char *server; /* the child's id */
    const void *bytes;  /* one CBOR map */
    size_t len;
    const void *messages; /* as mail_copy() writes them */
    size_t messages_len;  /* 0: none are known */
};

/* What to try.  All is borrowed. */
struct vet_job {
    const char *path;       /* the file */
    const char *with;       /* the version that runs now, or NULL */
    const char *const *via; /* versions to go by way of, from `with` to `path` */
    size_t via_count;
    const struct vet_state *states; /* to be carried from `with` to `path` */
    size_t state_count;
    unsigned timeout_ms; /* for all of it; 0: VET_TIMEOUT_MS */
    bool is_release;     /* it is a release file: only read it */
};

struct vet_report {
    json_t *lints;   /* array of texts, given; NULL after an error */
    long state;      /* after an error: the index of the state it was about, or -1 */
    json_t *release; /* what a release file says, see relfile.h; given */
};

/*
 * Start the helper: `program` (copied; NULL: this very program) with the argument
 * `vet`, which calls vet_main(VET_FD).  0 and `*out` given, or with `why` why it can't
 * start.
 */
int vet_start(const char *program, struct vet **out, struct fault *why);

/* End the helper.  NULL is fine. */
void vet_stop(struct vet *vet);

/*
 * Try the file at `path`; if `with` is not NULL, carry initial states from that version
 * to this and back as well.  A helper that is gone is started again.  Blocks until the
 * trial is over.  0 and `*out`, whose lints are given; or with `why`, whose step is
 * "vet" and which names server and field where there is one: -ENOEXEC (it crashed,
 * hung, ended the process, or can't be loaded), -EPIPE (the helper can't be had), or
 * what is wrong with the plugin.
 */
int vet_run(struct vet *vet, const char *path, const char *with, unsigned timeout_ms,
            struct vet_report *out, struct fault *why);

/*
 * The same with all that a job may hold: where it has states, this is a rehearsal, and
 * why->step is "rehearse".
 */
int vet_run_job(struct vet *vet, const struct vet_job *job, struct vet_report *out,
                struct fault *why);

/*
 * Read the release file at `path` there.  0 and `*out` given, as relfile_read() has it; or
 * a negative errno and `why`.
 */
int vet_read_release(struct vet *vet, const char *path, json_t **out,
                     struct fault *why);

/* -- in the helper -- */

#define VET_FD 3 /* where the helper finds its socket */

/* Be the helper until the host closes the other end of `fd`; the exit status. */
int vet_main(int fd);

#endif
