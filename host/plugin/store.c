/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "beside.h"

#define SERIAL_FILE "serial"
#define PART_SUFFIX ".part" /* of what is being written */
#define COPY_CHUNK  ((size_t)64 << 10)

/* Nobody writes to a stored file: what is loaded must not change. */
#define MODE_STORED   0400
#define MODE_APPROVED 0500 /* it was found to be good */

/* "<serial>-<name>-<vsn>.so.part" */
#define NAME_SIZE (20 + 1 + MANIFEST_NAME_MAX + 1 + VERSION_MAX + 4 + 5 + 1)

struct store {
    char *dir;
    int fd;          /* of the folder; holds the lock */
    uint64_t serial; /* the last one used */
};

/* The serial in the name of a stored file, or 0. */
static uint64_t serial_of(const char *name)
{
    char *end;
    uint64_t serial = name[0] >= '0' && name[0] <= '9' ? strtoull(name, &end, 10) : 0;

    return serial && *end == '-' ? serial : 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t m = strlen(text), n = strlen(end);

    return m >= n && strcmp(text + m - n, end) == 0;
}

/* Is it a file beside a plugin that is not there? */
static bool is_alone(const struct store *s, const char *name)
{
    const char *end = strrchr(name, '.');
    char plugin[NAME_SIZE];
    int kind = 0;

    while (end && kind < BESIDE_COUNT && strcmp(end, beside_end(kind)) != 0)
        kind++;
    if (!end || kind == BESIDE_COUNT)
        return false;
    snprintf(plugin, sizeof(plugin), "%.*s.so", (int)(end - name), name);
    return faccessat(s->fd, plugin, F_OK, 0) < 0;
}

static void scan_name(struct store *s, const char *name)
{
    uint64_t serial = serial_of(name);

    if (serial > s->serial)
        s->serial = serial;
    if (ends_with(name, PART_SUFFIX) || is_alone(s, name))
        unlinkat(s->fd, name, 0);
}

