/* SPDX-License-Identifier: Apache-2.0 */
#include "elffile.h"

#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#else
#error "moult runs on x86-64 and AArch64"
#endif

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86-64"},  {EM_AARCH64, "AArch64"},     {EM_386, "32-bit x86"},
        {EM_ARM, "32-bit ARM"}, {EM_RISCV, "RISC-V"},        {EM_PPC64, "PowerPC"},
        {EM_S390, "s390x"},     {EM_LOONGARCH, "LoongArch"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "an unknown machine";
}

static bool is_inside(uint64_t offset, uint64_t size, uint64_t len)
{
    return offset <= len && size <= len - offset;
}

static int incomplete(const struct elffile *f, const char *what, struct fault *why)
{
    return fault(why, -ENODATA,
                 "'%s' is not whole: %s lies beyond its %zu bytes; copy it again",
                 f->label, what, f->len);
}

static int check_identity(const struct elffile *f, struct fault *why)
{
    const unsigned char *id = f->bytes;
    size_t magic = f->len < SELFMAG ? f->len : SELFMAG;

    if (f->len == 0)
        return fault(why, -ENODATA, "'%s' is empty", f->label);
    if (memcmp(id, ELFMAG, magic) != 0)
        return fault(
            why, -ENOEXEC,
            "'%s' is not a shared object: it does not begin as an ELF file does",
            f->label);
    if (f->len < sizeof(Elf64_Ehdr))
        return incomplete(f, "the end of its first header", why);
    if (id[EI_CLASS] != ELFCLASS64)
        return fault(why, -ELIBBAD, "'%s' is for 32-bit machines, this host is for %s",
                     f->label, machine_name(HOST_MACHINE));
    if (id[EI_DATA] != ELFDATA2LSB)
        return fault(why, -ELIBBAD,
                     "'%s' is for big-endian machines, this host is for %s", f->label,
                     machine_name(HOST_MACHINE));
    return 0;
}

static int check_header(const struct elffile *f, Elf64_Ehdr *h, struct fault *why)
{
    memcpy(h, f->bytes, sizeof(*h));
    if (h->e_machine != HOST_MACHINE)
        return fault(why, -ELIBBAD,
                     "'%s' is for %s, this host is for %s: build it for %s", f->label,
                     machine_name(h->e_machine), machine_name(HOST_MACHINE),
                     machine_name(HOST_MACHINE));
    if (h->e_type != ET_DYN)
        return fault(why, -ENOEXEC,
                     "'%s' is not a shared object (ELF type %u): link it "
                     "with moult_add_plugin()",
                     f->label, (unsigned)h->e_type);
    if (h->e_version != EV_CURRENT || h->e_ident[EI_VERSION] != EV_CURRENT ||
        h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 ||
        h->e_phnum == PN_XNUM)
        return fault(why, -ENOEXEC, "'%s' has a broken ELF header", f->label);
    if (h->e_shnum == 0 || h->e_shentsize != sizeof(Elf64_Shdr))
        return fault(why, -ENOEXEC, "'%s' has no section table: don't strip that",
                     f->label);
    if (!is_inside(h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr), f->len))
        return incomplete(f, "the program header table", why);
    if (!is_inside(h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr), f->len))
        return incomplete(f, "the section header table", why);
    return 0;
}

static int check_contents(const struct elffile *f, const Elf64_Ehdr *h,
                          struct fault *why)
{
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr p;

        memcpy(&p, f->bytes + h->e_phoff + i * sizeof(p), sizeof(p));
        if (!is_inside(p.p_offset, p.p_filesz, f->len))
            return incomplete(f, "a segment", why);
        if (p.p_type == PT_LOAD && p.p_filesz > p.p_memsz)
            return fault(why, -ENOEXEC, "'%s' has a broken segment", f->label);
    }
    for (unsigned i = 0; i < h->e_shnum; i++) {
        Elf64_Shdr s;

        memcpy(&s, f->bytes + h->e_shoff + i * sizeof(s), sizeof(s));
        if (s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL &&
            !is_inside(s.sh_offset, s.sh_size, f->len))
            return incomplete(f, "a section", why);
    }
    return 0;
}

