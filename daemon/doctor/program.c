/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/util.h"

#define HEAD_SIZE 512
#define MOST_HEADERS 64
#define DEEPEST_SCRIPT 5 /* interpreters that are scripts themselves; the kernel's own limit */

static const struct {
    unsigned machine;
    const char *name;
} machine_names[] = {
    {EM_386, "x86"}, {EM_X86_64, "x86"}, {EM_ARM, "ARM"}, {EM_AARCH64, "ARM"}, {EM_RISCV, "RISC-V"}, {EM_MIPS, "MIPS"},
};

/* What runs under which kernel. A 64-bit kernel runs the 32-bit programs of its family if it was built to. */
static const struct {
    const char *system;
    unsigned machine;
    unsigned bits;
} runs[] = {
    {"x86_64", EM_X86_64, 64}, {"x86_64", EM_X86_64, 32},   {"x86_64", EM_386, 32},  {"i686", EM_386, 32},
    {"i586", EM_386, 32},      {"aarch64", EM_AARCH64, 64}, {"aarch64", EM_ARM, 32}, {"armv8l", EM_AARCH64, 64},
    {"armv8l", EM_ARM, 32},    {"armv7l", EM_ARM, 32},      {"armv6l", EM_ARM, 32},  {"riscv64", EM_RISCV, 64},
};

/* A number of the file, in its byte order. */
static size_t number(const struct program_head *head, const unsigned char *bytes, size_t size)
{
    size_t value = 0;

    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[head->is_little_endian ? size - 1 - i : i];
    }
    return value;
}

static void read_script(const char *line, size_t length, struct program_head *head)
{
    size_t at = 2;
    size_t end;

    while (at < length && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    for (end = at; end < length && strchr(" \t\r\n", line[end]) == NULL; end++) {
    }
    snprintf(head->script, sizeof(head->script), "%.*s", (int)(end - at), line + at);
}

void program_read_head(const unsigned char *bytes, size_t length, struct program_head *head)
{
    bool is64;

    *head = (struct program_head){.kind = PROGRAM_NEITHER};
    if (length >= 2 && bytes[0] == '#' && bytes[1] == '!') {
        head->kind = PROGRAM_SCRIPT;
        read_script((const char *)bytes, length, head);
        return;
    }
    if (length < sizeof(Elf32_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) != 0) {
        return;
    }
    is64 = bytes[EI_CLASS] == ELFCLASS64;
    if ((!is64 && bytes[EI_CLASS] != ELFCLASS32) || (is64 && length < sizeof(Elf64_Ehdr))) {
        return;
    }
    head->kind = PROGRAM_ELF;
    head->bits = is64 ? 64 : 32;
    head->is_little_endian = bytes[EI_DATA] == ELFDATA2LSB;
    head->machine = (unsigned)number(head, bytes + offsetof(Elf32_Ehdr, e_machine), 2);
    head->table = is64 ? number(head, bytes + offsetof(Elf64_Ehdr, e_phoff), 8)
                       : number(head, bytes + offsetof(Elf32_Ehdr, e_phoff), 4);
    head->table_entry =
        number(head, bytes + (is64 ? offsetof(Elf64_Ehdr, e_phentsize) : offsetof(Elf32_Ehdr, e_phentsize)), 2);
    head->table_count = number(head, bytes + (is64 ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)), 2);
}

bool program_find_interpreter(const struct program_head *head, const unsigned char *table, size_t length,
                              size_t *offset, size_t *size)
{
    bool is64 = head->bits == 64;
    size_t least = is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

    for (size_t i = 0; head->table_entry >= least && i < head->table_count && (i + 1) * head->table_entry <= length;
         i++) {
        const unsigned char *entry = table + i * head->table_entry;

        if (number(head, entry, 4) == PT_INTERP) {
            *offset = is64 ? number(head, entry + offsetof(Elf64_Phdr, p_offset), 8)
                           : number(head, entry + offsetof(Elf32_Phdr, p_offset), 4);
            *size = is64 ? number(head, entry + offsetof(Elf64_Phdr, p_filesz), 8)
                         : number(head, entry + offsetof(Elf32_Phdr, p_filesz), 4);
            return true;
        }
    }
    return false;
}

