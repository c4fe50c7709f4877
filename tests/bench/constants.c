/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constants - what sharing costs on this machine, for tests/bench/model.
 *
 * One JSON line each: {"constant", "ns"}.  Two threads, on two processors if there are
 * two; the least of several rounds.
 */
#include "test.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "run_queue.h"

enum { ROUNDS = 200, TIMES = 1000, WAKES = 20 };

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Of the round at hand; two threads begin when both are there. */
static double began, took;

/* `run` takes so many times; the least of one. */
static void tell(const char *name, void (*run)(void), double times)
{
    double least = 0;

    for (int i = 0; i < ROUNDS; i++) {
        double ns;

        began = now_ns();
        run();
        ns = (took ? took : now_ns() - began) / times;
        if (least == 0 || ns < least)
            least = ns;
    }
    printf("{\"constant\":\"%s\",\"ns\":%.1f}\n", name, least);
}

/* -- alone -- */

static _Atomic uint32_t word __attribute__((aligned(64)));

static void add_alone(void)
{
    for (int i = 0; i < TIMES; i++)
        atomic_fetch_add_explicit(&word, 1, memory_order_seq_cst);
}

static void lock_alone(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    for (int i = 0; i < TIMES; i++) {
        pthread_mutex_lock(&lock);
        pthread_mutex_unlock(&lock);
    }
}

static struct run_queue one, other;

static void steal_alone(void)
{
    struct process *p = (struct process *)(uintptr_t)&word; /* nobody runs it */

    for (int i = 0; i < TIMES; i++) {
        run_queue_push(&one, p);
        run_queue_steal(&one, &other);
    }
}

/* -- two threads, in turn -- */

static _Atomic uint32_t ball __attribute__((aligned(64)));

static void on_processor(unsigned which)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(which % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &set);
    sched_setaffinity(0, sizeof(set), &set);
}

/* Add 1 whenever it is as odd as `odd`. */
static void pass(uint32_t odd)
{
    for (uint32_t i = odd; i < 2 * TIMES; i += 2) {
        unsigned looks = 0;

        if (i == 2)
            began = now_ns();
        while (atomic_load_explicit(&ball, memory_order_acquire) != i)
            if (++looks % 10000 == 0) /* the other may be off its core */
                sched_yield();
        atomic_store_explicit(&ball, i + 1, memory_order_release);
    }
    if (!odd)
        took = now_ns() - began;
}

static void *pass_back(void *unused)
{
    on_processor(1);
    pass(1);
    return NULL;
}

static void with_other(void *(*run)(void *), void (*mine)(uint32_t odd))
{
    pthread_t thread;

    atomic_store(&ball, 0);
    on_processor(0);
    pthread_create(&thread, NULL, run, NULL);
    mine(0);
    pthread_join(thread, NULL);
}

static void pass_line(void)
{
    with_other(pass_back, pass);
}

static void wait_for(uint32_t value)
{
    while (atomic_load_explicit(&ball, memory_order_acquire) != value)
        syscall(SYS_futex, &ball, FUTEX_WAIT_PRIVATE, value - 1, NULL, NULL, 0);
}

static void wake(uint32_t odd)
{
    for (uint32_t i = odd; i < 2 * WAKES; i += 2) {
        if (i == 2)
            began = now_ns();
        wait_for(i);
        atomic_store_explicit(&ball, i + 1, memory_order_release);
        syscall(SYS_futex, &ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    if (!odd)
        took = now_ns() - began;
}

static void *wake_back(void *unused)
{
    on_processor(1);
    wake(1);
    return NULL;
}

static void wake_other(void)
{
    with_other(wake_back, wake);
}

int main(void)
{
    tell("an atomic operation, uncontended", add_alone, TIMES);
    tell("a lock, uncontended", lock_alone, TIMES);
    tell("a theft, besides the lines that move", steal_alone, TIMES);
    tell("a cache line from one core to another", pass_line, 2 * TIMES);
    tell("a wake-up", wake_other, 2 * WAKES);
    return 0;
}
