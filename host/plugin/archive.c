/* SPDX-License-Identifier: Apache-2.0 */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest.h"

#define BLOCK 512u /* bytes; all is a multiple of it */

/* A member's header, as POSIX has it: numbers are octal texts. */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
    char linkname[100], magic[6], version[2], uname[32], gname[32], devmajor[8],
        devminor[8], prefix[155], rest[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

struct archive {
    FILE *file;
    const char *path; /* lives with it */
    uint64_t left;    /* bytes of the member at hand that were not read */
    uint64_t padding; /* behind it */
    unsigned members;
};

static unsigned sum_of(const struct header *h)
{
    struct header copy = *h;
    unsigned char bytes[BLOCK];
    unsigned sum = 0;

    memset(copy.sum, ' ', sizeof(copy.sum));
    memcpy(bytes, &copy, BLOCK);
    for (size_t i = 0; i < BLOCK; i++)
        sum += bytes[i];
    return sum;
}

static uint64_t padding_of(uint64_t size)
{
    return (BLOCK - size % BLOCK) % BLOCK;
}

/* -- reading -- */

int archive_open(const char *path, struct archive **out, struct fault *why)
{
    struct archive *p = calloc(1, sizeof(*p) + strlen(path) + 1);

    if (!p)
        return fault(why, -ENOMEM, "no memory to unpack '%s'", path);
    p->path = strcpy((char *)(p + 1), path);
    p->file = fopen(path, "re");
    if (!p->file) {
        free(p);
        return fault(why, -errno, "unable to read '%s': %s", path, strerror(errno));
    }
    *out = p;
    return 0;
}

void archive_close(struct archive *p)
{
    if (!p)
        return;
    fclose(p->file);
    free(p);
}

static int cut(const struct archive *p, struct fault *why)
{
    return ferror(p->file) ? fault(why, -EIO, "unable to read '%s'", p->path)
                           : fault(why, -EINVAL, "'%s' is cut short", p->path);
}

static int skip(struct archive *p, uint64_t bytes, struct fault *why)
{
    char block[BLOCK];

    while (bytes > 0) {
        size_t n = bytes < BLOCK ? (size_t)bytes : BLOCK;

        if (fread(block, 1, n, p->file) != n)
            return cut(p, why);
        bytes -= n;
    }
    return 0;
}

static int64_t number(const char *text, size_t size)
{
    char copy[13] = "", *end;
    long long value;

    memcpy(copy, text, size);
    value = strtoll(copy, &end, 8);
    return end == copy || (*end && *end != ' ') || value < 0 ? -1 : value;
}

static int is_plain(const char *name)
{
    return name[0] && name[0] != '.' && !strchr(name, '/');
}

static int understand(struct archive *p, const struct header *h,
                      struct archive_member *out, struct fault *why)
{
    int64_t size = number(h->size, sizeof(h->size));

    if (memcmp(h->magic, "ustar", 5) != 0 ||
        number(h->sum, sizeof(h->sum)) != (int64_t)sum_of(h) || size < 0)
        return fault(why, -EINVAL, "'%s' is no package: 'moult pack' makes one",
                     p->path);
    *out = (struct archive_member){.size = (uint64_t)size};
    memcpy(out->name, h->name, sizeof(h->name));
    if ((h->type != '0' && h->type != 0) || h->prefix[0] || !is_plain(out->name))
        return fault(why, -EINVAL, "'%s' holds '%s', which is no plain file", p->path,
                     out->name);
    if (out->size > MANIFEST_FILE_MAX)
        return fault(why, -EFBIG, "'%s' holds '%s' of more than %zu bytes", p->path,
                     out->name, MANIFEST_FILE_MAX);
    if (++p->members > ARCHIVE_MEMBERS_MAX)
        return fault(why, -EFBIG, "'%s' holds more than %u files", p->path,
                     ARCHIVE_MEMBERS_MAX);
    p->left = out->size;
    p->padding = padding_of(out->size);
    return 1;
}

int archive_next(struct archive *p, struct archive_member *out, struct fault *why)
{
    static const struct header zero;
    struct header h;
    int error = skip(p, p->left + p->padding, why);

    p->left = p->padding = 0;
    if (error)
        return error;
    if (fread(&h, 1, BLOCK, p->file) != BLOCK)
        return cut(p, why);
    return memcmp(&h, &zero, BLOCK) == 0 ? 0 : understand(p, &h, out, why);
}

static int copy(FILE *from, FILE *to, uint64_t *left)
{
    char block[16 * BLOCK];

    while (*left > 0) {
        size_t n = *left < sizeof(block) ? (size_t)*left : sizeof(block);

        if (fread(block, 1, n, from) != n)
            return ferror(from) ? -EIO : -EINVAL;
        if (fwrite(block, 1, n, to) != n)
            return -errno;
        *left -= n;
    }
    return 0;
}

int archive_extract(struct archive *p, const char *path, struct fault *why)
{
    FILE *to = fopen(path, "wxe");
    int error = to ? copy(p->file, to, &p->left) : -errno;

    if (to && fclose(to) != 0 && !error)
        error = -errno;
    if (error == -EINVAL)
        return cut(p, why);
    return error ? fault(why, error, "unable to write '%s': %s", path, strerror(-error))
                 : 0;
}

/* -- writing -- */

static int write_padding(FILE *to, uint64_t size)
{
    static const char zeros[BLOCK];

    return fwrite(zeros, 1, size, to) == size ? 0 : -errno;
}

static int write_member(FILE *to, const char *path, const char *name)
{
    struct header h = {.mode = "0000644",
                       .uid = "0000000",
                       .gid = "0000000",
                       .mtime = "00000000000",
                       .type = '0',
                       .magic = "ustar",
                       .version = {'0', '0'}};
    FILE *from = fopen(path, "re");
    uint64_t left;
    struct stat st;
    int error;

    if (!from)
        return -errno;
    if (fstat(fileno(from), &st) < 0 || st.st_size < 0 ||
        strlen(name) >= sizeof(h.name)) {
        fclose(from);
        return -EINVAL;
    }
    left = (uint64_t)st.st_size;
    memcpy(h.name, name, strlen(name));
    snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)left);
    snprintf(h.sum, sizeof(h.sum), "%06o", sum_of(&h));
    h.sum[7] = ' ';
    error = fwrite(&h, 1, BLOCK, to) == BLOCK ? copy(from, to, &left) : -errno;
    if (!error)
        error = write_padding(to, padding_of((uint64_t)st.st_size));
    fclose(from);
    return error;
}

/* NOLINTNEXTLINE(readability-function-size): a struct for one more is not worth it */
int archive_write(const char *to, const char *const *paths, const char *const *names,
                  size_t count, struct fault *why)
{
    char *part = NULL;
    FILE *file;
    int error = 0;

    if (asprintf(&part, "%s.part", to) < 0)
        return fault(why, -ENOMEM, "no memory to pack '%s'", to);
    file = fopen(part, "we");
    if (!file)
        error = -errno;
    for (size_t i = 0; i < count && !error; i++)
        error = write_member(file, paths[i], names[i]);
    if (!error)
        error = write_padding(file, BLOCK);
    if (!error)
        error = write_padding(file, BLOCK); /* two of zeros end it */
    if (!error && (fflush(file) != 0 || fsync(fileno(file)) < 0))
        error = -errno;
    if (file && fclose(file) != 0 && !error)
        error = -errno;
    if (!error && rename(part, to) < 0)
        error = -errno;
    if (error && file)
        unlink(part);
    free(part);
    return error ? fault(why, error, "unable to write '%s': %s", to, strerror(-error))
                 : 0;
}
