/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_server - the process that a registry is, and what its args say.
 *
 * It does nothing but be there: its tables (registry.h) end when it does.
 */
#ifndef MOULT_REGISTRY_SERVER_H
#define MOULT_REGISTRY_SERVER_H

#include "fault.h"
#include "registry.h"

/*
 * What `args`, of moult_registry, ask for.  0, and `spec` is set, its listeners lent with
 * `args`; or -EINVAL and `why` names the option.  [pure]
 */
int registry_options(moult_in args, struct registry_spec *spec, struct fault *why);

#endif
