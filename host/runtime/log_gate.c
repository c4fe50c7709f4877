/* SPDX-License-Identifier: Apache-2.0 */
#include "log_gate.h"

#include "clock.h"

enum event_level log_gate_level(const struct log_gate *gate)
{
    int32_t level = atomic_load_explicit(&gate->level, memory_order_relaxed);

    return level ? (enum event_level)(level - 1) : event_get_level();
}

bool log_gate_allows(const struct log_gate *gate, enum event_level level)
{
    return level >= log_gate_level(gate);
}

void log_gate_set(struct log_gate *gate, enum event_level level)
{
    atomic_store_explicit(&gate->level, (int32_t)level + 1, memory_order_relaxed);
}

void log_gate_clear(struct log_gate *gate)
{
    atomic_store_explicit(&gate->level, 0, memory_order_relaxed);
}

bool log_gate_pass(struct log_gate *gate, uint32_t *dropped)
{
    uint32_t now = (uint32_t)(clock_ns() / 1000000000u) + 1,
             second = atomic_load_explicit(&gate->second, memory_order_relaxed);

    *dropped = 0;
    if (second != now &&
        atomic_compare_exchange_strong_explicit(
            &gate->second, &second, now, memory_order_relaxed, memory_order_relaxed)) {
        atomic_store_explicit(&gate->passed, 0, memory_order_relaxed);
        *dropped = atomic_exchange_explicit(&gate->dropped, 0, memory_order_relaxed);
    }
    if (atomic_fetch_add_explicit(&gate->passed, 1, memory_order_relaxed) <
        LOG_GATE_MOST)
        return true;
    atomic_fetch_add_explicit(&gate->dropped, 1, memory_order_relaxed);
    return false;
}
