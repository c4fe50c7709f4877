/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vet_wire - what host, helper and child say to one another.
 *
 *   host -> helper   one packet: struct vet_order, with one end of a socket of its own
 *   host -> child    over that socket: the job, as frames, and then its end
 *   child -> host    over that socket: the report, as one frame of JSON
 *   helper -> host   one packet when the child is gone: struct vet_verdict
 *
 * A job's socket dies with its child, so a child that ends in the middle of something
 * can't put the helper's packets out of step.  All are of one program: no versions.
 */
#ifndef MOULT_VET_WIRE_H
#define MOULT_VET_WIRE_H

#include "trial.h"

#define VET_REPORT_MAX ((size_t)16 << 20) /* bytes */
#define VET_TAIL       1024               /* bytes of what the child wrote on stderr */

struct vet_order {
    unsigned timeout_ms;
};

enum vet_end { VET_EXITED, VET_SIGNALLED, VET_TIMED_OUT, VET_NOT_STARTED };

struct vet_verdict {
    int end;  /* enum vet_end */
    int code; /* the exit status, the signal, or an errno */
    struct trial_progress progress;
    char tail[VET_TAIL]; /* ends with a zero */
};

/* A growing buffer.  All zero is empty. */
struct vet_buffer {
    char *bytes;
    size_t len, capacity;
};

/* Append; 0 or -ENOMEM.  `bytes` NULL only makes room. */
int vet_buffer_add(struct vet_buffer *b, const void *bytes, size_t len);

/* Append a frame: a length of 32 bits, and as many bytes.  0, -EMSGSIZE or -ENOMEM. */
int vet_buffer_add_frame(struct vet_buffer *b, const void *bytes, size_t len);

/* Free what it holds. */
void vet_buffer_release(struct vet_buffer *b);

/*
 * The frame at `*at`, which is moved past it: its bytes, lent by the buffer, and
 * `*len`; NULL if there is no whole one.
 */
const char *vet_buffer_frame(const struct vet_buffer *b, size_t *at, size_t *len);

/* Append `job` as frames, and take it out again; texts and bytes are lent by `b`. */
int vet_job_write(const struct vet_job *job, struct vet_buffer *b);

/*
 * The job in `b`, given to vet_job_release(); what it says is lent by `b`.  0,
 * -EBADMSG or -ENOMEM.
 */
int vet_job_read(const struct vet_buffer *b, struct vet_job *job);

/* Free what vet_job_read() gave. */
void vet_job_release(struct vet_job *job);

#endif
