/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - calls a server over the control socket, one after the other, as a program does
 * that keeps its connection.
 *
 *   ask SOCKET SERVER N   {"ops": N, "wall_ns": of all of them}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static unsigned long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000u +
           (unsigned long long)now.tv_nsec;
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* An answer that is no error. */
static int ask(int fd, const char *request, size_t len)
{
    char answer[512];
    size_t got = 0;

    if (write(fd, request, len) != (ssize_t)len)
        return -1;
    while (got == 0 || answer[got - 1] != '\n') {
        ssize_t n = read(fd, answer + got, sizeof(answer) - 1 - got);

        if (n <= 0)
            return -1;
        got += (size_t)n;
    }
    answer[got] = '\0';
    return strstr(answer, "\"result\"") ? 0 : -1;
}

int main(int argc, char **argv)
{
    long n = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    int fd = n > 0 ? open_socket(argv[1]) : -1;
    unsigned long long start;
    char request[256];
    int len;

    if (fd < 0) {
        fprintf(stderr, "usage: ask SOCKET SERVER N\n");
        return 2;
    }
    len = snprintf(request, sizeof(request),
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"call\",\"params\":"
                   "{\"name\":\"%s\",\"message\":{\"add\":1}}}\n",
                   argv[2]);
    for (long i = 0; i < n / 10; i++)
        if (ask(fd, request, (size_t)len) < 0)
            return 1;
    start = now_ns();
    for (long i = 0; i < n; i++)
        if (ask(fd, request, (size_t)len) < 0)
            return 1;
    printf("{\"ops\":%ld,\"wall_ns\":%llu}\n", n, now_ns() - start);
    close(fd);
    return 0;
}
