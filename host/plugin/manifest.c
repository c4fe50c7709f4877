/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elffile.h"
#include "filehash.h"
#include "moult.h"

#define LIBRARY      "libmoult.so.1"
#define LIBRARY_STEM "libmoult.so."

/* The descriptor as ABI 1.0 had it; it has only grown since. */
#define PLUGIN_SIZE_MIN (offsetof(struct moult_plugin, period_s) + sizeof(uint32_t))
#define PLUGIN_SIZE_MAX 4096u

/* A manifest being made. */
struct reading {
    struct elffile file;
    struct manifest *out;
    struct fault *why;
    bool uses_moult;  /* it has undefined symbols of the ABI */
    bool has_plugin;  /* and what it says of itself is consistent */
    unsigned clutter; /* symbols that need not be exported */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* `what` is wrong, of `symbol` if that isn't NULL, and `advice` would be right. */
static void lint(struct manifest *m, enum lint kind, const char *what,
                 const char *symbol, const char *advice)
{
    char quoted[80] = "";

    if (symbol)
        snprintf(quoted, sizeof(quoted), " '%.60s'", symbol);
    if (!m->lints[kind][0])
        snprintf(m->lints[kind], sizeof(m->lints[kind]), "%s%s: %s", what, quoted,
                 advice);
}

bool manifest_name_is_valid(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= MANIFEST_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static int check_abi(const struct reading *r)
{
    const struct manifest *m = r->out;
    const char *label = r->file.label;

    if (m->abi_major != MOULT_ABI_MAJOR)
        return fault(
            r->why, -ELIBBAD,
            "'%s' is built for moult's ABI %u.%u, this host has %u.%u: build it "
            "with this host's headers",
            label, m->abi_major, m->abi_minor, MOULT_ABI_MAJOR, MOULT_ABI_MINOR);
    if (m->abi_minor > MOULT_ABI_MINOR)
        return fault(
            r->why, -ELIBBAD,
            "'%s' needs moult's ABI %u.%u, this host has %u.%u: run a newer host, "
            "or build it with this host's headers",
            label, m->abi_major, m->abi_minor, MOULT_ABI_MAJOR, MOULT_ABI_MINOR);
    return 0;
}

/* What MOULT_PLUGIN put in the note, after its header. */
static int read_note(struct reading *r)
{
    const char *label = r->file.label, *name, *vsn, *end;
    size_t len = 0;
    const char *note = elffile_note(&r->file, MOULT_NOTE_OWNER, MOULT_NOTE_TYPE, &len);

    if (!note)
        return fault(
            r->why, -ENOEXEC,
            "'%s' is not a moult plugin (it has no note of moult's): define one "
            "with MOULT_PLUGIN",
            label);
    name = note + 2 * sizeof(uint32_t);
    end = note + len;
    vsn = len > 8 ? memchr(name, 0, (size_t)(end - name)) : NULL;
    if (!vsn || !memchr(vsn + 1, 0, (size_t)(end - vsn - 1)))
        return fault(r->why, -ENOEXEC, "'%s' has a broken note of moult's", label);
    vsn++;
    memcpy(&r->out->abi_major, note, sizeof(uint32_t));
    memcpy(&r->out->abi_minor, note + sizeof(uint32_t), sizeof(uint32_t));
    if (!manifest_name_is_valid(name))
        return fault(
            r->why, -ENOEXEC,
            "'%s' names its application '%.80s': a name begins with a-z and has "
            "up to %d of a-z, 0-9 and _",
            label, name, MANIFEST_NAME_MAX);
    memcpy(r->out->name, name, strlen(name) + 1);
    if (!version_is_valid(vsn))
        return fault(
            r->why, -ENOEXEC,
            "'%s' says its vsn is '%.80s': a vsn has 1 to %d of 0-9, A-Z, a-z, "
            "'.', '+', '~' and '-'",
            label, vsn, VERSION_MAX);
    memcpy(r->out->vsn, vsn, strlen(vsn) + 1);
    return check_abi(r);
}

static int check_library(const struct reading *r)
{
    GElf_Dyn entry;
    bool is_there = false;

    for (size_t i = 0; elffile_dynamic(&r->file, i, &entry); i++) {
        const char *needed;

        if (entry.d_tag != DT_NEEDED)
            continue;
        needed = elffile_text(&r->file, entry.d_un.d_val);
        if (strcmp(needed, LIBRARY) == 0)
            is_there = true;
        else if (strncmp(needed, LIBRARY_STEM, strlen(LIBRARY_STEM)) == 0)
            return fault(r->why, -ELIBBAD,
                         "'%s' is linked with %s, this host is " LIBRARY
                         ": build it with this host's package",
                         r->file.label, needed);
    }
    /* Where the linker drops what isn't used, a plugin that calls nothing has none. */
    if (!is_there && r->uses_moult)
        return fault(r->why, -ENOEXEC,
                     "'%s' is not linked with " LIBRARY ": build it with "
                     "moult_add_plugin()",
                     r->file.label);
    return 0;
}

static bool is_ours(const char *name)
{
    return strncmp(name, "moult_", 6) == 0;
}

/* The host itself is linked with the library: what it lacks, the plugin would miss. */
static bool host_has(const char *name)
{
    return dlvsym(RTLD_DEFAULT, name, "MOULT_1") != NULL;
}

static int check_undefined(struct reading *r, const struct elffile_symbol *s)
{
    if (s->version && strcmp(s->version, "MOULT_PRIVATE") == 0)
        return fault(r->why, -ENOEXEC,
                     "'%s' uses '%s', which is private to the host: use what moult.h "
                     "declares",
                     r->file.label, s->name);
    if (!is_ours(s->name))
        return 0;
    r->uses_moult = true;
    if (GELF_ST_BIND(s->sym.st_info) == STB_WEAK || host_has(s->name))
        return 0;
    return fault(
        r->why, -ELIBBAD,
        "'%s' uses '%s', which this host (ABI %u.%u) does not have: correct its "
        "name, or run a newer host",
        r->file.label, s->name, MOULT_ABI_MAJOR, MOULT_ABI_MINOR);
}

static int check_descriptor(struct reading *r, const struct elffile_symbol *s)
{
    const char *label = r->file.label;
    struct moult_plugin plugin;
    const void *at;

    if (GELF_ST_TYPE(s->sym.st_info) != STT_OBJECT ||
        s->sym.st_size < PLUGIN_SIZE_MIN || s->sym.st_size > PLUGIN_SIZE_MAX)
        return fault(r->why, -ENOEXEC,
                     "'%s' exports a moult_plugin that is no descriptor (%llu bytes): "
                     "define it with MOULT_PLUGIN",
                     label, (unsigned long long)s->sym.st_size);
    at = elffile_at(&r->file, s->sym.st_value, PLUGIN_SIZE_MIN);
    if (!at)
        return fault(r->why, -ENOEXEC, "'%s' has a moult_plugin without content",
                     label);
    memcpy(&plugin, at, PLUGIN_SIZE_MIN);
    if (plugin.magic != MOULT_MAGIC || plugin.size > s->sym.st_size)
        return fault(
            r->why, -ENOEXEC,
            "'%s' exports a moult_plugin that is no descriptor: define it with "
            "MOULT_PLUGIN",
            label);
    if (plugin.abi_major != r->out->abi_major || plugin.abi_minor != r->out->abi_minor)
        return fault(r->why, -ENOEXEC,
                     "'%s' says ABI %u.%u in its note and %u.%u in its descriptor",
                     label, r->out->abi_major, r->out->abi_minor, plugin.abi_major,
                     plugin.abi_minor);
    r->has_plugin = true;
    return 0;
}

static void lint_defined(struct reading *r, const struct elffile_symbol *s)
{
    static const char *const usual[] = {"_init",       "_fini", "_edata",
                                        "__bss_start", "_end",  "__odr_asan"};
    unsigned bind = GELF_ST_BIND(s->sym.st_info);

    if (bind == STB_GNU_UNIQUE) {
        lint(r->out, LINT_UNIQUE, "can't be unloaded because of the unique symbol",
             s->name, "compile with -fno-gnu-unique");
        return;
    }
    if (bind == STB_LOCAL || !s->name[0] || GELF_ST_TYPE(s->sym.st_info) == STT_SECTION)
        return;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (strncmp(s->name, usual[i], strlen(usual[i])) == 0)
            return;
    if (r->clutter++ == 0)
        lint(r->out, LINT_CLUTTER, "exports more than moult_plugin, first", s->name,
             "compile with -fvisibility=hidden");
}

static int read_symbols(struct reading *r)
{
    /* The 0th symbol is always empty. */
    for (size_t i = 1; i < r->file.symbol_count; i++) {
        struct elffile_symbol s;
        int err = 0;

        if (!elffile_symbol(&r->file, i, &s))
            return fault(r->why, -ENOEXEC, "'%s' has broken symbols", r->file.label);
        if (!s.is_defined)
            err = check_undefined(r, &s);
        else if (strcmp(s.name, "moult_plugin") == 0)
            err = check_descriptor(r, &s);
        else
            lint_defined(r, &s);
        if (err)
            return err;
    }
    if (!r->has_plugin)
        return fault(r->why, -ENOEXEC,
                     "'%s' exports no moult_plugin: define it with MOULT_PLUGIN",
                     r->file.label);
    return 0;
}

static void lint_file(struct reading *r)
{
    struct elffile *f = &r->file;
    bool stack_is_plain = false;
    GElf_Phdr p;

    for (size_t i = 0; elffile_segment(f, i, &p); i++)
        if (p.p_type == PT_GNU_STACK)
            stack_is_plain = !(p.p_flags & PF_X);
    if (!stack_is_plain)
        lint(r->out, LINT_EXEC_STACK, "asks for an executable stack", NULL,
             "link with -z noexecstack");
    if (elffile_dynamic_value(f, DT_FLAGS) & DF_STATIC_TLS)
        lint(r->out, LINT_STATIC_TLS,
             "uses static thread-local storage, which runs out", NULL,
             "compile without -ftls-model=initial-exec");
    if (elffile_dynamic_value(f, DT_FLAGS_1) & DF_1_NODELETE)
        lint(r->out, LINT_NODELETE, "can't be unloaded because it is marked NODELETE",
             NULL, "link without -z nodelete");
    if (!r->out->build_id[0])
        lint(r->out, LINT_BUILD_ID, "has no build id", NULL, "link with --build-id");
}

static void read_build_id(struct reading *r)
{
    size_t len = 0;
    const unsigned char *id = elffile_note(&r->file, "GNU", NT_GNU_BUILD_ID, &len);

    for (size_t i = 0; id && i < len && 2 * i + 2 < sizeof(r->out->build_id); i++)
        snprintf(r->out->build_id + 2 * i, 3, "%02x", id[i]);
}

static int read_all(struct reading *r)
{
    int err = read_note(r);

    if (err)
        return err;
    read_build_id(r);
    err = read_symbols(r);
    if (!err)
        err = check_library(r);
    if (!err)
        lint_file(r);
    return err;
}

int manifest_of(const void *bytes, size_t len, const char *label, struct manifest *out,
                struct fault *why)
{
    struct reading r = {.out = out, .why = why};
    int err;

    *out = (struct manifest){.size = len};
    filehash_text(bytes, len, out->hash);
    strcpy(out->own_hash, out->hash);
    err = elffile_open(&r.file, bytes, len, label, why);
    if (err)
        return err;
    err = read_all(&r);
    elffile_close(&r.file);
    if (out->name[0])
        fault_where(why, NULL, out->name, NULL, NULL);
    return err;
}

static int read_bytes(int fd, char *bytes, size_t *len)
{
    size_t done = 0;

    while (done < *len) {
        ssize_t n = read(fd, bytes + done, *len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *len = done;
    return 0;
}

/*
 * libelf finds what it has no memory for not to be there; that must not be said of the
 * file.  So it is told by `errno` that there was none.
 */
static int read_elf(const char *bytes, size_t len, const char *label,
                    struct manifest *out, struct fault *why)
{
    struct fault said = {0};
    int err;

    errno = 0;
    err = manifest_of(bytes, len, label, out, &said);
    if (errno == ENOMEM)
        return fault(why, -ENOMEM, "no memory to read '%s'", label);
    if (err && why && !why->text[0])
        *why = said;
    return err;
}

static int read_file(int fd, const char *path, struct manifest *out, struct fault *why)
{
    const char *label = base_name(path);
    struct stat st;
    size_t len;
    char *bytes;
    int err;

    if (fstat(fd, &st) < 0)
        return fault(why, -errno, "unable to read '%s': %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fault(why, -EINVAL, "'%s' is not a regular file", path);
    if ((uint64_t)st.st_size > MANIFEST_FILE_MAX)
        return fault(why, -EFBIG, "'%s' has %lld bytes, a plugin may have %zu", label,
                     (long long)st.st_size, MANIFEST_FILE_MAX);
    len = (size_t)st.st_size;
    bytes = malloc(len + 1);
    if (!bytes)
        return fault(why, -ENOMEM, "no memory to read '%s'", label);
    err = read_bytes(fd, bytes, &len);
    if (err)
        err = fault(why, err, "unable to read '%s': %s", path, strerror(-err));
    else
        err = read_elf(bytes, len, label, out, why);
    free(bytes);
    return err;
}

/* The files beside it are part of what it is. */
static int add_beside(const char *path, struct manifest *out, struct fault *why)
{
    char all[(BESIDE_COUNT + 1) * (FILEHASH_TEXT + 8)];
    size_t used = (size_t)snprintf(all, sizeof(all), "%s", out->own_hash);
    int err = 0;

    for (int kind = 0; kind < BESIDE_COUNT && !err; kind++) {
        struct beside b;

        err = beside_find(kind, path, out->name, out->vsn, &b, why);
        if (b.text)
            filehash_text(b.text, strlen(b.text), out->beside[kind]);
        if (b.text)
            used += (size_t)snprintf(all + used, sizeof(all) - used, "+%s%s",
                                     kind == BESIDE_APP ? "" : beside_end(kind),
                                     out->beside[kind]);
        beside_release(&b);
    }
    if (!err && (out->beside[BESIDE_APP][0] || out->beside[BESIDE_APPUP][0]))
        filehash_text(all, strlen(all), out->hash);
    return err;
}

int manifest_read(const char *path, struct manifest *out, struct fault *why)
{
    /* Not blocking: a fifo of that name must not hold us up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int err;

    *out = (struct manifest){0};
    if (fd < 0)
        return fault(why, -errno, "unable to read '%s': %s", path, strerror(errno));
    err = read_file(fd, path, out, why);
    close(fd);
    return err ? err : add_beside(path, out, why);
}