int program_runs_on(const struct program_head *head, const char *system)
{
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
        if (streq(runs[i].system, system)) {
            known = true;
            if (runs[i].machine == head->machine && runs[i].bits == head->bits && head->is_little_endian) {
                return 1;
            }
        }
    }
    return known ? 0 : -1;
}

const char *program_machine(const struct program_head *head, char text[48])
{
    for (size_t i = 0; i < ARRAY_SIZE(machine_names); i++) {
        if (machine_names[i].machine == head->machine) {
            snprintf(text, 48, "%u-bit %s%s", head->bits, machine_names[i].name,
                     head->is_little_endian ? "" : " (big endian)");
            return text;
        }
    }
    snprintf(text, 48, "%u-bit machine %u", head->bits, head->machine);
    return text;
}

static bool check(const char *path, unsigned depth, char why[160], bool *unknown);

static bool check_elf(int fd, const struct program_head *head, char why[160], bool *unknown)
{
    unsigned char table[MOST_HEADERS * sizeof(Elf64_Phdr)];
    char interpreter[256] = "";
    char machine[48];
    struct utsname system;
    size_t offset = 0;
    size_t size = 0;
    ssize_t length;
    int answer;

    uname(&system);
    answer = program_runs_on(head, system.machine);
    program_machine(head, machine);
    if (answer <= 0) {
        *unknown = answer < 0;
        snprintf(why, 160, "it is for %s, and this board is %s", machine, system.machine);
        return false;
    }
    length = pread(fd, table, sizeof(table), (off_t)head->table);
    if (length <= 0 || !program_find_interpreter(head, table, (size_t)length, &offset, &size)) {
        snprintf(why, 160, "%s, static", machine);
        return true;
    }
    length = pread(fd, interpreter, size < sizeof(interpreter) ? size : sizeof(interpreter) - 1, (off_t)offset);
    if (length <= 0 || access(interpreter, X_OK) != 0) {
        snprintf(why, 160, "%.40s, and its interpreter %.80s is not there", machine, interpreter);
        return false;
    }
    snprintf(why, 160, "%s, interpreter %.80s", machine, interpreter);
    return true;
}

static bool check_script(const struct program_head *head, unsigned depth, char why[160], bool *unknown)
{
    char inner[160];

    if (depth == DEEPEST_SCRIPT || head->script[0] != '/') {
        snprintf(why, 160, "it is a script without a usable interpreter");
        return false;
    }
    if (!check(head->script, depth + 1, inner, unknown)) {
        snprintf(why, 160, "it is a script for %.50s: %.80s", head->script, inner);
        return false;
    }
    snprintf(why, 160, "a script for %.100s", head->script);
    return true;
}

static bool check(const char *path, unsigned depth, char why[160], bool *unknown)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    unsigned char bytes[HEAD_SIZE] = {0};
    struct program_head head;
    struct stat status;
    ssize_t length;

    if (fd < 0 || fstat(fd, &status) != 0) {
        *unknown = errno == EACCES;
        snprintf(why, 160, "%s", errno == ENOENT ? "it is not there" : strerror(errno));
        return false;
    }
    if (!S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0) {
        snprintf(why, 160, "%s", S_ISREG(status.st_mode) ? "it is not executable (chmod 0755)" : "it is no file");
        return false;
    }
    length = read(fd, bytes, sizeof(bytes));
    program_read_head(bytes, length < 0 ? 0 : (size_t)length, &head);
    switch (head.kind) {
        case PROGRAM_ELF:
            return check_elf(fd, &head, why, unknown);
        case PROGRAM_SCRIPT:
            return check_script(&head, depth, why, unknown);
        default:
            snprintf(why, 160, "%s", length == 0 ? "it is empty" : "it is neither an ELF program nor a script");
            return false;
    }
}

bool program_check(const char *path, char why[160], bool *unknown)
{
    *unknown = false;
    return check(path, 0, why, unknown);
}
