/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this file be executed here? What execve(2) looks at: the ELF header (class, byte order, machine), the interpreter that
 * it names, or the "#!" of a script. An image whose libraries are 32-bit under a 64-bit kernel is the rule on OpenHarmony's
 * rk3568: a dynamic 64-bit program finds no interpreter there, and the kernel says "No such file or directory".
 */
#ifndef EDGEINIT_DOCTOR_PROGRAM_H
#define EDGEINIT_DOCTOR_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum program_kind { PROGRAM_ELF, PROGRAM_SCRIPT, PROGRAM_NEITHER };

struct program_head {
    enum program_kind kind;
    unsigned bits; /* 32 or 64 */
    bool is_little_endian;
    unsigned machine;   /* e_machine */
    size_t table;       /* offset of the program headers */
    size_t table_count; /* their number */
    size_t table_entry; /* size of one */
    char script[256];   /* the interpreter of a script */
};

/* Read the head of a file from its first bytes. */
void program_read_head(const unsigned char *bytes, size_t length, struct program_head *head);

/* Where in the file the path of its interpreter stands, from its program headers; false for a static program. */
bool program_find_interpreter(const struct program_head *head, const unsigned char *table, size_t length,
                              size_t *offset, size_t *size);

/* Does a kernel whose uname(2) says `system` run it? 1 yes, 0 no, -1 not known. */
int program_runs_on(const struct program_head *head, const char *system);

/* "64-bit ARM" for messages. */
const char *program_machine(const struct program_head *head, char text[48]);

/* All of that for a file. False: it cannot run, or (*unknown) that cannot be told; `why` says it in either case, and what
 * it is if it can. */
bool program_check(const char *path, char why[160], bool *unknown);

#endif
