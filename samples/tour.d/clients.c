/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients - clients that add 1 to `counter` over the control socket, without pause.
 *
 *     tour_clients SOCKET COUNT
 *
 * Each line on standard input is answered by what happened since the line before:
 *
 *     calls=5120 failed=0 worst_us=840
 *
 * and the end of the input, when the last calls are answered, by what happened at all.
 * Exit status 1 if a call failed or the host hung up.
 */
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 64 /* clients */

struct figures {
    uint64_t calls, failed;
    uint64_t worst_ns; /* the longest from request to answer */
};

struct client {
    int fd;
    uint64_t sent_ns; /* when the request went that waits for its answer */
    uint64_t id;
    size_t len;
    char answer[4096]; /* far more than an answer of counter's takes */
};

struct clients {
    size_t count;
    bool stopping; /* no new requests */
    size_t waiting;
    struct figures since, total;
    struct client all[LIMIT];
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
        fprintf(stderr, "clients: no socket for '%s'\n", path);
        exit(1);
    }
    memcpy(address.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

static void ask(struct clients *clients, struct client *c)
{
    char request[256];
    int len = snprintf(request, sizeof(request),
                       "{\"jsonrpc\":\"2.0\",\"id\":%ju,\"method\":\"call\",\"params\":"
                       "{\"name\":\"counter\",\"message\":{\"add\":1}}}\n",
                       (uintmax_t)++c->id);

    c->sent_ns = now_ns();
    if (send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
        perror("clients: send");
        exit(1);
    }
    clients->waiting++;
}

static void count(struct figures *f, bool good, uint64_t took_ns)
{
    f->calls += good;
    f->failed += !good;
    if (took_ns > f->worst_ns)
        f->worst_ns = took_ns;
}

static void answered(struct clients *clients, struct client *c)
{
    json_t *answer = json_loadb(c->answer, c->len, 0, NULL);
    bool good = json_is_integer(json_object_get(answer, "result")) &&
                (uint64_t)json_integer_value(json_object_get(answer, "id")) == c->id;
    uint64_t took_ns = now_ns() - c->sent_ns;

    if (!good && clients->total.failed == 0)
        fprintf(stderr, "clients: %.*s", (int)c->len, c->answer);
    json_decref(answer);
    count(&clients->since, good, took_ns);
    count(&clients->total, good, took_ns);
    c->len = 0;
    clients->waiting--;
    if (!clients->stopping)
        ask(clients, c);
}

static void hear(struct clients *clients, struct client *c)
{
    ssize_t n = read(c->fd, c->answer + c->len, sizeof(c->answer) - c->len);

    if (n <= 0) {
        fprintf(stderr, "clients: the host hung up\n");
        exit(1);
    }
    c->len += (size_t)n;
    if (c->answer[c->len - 1] == '\n')
        answered(clients, c);
}

static void tell(const struct figures *f)
{
    printf("calls=%ju failed=%ju worst_us=%ju\n", (uintmax_t)f->calls,
           (uintmax_t)f->failed, (uintmax_t)f->worst_ns / 1000);
    fflush(stdout);
}

/* Each line of the input is a question; its end stops the clients. */
static void listen_to_input(struct clients *clients)
{
    char input[256];
    ssize_t n = read(STDIN_FILENO, input, sizeof(input));

    for (ssize_t i = 0; i < n; i++)
        if (input[i] == '\n') {
            tell(&clients->since);
            clients->since = (struct figures){0};
        }
    if (n <= 0)
        clients->stopping = true;
}

static void run(struct clients *clients)
{
    struct pollfd fds[LIMIT + 1];

    for (size_t i = 0; i < clients->count; i++)
        ask(clients, &clients->all[i]);
    while (clients->waiting > 0) {
        for (size_t i = 0; i < clients->count; i++)
            fds[i] = (struct pollfd){.fd = clients->all[i].fd, .events = POLLIN};
        fds[clients->count] = (struct pollfd){
            .fd = clients->stopping ? -1 : STDIN_FILENO, .events = POLLIN};
        if (poll(fds, clients->count + 1, -1) < 0) {
            perror("clients: poll");
            exit(1);
        }
        for (size_t i = 0; i < clients->count; i++)
            if (fds[i].revents)
                hear(clients, &clients->all[i]);
        if (fds[clients->count].revents)
            listen_to_input(clients);
    }
}

int main(int argc, char **argv)
{
    static struct clients clients;

    if (argc == 3)
        clients.count = strtoul(argv[2], NULL, 10);
    if (clients.count == 0 || clients.count > LIMIT) {
        fprintf(stderr, "usage: tour_clients SOCKET COUNT (1 to %d)\n", LIMIT);
        return 2;
    }
    for (size_t i = 0; i < clients.count; i++)
        clients.all[i].fd = dial(argv[1]);
    run(&clients);
    tell(&clients.total);
    return clients.total.failed ? 1 : 0;
}
