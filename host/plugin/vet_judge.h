/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vet_judge - what came of a trial, from what its child reported or how it ended.
 */
#ifndef MOULT_VET_JUDGE_H
#define MOULT_VET_JUDGE_H

#include "fault.h"
#include "vet_wire.h"

/*
 * As vet_run_job() gives it; `sent` is what the child sent, whole or not.  Where it
 * failed is looked up in the plugin's file.
 */
int vet_judge(const struct vet_buffer *sent, struct vet_verdict *verdict,
              unsigned timeout_ms, struct vet_report *out, struct fault *why);

#endif
