/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram - latencies in buckets of 100 ns up to 1 ms, then of 10 us up to 1 s.
 *
 * Recording allocates nothing, so that the harness does not disturb what it measures.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <moult.h>

#define HISTOGRAM_FINE_NS   100u
#define HISTOGRAM_COARSE_NS 10000u
#define HISTOGRAM_KNEE_NS   1000000u
#define HISTOGRAM_FINE      10000u
#define HISTOGRAM_BUCKETS   110000u

/* All zero is empty. */
struct histogram {
    uint64_t max_ns;
    uint32_t calls[HISTOGRAM_BUCKETS];
};

/* How many calls took at most `edge_ns`, and more than the bucket before. */
struct bucket {
    uint64_t edge_ns;
    uint64_t calls;
};

/* Record one latency.  [pure] */
void histogram_add(struct histogram *h, uint64_t ns);

/* Edge of the first bucket by which `share` (0 to 1) is seen.  [pure] */
uint64_t histogram_at(const struct histogram *h, double share);

/* Append the buckets in use, as one array of edge, calls, edge, calls ...  [pure] */
void histogram_write(const struct histogram *h, moult_out *out);

/* Put `buckets`, of any order, in order of latency.  [pure] */
void histogram_sort(struct bucket *buckets, size_t count);

/* Edge of the first of the sorted buckets by which `share` (0 to 1) is seen.  [pure] */
uint64_t histogram_percentile(const struct bucket *buckets, size_t count, double share);

/* Calls above `ns`.  [pure] */
uint64_t histogram_above(const struct bucket *buckets, size_t count, uint64_t ns);

#endif
