/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <stdlib.h>

void histogram_add(struct histogram *h, uint64_t ns)
{
    uint64_t i = ns / HISTOGRAM_FINE_NS;

    if (ns >= HISTOGRAM_KNEE_NS)
        i = HISTOGRAM_FINE + ns / HISTOGRAM_COARSE_NS;
    if (i >= HISTOGRAM_BUCKETS)
        i = HISTOGRAM_BUCKETS - 1;
    h->calls[i]++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

static uint64_t edge_ns(uint32_t i)
{
    if (i < HISTOGRAM_FINE)
        return (uint64_t)(i + 1) * HISTOGRAM_FINE_NS;
    return (uint64_t)(i - HISTOGRAM_FINE + 1) * HISTOGRAM_COARSE_NS;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
    uint64_t total = 0, seen = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += h->calls[i];
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->calls[i];
        if (seen > 0 && (double)seen >= share * (double)total)
            return edge_ns(i);
    }
    return 0;
}

void histogram_write(const struct histogram *h, moult_out *out)
{
    size_t used = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        used += h->calls[i] > 0;
    moult_put_array(out, 2 * used);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->calls[i] == 0)
            continue;
        moult_put_uint(out, edge_ns(i));
        moult_put_uint(out, h->calls[i]);
    }
}

static int by_edge(const void *a, const void *b)
{
    const struct bucket *x = a, *y = b;

    return (x->edge_ns > y->edge_ns) - (x->edge_ns < y->edge_ns);
}

void histogram_sort(struct bucket *buckets, size_t count)
{
    if (count > 0)
        qsort(buckets, count, sizeof(*buckets), by_edge);
}

uint64_t histogram_percentile(const struct bucket *buckets, size_t count, double share)
{
    uint64_t total = 0, seen = 0;

    for (size_t i = 0; i < count; i++)
        total += buckets[i].calls;
    for (size_t i = 0; i < count; i++) {
        seen += buckets[i].calls;
        if ((double)seen >= share * (double)total)
            return buckets[i].edge_ns;
    }
    return 0;
}

uint64_t histogram_above(const struct bucket *buckets, size_t count, uint64_t ns)
{
    uint64_t calls = 0;

    for (size_t i = 0; i < count; i++)
        if (buckets[i].edge_ns > ns)
            calls += buckets[i].calls;
    return calls;
}
