/* SPDX-License-Identifier: Apache-2.0 */
/* What throws.c calls; C has no exceptions. */
#include <stdexcept>

extern "C" void throw_nowhere();

void throw_nowhere()
{
    throw std::runtime_error("nobody catches this");
}
