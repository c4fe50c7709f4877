/* SPDX-License-Identifier: Apache-2.0 */
#include "crash.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "barrier.h"
#include "process.h"

#define MESSAGE_MOST 4096u /* bytes of the message that was being handled */

/* Written before anything fails. */
static char folder[PATH_MAX - 64];   /* "": none */
static char program[PATH_MAX];       /* which the loader has no name for */
static _Atomic uint32_t last_report; /* relaxed: only uniqueness matters */

/* -- writing without libc's streams -- */

struct paper {
    int fd[2]; /* the file and stderr; -1: none */
    size_t len;
    char text[PATH_MAX];
};

static void flush(struct paper *paper)
{
    for (int i = 0; i < 2; i++)
        if (paper->fd[i] >= 0 && write(paper->fd[i], paper->text, paper->len) < 0)
            paper->fd[i] = -1; /* whatever it is, it won't get better */
    paper->len = 0;
}

static void put(struct paper *paper, const char *text)
{
    for (; text && *text; text++) {
        if (paper->len == sizeof(paper->text))
            flush(paper);
        paper->text[paper->len++] = *text;
    }
}

static void put_number(struct paper *paper, uint64_t number, unsigned base)
{
    char digits[21], *at = digits + sizeof(digits) - 1;

    *at = 0;
    do
        *--at = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    put(paper, at);
}

static void put_hex(struct paper *paper, uint64_t number)
{
    put(paper, "0x");
    put_number(paper, number, 16);
}

static void put_bytes(struct paper *paper, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char pair[3] = {"0123456789abcdef"[bytes[i] >> 4],
                        "0123456789abcdef"[bytes[i] & 15], 0};

        put(paper, pair);
    }
}

/* A line; whatever is in the value. */
static void put_field(struct paper *paper, const char *key, const char *value)
{
    char letter[2] = "";

    if (!value || !*value)
        return;
    put(paper, key);
    put(paper, ": ");
    for (; *value; value++) {
        letter[0] = *value;
        if (letter[0] == '\n')
            letter[0] = ' ';
        put(paper, letter);
    }
    put(paper, "\n");
}

/* -- what is in it -- */

static size_t padded(size_t len)
{
    return (len + 3) / 4 * 4;
}

/* Put the build id, if it is among the notes in [at, end). */
static void put_noted_build_id(struct paper *paper, const char *at, const char *end)
{
    while (at + sizeof(ElfW(Nhdr)) <= end) {
        const ElfW(Nhdr) *note = (const void *)at;
        const char *name = at + sizeof(*note);
        const char *bytes = name + padded(note->n_namesz);

        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
            memcmp(name, "GNU", 4) == 0) {
            put(paper, " build-id ");
            put_bytes(paper, (const uint8_t *)bytes, note->n_descsz);
            return;
        }
        at = bytes + padded(note->n_descsz);
    }
}

/* That of the object mapped at `base`, as its program headers say. */
static void put_build_id(struct paper *paper, const char *base, uintptr_t bias)
{
    const ElfW(Ehdr) *elf = (const void *)base;
    const ElfW(Phdr) *part = (const void *)(base + elf->e_phoff);

    for (unsigned i = 0; i < elf->e_phnum; i++) {
        const char *at = (const char *)(bias + part[i].p_vaddr);

        if (part[i].p_type == PT_NOTE)
            put_noted_build_id(paper, at, at + part[i].p_memsz);
    }
}

/* _dl_find_object takes no lock, for unwinders: it may be asked in a handler. */
static void put_frame(struct paper *paper, uintptr_t pc)
{
    struct dl_find_object object;

    put(paper, "  ");
    put_hex(paper, pc);
    if (_dl_find_object((void *)pc, &object) == 0) { /* NOLINT: an address */
        const struct link_map *map = object.dlfo_link_map;

        put(paper, " ");
        put(paper, map->l_name[0] ? map->l_name : program);
        put(paper, "+");
        put_hex(paper, pc - map->l_addr);
        put_build_id(paper, object.dlfo_map_start, map->l_addr);
    }
    put(paper, "\n");
}

static void put_process(struct paper *paper, struct process *p)
{
    struct barrier_whose whose = barrier_whose(p);
    const struct envelope *e = p->current;

    put_field(paper, "app", whose.app);
    put_field(paper, "vsn", whose.vsn);
    put_field(paper, "server", whose.server);

    put(paper, "process: <0.");
    put_number(paper, pid_index(process_pid(p)), 10);
    put(paper, ".");
    put_number(paper, pid_generation(process_pid(p)), 10);
    put(paper, ">\n");
    put_field(paper, "id", process_label(p));
    if (!e || !e->out.bytes || whose.is_private)
        return;
    put(paper, "message: ");
    put_bytes(paper, e->out.bytes,
              e->out.len < MESSAGE_MOST ? e->out.len : MESSAGE_MOST);
    put(paper, e->out.len > MESSAGE_MOST ? "...\n" : "\n");
}

static void put_place(struct paper *paper, const struct place *place)
{
    put_field(paper, "function", place->function);
    put_field(paper, "file", place->file);
    if (!place->line)
        return;
    put(paper, "line: ");
    put_number(paper, (uint64_t)place->line, 10);
    put(paper, "\n");
}

static void put_all(struct paper *paper, const struct crash *c)
{
    put_field(paper, "moult", c->contained ? "a contained fault" : "a fatal fault");
    put_field(paper, "reason", c->words);
    put_field(paper, "signal", c->what);
    put_field(paper, "because", c->because);
    if (c->at_address) {
        put(paper, "address: ");
        put_hex(paper, c->address);
        put(paper, "\n");
    }
    put(paper, "pid: ");
    put_number(paper, (uint64_t)getpid(), 10);
    put(paper, "\n");
    put_place(paper, &c->place);
    put(paper, "backtrace:\n");
    for (uint32_t i = 0; i < c->depth; i++)
        put_frame(paper, c->frames[i]);
    flush(paper);
    if (c->process)
        put_process(paper, c->process);
    flush(paper);
}

/* -- the files: time-pid-number.crash, so that by name is by age -- */

static void name_report(struct paper *name)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    put(name, "/");
    put_number(name, (uint64_t)now.tv_sec, 10);
    put(name, "-");
    put_number(name, (uint64_t)getpid(), 10);
    put(name, "-");
    put_number(
        name, atomic_fetch_add_explicit(&last_report, 1, memory_order_relaxed) + 1, 10);
    put(name, ".crash");
    name->text[name->len] = 0;
}

static int open_report(void)
{
    struct paper name = {.fd = {-1, -1}};
    const char *path = name.text;
    int fd;

    if (!folder[0])
        return -1;
    put(&name, folder);
    name_report(&name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT && mkdir(folder, 0700) == 0)
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd;
}

static int is_report(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 6 && strcmp(entry->d_name + len - 6, ".crash") == 0;
}

static void thin(void)
{
    struct dirent **reports = NULL;
    int count = scandir(folder, &reports, is_report, versionsort);
    char path[PATH_MAX + NAME_MAX];

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, reports[i]->d_name);
        if (i < count - (int)CRASH_REPORTS)
            unlink(path);
        free(reports[i]);
    }
    free(reports);
}

void crash_write(const struct crash *crash)
{
    struct paper paper = {.fd = {open_report(), crash->contained ? -1 : STDERR_FILENO}};
    int file = paper.fd[0];

    put_all(&paper, crash);
    if (file >= 0)
        close(file);
    if (crash->contained)
        thin();
}

void crash_set_folder(const char *path)
{
    if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
        strcpy(program, "moult");
    if ((size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
        folder[0] = 0;
    else
        thin();
}
