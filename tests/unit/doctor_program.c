/* SPDX-License-Identifier: Apache-2.0 */
/* Can this file be executed here? */
#include "doctor/program.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/util.h"
#include "test.h"

static size_t put(unsigned char *bytes, size_t at, size_t value, size_t size, bool little)
{
    for (size_t i = 0; i < size; i++) {
        bytes[at + (little ? i : size - 1 - i)] = (unsigned char)(value >> (8 * i));
    }
    return at + size;
}

/* A program for a machine, with one program header: the interpreter's path behind it, or a static one. */
static size_t make_elf(unsigned char *bytes, unsigned bits, bool little, unsigned machine, const char *interpreter)
{
    bool is64 = bits == 64;
    size_t header = is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    size_t entry = is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    size_t length = header + entry;

    memset(bytes, 0, 512);
    put(bytes, 0, 0x464c457f, 4, true); /* "\x7fELF" */
    bytes[EI_CLASS] = is64 ? ELFCLASS64 : ELFCLASS32;
    bytes[EI_DATA] = little ? ELFDATA2LSB : ELFDATA2MSB;
    put(bytes, offsetof(Elf32_Ehdr, e_type), ET_EXEC, 2, little);
    put(bytes, offsetof(Elf32_Ehdr, e_machine), machine, 2, little);
    put(bytes, is64 ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff), header, is64 ? 8 : 4, little);
    put(bytes, is64 ? offsetof(Elf64_Ehdr, e_phentsize) : offsetof(Elf32_Ehdr, e_phentsize), entry, 2, little);
    put(bytes, is64 ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum), 1, 2, little);
    put(bytes, header, interpreter == NULL ? PT_LOAD : PT_INTERP, 4, little);
    if (interpreter != NULL) {
        size_t size = strlen(interpreter) + 1;

        put(bytes, header + (is64 ? offsetof(Elf64_Phdr, p_offset) : offsetof(Elf32_Phdr, p_offset)), length,
            is64 ? 8 : 4, little);
        put(bytes, header + (is64 ? offsetof(Elf64_Phdr, p_filesz) : offsetof(Elf32_Phdr, p_filesz)), size,
            is64 ? 8 : 4, little);
        memcpy(bytes + length, interpreter, size);
        length += size;
    }
    return length;
}

static void heads(void **state)
{
    static const struct {
        unsigned bits;
        bool little;
        unsigned machine;
        const char *name;
    } cases[] = {
        {64, true, EM_AARCH64, "64-bit ARM"},  {32, true, EM_ARM, "32-bit ARM"},
        {64, true, EM_X86_64, "64-bit x86"},   {32, true, EM_386, "32-bit x86"},
        {64, true, EM_RISCV, "64-bit RISC-V"}, {32, false, EM_MIPS, "32-bit MIPS (big endian)"},
        {64, true, 258, "64-bit machine 258"},
    };
    unsigned char bytes[512];
    struct program_head head;
    char text[48];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t length = make_elf(bytes, cases[i].bits, cases[i].little, cases[i].machine, "/lib/ld.so");
        size_t offset = 0;
        size_t size = 0;

        program_read_head(bytes, length, &head);
        assert_int_equal(head.kind, PROGRAM_ELF);
        assert_int_equal(head.bits, cases[i].bits);
        assert_int_equal(head.machine, cases[i].machine);
        assert_string_equal(program_machine(&head, text), cases[i].name);
        assert_true(program_find_interpreter(&head, bytes + head.table, length - head.table, &offset, &size));
        assert_string_equal((const char *)bytes + offset, "/lib/ld.so");
        assert_int_equal(size, strlen("/lib/ld.so") + 1);
        /* Half a table is none. */
        assert_false(program_find_interpreter(&head, bytes + head.table, head.table_entry - 1, &offset, &size));
    }
}