static DIR *list(const struct store *s)
{
    int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

static int scan(struct store *s)
{
    DIR *dir = list(s);
    struct dirent *entry;

    if (!dir)
        return -errno;
    while ((entry = readdir(dir)))
        scan_name(s, entry->d_name);
    closedir(dir);
    return 0;
}

/*
 * What the counter file says; nothing if it is missing or spoiled: the scan has most.
 */
static void read_serial(struct store *s)
{
    char text[24] = "";
    int fd = openat(s->fd, SERIAL_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint64_t serial;

    if (fd < 0)
        return;
    if (read(fd, text, sizeof(text) - 1) > 0) {
        serial = strtoull(text, NULL, 10);
        if (serial != UINT64_MAX && serial > s->serial)
            s->serial = serial;
    }
    close(fd);
}

static int write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Make what was written as `part` durable, under the name `name`. */
static int publish(const struct store *s, int fd, const char *part, const char *name)
{
    if (fsync(fd) < 0 || renameat(s->fd, part, s->fd, name) < 0 || fsync(s->fd) < 0)
        return -errno;
    return 0;
}

/* Use up a serial; on disk first, so that it is used up also if we die now. */
static int take_serial(struct store *s, uint64_t *serial)
{
    static const char part[] = SERIAL_FILE PART_SUFFIX;
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRIu64 "\n", s->serial + 1);
    int fd = openat(s->fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int err;

    if (fd < 0)
        return -errno;
    err = write_all(fd, text, (size_t)len);
    if (!err)
        err = publish(s, fd, part, SERIAL_FILE);
    close(fd);
    if (err) {
        unlinkat(s->fd, part, 0);
        return err;
    }
    *serial = ++s->serial;
    return 0;
}

static int make_folder(const char *dir, struct fault *why)
{
    struct statvfs fs;

    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return fault(why, -errno, "unable to make the store '%s': %s", dir,
                     strerror(errno));
    if (statvfs(dir, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
        return fault(why, -EACCES,
                     "unable to load code from '%s': it is mounted noexec; choose "
                     "another data directory",
                     dir);
    return 0;
}

static int open_folder(struct store *s, struct fault *why)
{
    int err;

    s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->fd < 0)
        return fault(why, -errno, "unable to open the store '%s': %s", s->dir,
                     strerror(errno));
    if (flock(s->fd, LOCK_EX | LOCK_NB) < 0)
        return fault(why, -EBUSY,
                     "the store '%s' is in use by another host: choose another data "
                     "directory",
                     s->dir);
    err = scan(s);
    if (err)
        return fault(why, err, "unable to read the store '%s': %s", s->dir,
                     strerror(-err));
    read_serial(s);
    return 0;
}

int store_open(const char *dir, struct store **out, struct fault *why)
{
    int err = make_folder(dir, why);
    struct store *s;

    if (err)
        return err;
    s = calloc(1, sizeof(*s));
    if (!s)
        return fault(why, -ENOMEM, "no memory for the store");
    s->fd = -1;
    s->dir = realpath(dir, NULL);
    err = s->dir ? open_folder(s, why)
                 : fault(why, -errno, "unable to find the store '%s': %s", dir,
                         strerror(errno));
    if (err) {
        store_close(s);
        return err;
    }
    *out = s;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->fd >= 0)
        close(store->fd);
    free(store->dir);
    free(store);
}

/* Copy all of `from` to `to`; its hash into `hash`. */
static int copy(int from, int to, char hash[FILEHASH_TEXT])
{
    struct filehash *h = filehash_create();
    char *chunk = malloc(COPY_CHUNK);
    int err = h && chunk ? 0 : -ENOMEM;

    while (!err) {
        ssize_t n = read(from, chunk, COPY_CHUNK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = -errno;
        if (n <= 0)
            break;
        filehash_add(h, chunk, (size_t)n);
        err = write_all(to, chunk, (size_t)n);
    }
    if (h)
        filehash_finish(h, hash);
    free(chunk);
    return err;
}

/* What is to be copied. */
struct source {
    const char *path;
    const char *hash; /* that it must have, or NULL */
    int fd;
};

/* Copy `from` to `name`, which is there as a whole or not at all. */
static int copy_as(struct store *s, const struct source *from, const char *name,
                   struct fault *why)
{
    char part[NAME_SIZE], found[FILEHASH_TEXT] = "";
    int to, err;

    snprintf(part, sizeof(part), "%.*s" PART_SUFFIX,
             (int)(NAME_SIZE - sizeof(PART_SUFFIX)), name);
    to = openat(s->fd, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return fault(why, -errno, "unable to write in the store '%s': %s", s->dir,
                     strerror(errno));
    err = copy(from->fd, to, found);
    if (!err && from->hash && strcmp(found, from->hash) != 0)
        err = fault(why, -EAGAIN, "'%s' changed while it was being copied", from->path);
    if (!err && fchmod(to, MODE_STORED) < 0)
        err = -errno;
    if (!err)
        err = publish(s, to, part, name);
    close(to);
    if (!err)
        return 0;
    unlinkat(s->fd, part, 0);
    unlinkat(s->fd, name, 0);
    return fault(why, err, "unable to copy '%s' into the store '%s': %s", from->path,
                 s->dir, strerror(-err));
}

static char *path_of(const struct store *s, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", s->dir, name) < 0 ? NULL : path;
}

/* Give the path of the file `name`, which is there; without memory it is removed. */
static int give(struct store *s, const char *name, char **path, struct fault *why)
{
    *path = path_of(s, name);
    if (*path)
        return 0;
    unlinkat(s->fd, name, 0);
    return fault(why, -ENOMEM, "no memory to store '%s'", name);
}

/* Copy `from`, which is not open yet, to <serial>-<rest>, and give that. */
static int put(struct store *s, struct source from, const char *rest, char **stored,
               struct fault *why)
{
    char name[NAME_SIZE];
    uint64_t serial = 0;
    int err = take_serial(s, &serial);

    if (err)
        return fault(why, err, "unable to write in the store '%s': %s", s->dir,
                     strerror(-err));
    snprintf(name, sizeof(name), "%" PRIu64 "-%s", serial, rest);
    from.fd = open(from.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (from.fd < 0)
        return fault(why, -errno, "unable to read '%s': %s", from.path,
                     strerror(errno));
    err = copy_as(s, &from, name, why);
    close(from.fd);
    return err ? err : give(s, name, stored, why);
}

/* Copy the file at `from` that is of `kind` beside what was stored as `stored`. */
static int put_beside(struct store *s, enum beside_kind kind, struct source from,
                      const char *stored, struct fault *why)
{
    char *to = beside_path(kind, stored);
    int err;

    if (!to)
        return fault(why, -ENOMEM, "no memory to store '%s'", from.path);
    /* NOLINTNEXTLINE(clang-analyzer-*): fault() never returns 0 */
    from.fd = open(from.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    err = from.fd < 0 ? fault(why, -errno, "unable to read '%s': %s", from.path,
                              strerror(errno))
                      : copy_as(s, &from, strrchr(to, '/') + 1, why);
    if (from.fd >= 0)
        close(from.fd);
    free(to);
    return err;
}

/* The same for a plugin that was taken from `path`, if it has one. */
static int store_beside(struct store *s, enum beside_kind kind, const char *path,
                        const struct manifest *m, const char *stored, struct fault *why)
{
    struct beside b;
    int err;

    if (!m->beside[kind][0])
        return 0;
    err = beside_find(kind, path, m->name, m->vsn, &b, why);
    if (!err && !b.path)
        err = fault(why, -EAGAIN, "the %s file beside '%s' is gone", beside_end(kind),
                    path);
    if (!err)
        err = put_beside(s, kind,
                         (struct source){.path = b.path, .hash = m->beside[kind]},
                         stored, why);
    beside_release(&b);
    return err;
}

int store_put(struct store *store, const char *path, const struct manifest *manifest,
              char **stored, struct fault *why)
{
    char rest[NAME_SIZE], *given = NULL;
    int err;

    snprintf(rest, sizeof(rest), "%s-%s.so", manifest->name, manifest->vsn);
    err = put(store, (struct source){.path = path, .hash = manifest->own_hash}, rest,
              &given, why);
    if (err)
        return err;
    for (int kind = 0; kind < BESIDE_COUNT && !err; kind++)
        err = store_beside(store, kind, path, manifest, given, why);
    if (!err) {
        *stored = given;
        return 0;
    }
    store_drop(store, given);
    free(given);
    return err;
}

/* The name in the store of a path that was given; NULL if it is not from there. */
static const char *name_in(const struct store *s, const char *stored)
{
    size_t len = strlen(s->dir);
    const char *name = stored + len + 1;

    /* NOLINTNEXTLINE(clang-analyzer-*): fault() never returns 0 */
    if (strncmp(stored, s->dir, len) != 0 || stored[len] != '/' || strchr(name, '/') ||
        !serial_of(name))
        return NULL;
    return name;
}

int store_approve(struct store *store, const char *stored)
{
    const char *name = name_in(store, stored);

    if (!name)
        return -EINVAL;
    return fchmodat(store->fd, name, MODE_APPROVED, 0) < 0 ? -errno : 0;
}

bool store_is_approved(struct store *store, const char *stored)
{
    const char *name = name_in(store, stored);
    struct stat st;

    return name && fstatat(store->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_mode & 07777) == MODE_APPROVED;
}

/* The same for a copy of what is in the store already. */
static int reissue_beside(struct store *s, enum beside_kind kind, const char *stored,
                          const char *given, struct fault *why)
{
    char *path = beside_path(kind, stored);
    int err = 0;

    if (!path)
        return fault(why, -ENOMEM, "no memory to store '%s'", stored);
    if (access(path, F_OK) == 0)
        err = put_beside(s, kind, (struct source){.path = path}, given, why);
    free(path);
    return err;
}

int store_reissue(struct store *store, const char *stored, char **fresh,
                  struct fault *why)
{
    const char *name = name_in(store, stored);
    char *given = NULL;
    int err;

    if (!name)
        return fault(why, -EINVAL, "'%s' is not in the store '%s'", stored, store->dir);
    /* A copy: by a link the loader would know the file again. */
    err =
        put(store, (struct source){.path = stored}, strchr(name, '-') + 1, &given, why);
    if (err)
        return err;
    for (int kind = 0; kind < BESIDE_COUNT && !err; kind++)
        err = reissue_beside(store, kind, stored, given, why);
    if (!err) {
        *fresh = given;
        return 0;
    }
    store_drop(store, given);
    free(given);
    return err;
}

void store_drop(struct store *store, const char *stored)
{
    const char *name = name_in(store, stored);

    if (name)
        unlinkat(store->fd, name, 0);
    for (int kind = 0; name && kind < BESIDE_COUNT; kind++) {
        char *beside = beside_path(kind, name);

        if (beside) /* without its plugin it is removed by the next scan */
            unlinkat(store->fd, beside, 0);
        free(beside);
    }
}

void store_drop_version(struct store *store, const char *name, const char *vsn)
{
    char rest[NAME_SIZE];
    DIR *dir = list(store);
    struct dirent *entry;

    snprintf(rest, sizeof(rest), "-%s-%s.so", name, vsn);
    while (dir && (entry = readdir(dir)))
        if (serial_of(entry->d_name) && strcmp(strchr(entry->d_name, '-'), rest) == 0)
            unlinkat(store->fd, entry->d_name, 0);
    if (dir)
        closedir(dir);
}

static int is_stored(const struct dirent *entry)
{
    return serial_of(entry->d_name) && ends_with(entry->d_name, ".so");
}

static int by_serial(const struct dirent **a, const struct dirent **b)
{
    uint64_t x = serial_of((*a)->d_name), y = serial_of((*b)->d_name);

    return (x > y) - (x < y);
}

int store_each(struct store *store, void (*visit)(void *context, const char *stored),
               void *context)
{
    struct dirent **entries;
    int count = scandirat(store->fd, ".", &entries, is_stored, by_serial);
    int err = count < 0 ? -errno : 0;

    for (int i = 0; i < count; i++) {
        char *path = err ? NULL : path_of(store, entries[i]->d_name);

        if (!path)
            err = -ENOMEM;
        else
            visit(context, path);
        free(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return err;
}