static void find_sections(struct elffile *f)
{
    for (Elf_Scn *s = elf_nextscn(f->elf, NULL); s; s = elf_nextscn(f->elf, s)) {
        GElf_Shdr h;

        if (!gelf_getshdr(s, &h))
            continue;
        if (h.sh_type == SHT_DYNSYM && !f->symbols) {
            f->symbols = s;
            f->symbols_header = h;
        } else if (h.sh_type == SHT_DYNAMIC && !f->dynamic) {
            f->dynamic = s;
            f->dynamic_header = h;
        } else if (h.sh_type == SHT_GNU_versym) {
            f->versym = s;
        } else if (h.sh_type == SHT_GNU_verneed) {
            f->verneed = s;
        }
    }
}

/* What libelf finds by sections must be what the loader finds by segments. */
static bool tables_agree(const struct elffile *f)
{
    GElf_Phdr p;
    GElf_Shdr texts;
    size_t i = 0;

    while (elffile_segment(f, i, &p) && p.p_type != PT_DYNAMIC)
        i++;
    return elffile_segment(f, i, &p) && p.p_offset == f->dynamic_header.sh_offset &&
           p.p_filesz == f->dynamic_header.sh_size &&
           f->dynamic_header.sh_entsize == sizeof(Elf64_Dyn) &&
           f->symbols_header.sh_entsize == sizeof(Elf64_Sym) &&
           elffile_dynamic_value(f, DT_SYMTAB) == f->symbols_header.sh_addr &&
           gelf_getshdr(elf_getscn(f->elf, f->symbols_header.sh_link), &texts) &&
           texts.sh_type == SHT_STRTAB &&
           elffile_dynamic_value(f, DT_STRTAB) == texts.sh_addr;
}

static int open_tables(struct elffile *f, struct fault *why)
{
    Elf64_Ehdr h;
    int err = check_identity(f, why);

    if (!err)
        err = check_header(f, &h, why);
    if (!err)
        err = check_contents(f, &h, why);
    if (err)
        return err;
    elf_version(EV_CURRENT);
    f->elf = elf_memory((char *)f->bytes, f->len);
    if (!f->elf)
        return fault(why, -ENOEXEC, "unable to read '%s': %s", f->label,
                     elf_errmsg(-1));
    find_sections(f);
    if (!f->symbols || !f->dynamic)
        return fault(why, -ENOEXEC,
                     "'%s' is not a shared object: it has no dynamic symbols",
                     f->label);
    if (!tables_agree(f))
        return fault(why, -ENOEXEC,
                     "'%s' is broken: its sections and segments disagree", f->label);
    f->symbol_count = f->symbols_header.sh_size / sizeof(Elf64_Sym);
    return 0;
}

int elffile_open(struct elffile *f, const void *bytes, size_t len, const char *label,
                 struct fault *why)
{
    int err;

    *f = (struct elffile){.bytes = bytes, .len = len, .label = label};
    err = open_tables(f, why);
    if (err)
        elffile_close(f);
    return err;
}

void elffile_close(struct elffile *f)
{
    if (f->elf)
        elf_end(f->elf);
    *f = (struct elffile){0};
}

