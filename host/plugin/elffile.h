/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elffile - a shared object in memory, read as data and not trusted.
 *
 * Once it is open, all that its headers point to lies inside the file, and the section
 * table (which libelf reads) and the segments (which the loader uses) agree about where
 * the symbols are.  Called by manifest only.
 */
#ifndef MOULT_ELFFILE_H
#define MOULT_ELFFILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

/* All zero is closed. */
struct elffile {
    const unsigned char *bytes; /* borrowed while it is open */
    size_t len;
    const char *label; /* what texts call it; borrowed as well */
    Elf *elf;
    Elf_Scn *symbols, *dynamic, *versym, *verneed; /* the last two may be NULL */
    size_t symbol_count;
    GElf_Shdr symbols_header, dynamic_header;
};

/* One entry of the dynamic symbol table; its texts are lent while the file is open. */
struct elffile_symbol {
    GElf_Sym sym;
    const char *name;    /* never NULL */
    const char *version; /* of an undefined one: what it was bound to, or NULL */
    bool is_defined;
};

/*
 * Open `len` bytes (borrowed until it is closed).  0, -ENODATA (the file ends before
 * what its headers say), -ENOEXEC (not a shared object, or a broken one), -ELIBBAD (of
 * another kind of machine) or -ENOMEM; on error it is closed.  [any]
 */
int elffile_open(struct elffile *f, const void *bytes, size_t len, const char *label,
                 struct fault *why);

void elffile_close(struct elffile *f);

/*
 * The `i`th dynamic symbol, `i` below symbol_count; false if it makes no sense.  [any]
 */
bool elffile_symbol(const struct elffile *f, size_t i, struct elffile_symbol *out);

/* The `i`th segment; false if there are no more.  [any] */
bool elffile_segment(const struct elffile *f, size_t i, GElf_Phdr *out);

/* The `i`th dynamic entry; false at the end.  [any] */
bool elffile_dynamic(const struct elffile *f, size_t i, GElf_Dyn *out);

/* The value of the first dynamic entry with `tag`, or 0.  [any] */
uint64_t elffile_dynamic_value(const struct elffile *f, int64_t tag);

/* A text of the dynamic string table, lent; "" if `offset` is outside of it.  [any] */
const char *elffile_text(const struct elffile *f, uint64_t offset);

/*
 * The description of the note of `owner` and `type`, lent, and `*len` its bytes; NULL
 * if there is none.  [any]
 */
const void *elffile_note(const struct elffile *f, const char *owner, uint32_t type,
                         size_t *len);

/*
 * The `len` bytes that are loaded at `address`, lent; NULL if the file lacks them.
 * [any]
 */
const void *elffile_at(const struct elffile *f, uint64_t address, size_t len);

#endif