static void what_is_no_program(void **state)
{
    unsigned char bytes[512];
    struct program_head head;
    size_t length = make_elf(bytes, 64, true, EM_AARCH64, NULL);
    size_t offset = 0;
    size_t size = 0;

    (void)state;
    program_read_head(bytes, length, &head);
    assert_false(program_find_interpreter(&head, bytes + head.table, length - head.table, &offset, &size));
    for (size_t cut = 0; cut < sizeof(Elf64_Ehdr); cut++) {
        program_read_head(bytes, cut, &head);
        assert_int_equal(head.kind, PROGRAM_NEITHER);
    }
    bytes[EI_CLASS] = 3;
    program_read_head(bytes, length, &head);
    assert_int_equal(head.kind, PROGRAM_NEITHER);
    program_read_head((const unsigned char *)"hello world", 11, &head);
    assert_int_equal(head.kind, PROGRAM_NEITHER);
    program_read_head((const unsigned char *)"#! /bin/sh -e\necho", 18, &head);
    assert_int_equal(head.kind, PROGRAM_SCRIPT);
    assert_string_equal(head.script, "/bin/sh");
    program_read_head((const unsigned char *)"#!", 2, &head);
    assert_string_equal(head.script, "");
}

static void what_runs_where(void **state)
{
    static const struct {
        const char *system;
        unsigned machine;
        unsigned bits;
        int answer;
    } cases[] = {
        {"aarch64", EM_AARCH64, 64, 1}, {"aarch64", EM_ARM, 32, 1},    {"aarch64", EM_X86_64, 64, 0},
        {"armv7l", EM_ARM, 32, 1},      {"armv7l", EM_AARCH64, 64, 0}, {"armv8l", EM_AARCH64, 64, 1},
        {"x86_64", EM_X86_64, 64, 1},   {"x86_64", EM_386, 32, 1},     {"x86_64", EM_ARM, 32, 0},
        {"i686", EM_X86_64, 64, 0},     {"riscv64", EM_RISCV, 64, 1},  {"s390x", EM_S390, 64, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct program_head head = {
            .kind = PROGRAM_ELF, .bits = cases[i].bits, .machine = cases[i].machine, .is_little_endian = true};

        assert_int_equal(program_runs_on(&head, cases[i].system), cases[i].answer);
    }
}

static void write_program(const char *path, const void *bytes, size_t length, mode_t mode)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
}

static void check_file(const char *path, bool good, const char *wanted)
{
    bool unknown = true;
    char why[160];

    assert_int_equal(program_check(path, why, &unknown), good);
    assert_false(unknown);
    if (strstr(why, wanted) == NULL) {
        fail_msg("%s: %s", path, why);
    }
}

static void files(void **state)
{
    unsigned char bytes[512];
    size_t length = make_elf(bytes, 32, false, EM_MIPS, NULL);
    struct utsname system;

    (void)state;
    uname(&system);
    write_program("mips", bytes, length, 0755);
    check_file("mips", false, "it is for 32-bit MIPS (big endian), and this board is");
    write_program("plain", "hello", 5, 0755);
    check_file("plain", false, "neither an ELF program nor a script");
    write_program("empty", "", 0, 0755);
    check_file("empty", false, "it is empty");
    write_program("data", "x", 1, 0644);
    check_file("data", false, "not executable");
    check_file("/", false, "it is no file");
    check_file("absent", false, "it is not there");
    write_program("script", "#!/bin/sh\n", 10, 0755);
    check_file("script", true, "a script for /bin/sh");
    write_program("lost", "#!/no/such/sh\n", 14, 0755);
    check_file("lost", false, "it is a script for /no/such/sh: it is not there");
    write_program("relative", "#!sh\n", 5, 0755);
    check_file("relative", false, "without a usable interpreter");
    check_file("/proc/self/exe", true, "-bit");
    if (streq(system.machine, "x86_64")) {
        length = make_elf(bytes, 64, true, EM_X86_64, "/lib/ld-none.so");
        write_program("stranded", bytes, length, 0755);
        check_file("stranded", false, "64-bit x86, and its interpreter /lib/ld-none.so is not there");
        length = make_elf(bytes, 64, true, EM_X86_64, NULL);
        write_program("static", bytes, length, 0755);
        check_file("static", true, "64-bit x86, static");
    }
}

/* A script whose interpreter is itself. */
static void circle(void **state)
{
    CLEANUP_FREE char *text = xasprintf("#!%s/circle\n", (const char *)*state);
    bool unknown = false;
    char why[160];

    write_program("circle", text, strlen(text), 0755);
    assert_false(program_check("circle", why, &unknown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(heads), cmocka_unit_test(what_is_no_program),
                                       cmocka_unit_test(what_runs_where), test_in_directory(files),
                                       test_in_directory(circle)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
