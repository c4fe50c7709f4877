/* SPDX-License-Identifier: Apache-2.0 */
/* wrong_abi - built for an ABI that this host is not of: MAJOR and MINOR say which. */
#include "plain.h"

#undef MOULT_ABI_MAJOR
#undef MOULT_ABI_MINOR
#define MOULT_ABI_MAJOR MAJOR
#define MOULT_ABI_MINOR MINOR

MOULT_PLUGIN(.children = children);