/* The name of the version that index `wanted` of the version table stands for. */
static const char *version_name(const struct elffile *f, unsigned wanted)
{
    Elf_Data *data = f->verneed ? elf_getdata(f->verneed, NULL) : NULL;
    GElf_Verneed need;
    GElf_Vernaux aux;

    /* Offsets only go forward: a loop in the file can't keep us. */
    for (int at = 0; data && gelf_getverneed(data, at, &need);
         at += (int)need.vn_next) {
        int aux_at = at + (int)(need.vn_aux & 0xfffffffu);

        for (unsigned i = 0; i < need.vn_cnt && gelf_getvernaux(data, aux_at, &aux);
             i++) {
            if ((aux.vna_other & 0x7fffu) == wanted)
                return elffile_text(f, aux.vna_name);
            if (aux.vna_next == 0 || aux.vna_next > f->len)
                break;
            aux_at += (int)aux.vna_next;
        }
        if (need.vn_next == 0 || need.vn_next > f->len)
            break;
    }
    return NULL;
}

bool elffile_symbol(const struct elffile *f, size_t i, struct elffile_symbol *out)
{
    Elf_Data *data = elf_getdata(f->symbols, NULL);
    Elf_Data *versions = f->versym ? elf_getdata(f->versym, NULL) : NULL;
    GElf_Versym version;

    if (!data || i > INT32_MAX || !gelf_getsym(data, (int)i, &out->sym))
        return false;
    out->name = elffile_text(f, out->sym.st_name);
    out->is_defined = out->sym.st_shndx != SHN_UNDEF;
    out->version = NULL;
    if (!out->is_defined && versions && gelf_getversym(versions, (int)i, &version))
        out->version = version_name(f, version & 0x7fffu);
    return true;
}

bool elffile_segment(const struct elffile *f, size_t i, GElf_Phdr *out)
{
    size_t count;

    return elf_getphdrnum(f->elf, &count) == 0 && i < count &&
           gelf_getphdr(f->elf, (int)i, out);
}

bool elffile_dynamic(const struct elffile *f, size_t i, GElf_Dyn *out)
{
    Elf_Data *data = elf_getdata(f->dynamic, NULL);

    return data && i < f->dynamic_header.sh_size / sizeof(Elf64_Dyn) &&
           i <= INT32_MAX && gelf_getdyn(data, (int)i, out) && out->d_tag != DT_NULL;
}

uint64_t elffile_dynamic_value(const struct elffile *f, int64_t tag)
{
    GElf_Dyn entry;

    for (size_t i = 0; elffile_dynamic(f, i, &entry); i++)
        if (entry.d_tag == tag)
            return entry.d_un.d_val;
    return 0;
}

const char *elffile_text(const struct elffile *f, uint64_t offset)
{
    const char *text = elf_strptr(f->elf, f->symbols_header.sh_link, (size_t)offset);

    return text ? text : "";
}

static const void *note_in(Elf_Data *data, const char *owner, uint32_t type,
                           size_t *len)
{
    size_t at = 0, next, name_at, text_at;
    GElf_Nhdr note;

    for (; data && (next = gelf_getnote(data, at, &note, &name_at, &text_at));
         at = next) {
        const char *bytes = data->d_buf;

        if (note.n_type != type || note.n_namesz != strlen(owner) + 1 ||
            memcmp(bytes + name_at, owner, note.n_namesz) != 0)
            continue;
        *len = note.n_descsz;
        return bytes + text_at;
    }
    return NULL;
}

const void *elffile_note(const struct elffile *f, const char *owner, uint32_t type,
                         size_t *len)
{
    const void *found = NULL;
    GElf_Phdr p;

    for (size_t i = 0; !found && elffile_segment(f, i, &p); i++)
        if (p.p_type == PT_NOTE && p.p_filesz)
            found =
                note_in(elf_getdata_rawchunk(f->elf, (int64_t)p.p_offset, p.p_filesz,
                                             p.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
                        owner, type, len);
    return found;
}

const void *elffile_at(const struct elffile *f, uint64_t address, size_t len)
{
    GElf_Phdr p;

    for (size_t i = 0; elffile_segment(f, i, &p); i++)
        if (p.p_type == PT_LOAD && address >= p.p_vaddr &&
            is_inside(address - p.p_vaddr, len, p.p_filesz))
            return f->bytes + p.p_offset + (address - p.p_vaddr);
    return NULL;
}
