# SPDX-License-Identifier: Apache-2.0
# What is shared between workers, and how busy it is with 8, 64 and 256 cores, from the
# constants and the curves of one machine.
#
# A lock, or a line that all write to, serves one core after the other: with C cores that
# each take `own` ns for a step of theirs, and hold it `held` ns in each, it is busy
# C * held / own of the time, and full with own / held cores.  What is looked at once for
# each other core takes its share of the looking core's own time instead: half of it with
# own / look cores.  Work that shares nothing else is assumed: it is as bad as can be.

def pct: . * 100 | if . >= 10 then round else . * 10 | round / 10 end;

def held($shared; $own; $held):
    {$shared, own_ns: $own, held_ns: $held,
     busy: ([8, 64, 256] | map(. * $held / $own | pct | [., 100] | min)),
     first: ($own / $held | ceil)};

def looked($shared; $own; $look):
    {$shared, own_ns: $own, look_ns: $look,
     busy: ([8, 64, 256] | map(. * $look | . / (. + $own) | pct)),
     first: ($own / $look | ceil)};

(map(select(.constant)) | map({(.constant): .ns}) | add) as $c
| (map(select(.curve)) | map({(.curve): (.points | map(.[1]) | min)}) | add) as $y
| $c["a cache line from one core to another"] as $line
| $c["an atomic operation, uncontended"] as $hit
| $c["a wake-up"] as $wake
| $y["call, by processes"] as $call
| $y["cast, by processes"] as $cast
| $y["start, by processes"] as $start
# A section is two lines: the lock's, and that of what it guards.
| held("start and end: the table of processes, a lock, twice"; $start; 4 * $line),
  held("start and end: an application's list, a lock, twice"; $start; 4 * $line),
  held("a name taken and given back: their lock, twice"; $start; 4 * $line),
  held("start and end: what uses an image, one number, twice"; $start; 2 * $line),
  # Who sends takes envelopes from a pool, who receives gives them back, 256 at a time.
  held("casts to other cores: the pool of envelopes, a lock, 2/256"; $cast; $line / 64),
  held("moult_blocking: the lock of the extra threads, twice"; $wake; 4 * $line),
  held("a worker sleeps and wakes: how many do, twice"; 2 * $wake; 2 * $line),
  # Two turns a call, and a look at all wheels every 16 turns.
  looked("a call: the first timers of all workers, every 8"; $call; $hit / 8),
  # Two lines a queue; between looks that find nothing, a nap.
  looked("nothing to do: all queues, between naps of 50 us"; 50000; 2 * $line),
  # A lock-free hash, and counters of each worker's own.
  {shared: "a call, a cast, a look-up, a timer: any lock or line", own_ns: $call,
   busy: [0, 0, 0], first: "none"}
