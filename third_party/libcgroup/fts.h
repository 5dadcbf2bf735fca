/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for <fts.h>, which musl does not have, in the static build of libcgroup and nowhere else: as much of fts(3) as
 * that library uses. A walk over directories, depth first: a directory is told before its entries (FTS_D) and after them
 * (FTS_DP). Entries come in the order of readdir(3). Always without chdir; FTS_LOGICAL follows no link either: there are
 * none in a cgroup file system.
 */
#ifndef EDGEINIT_STATIC_FTS_H
#define EDGEINIT_STATIC_FTS_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#define FTS_LOGICAL 0x02
#define FTS_NOCHDIR 0x04
#define FTS_NOSTAT 0x08
#define FTS_PHYSICAL 0x10

#define FTS_D 1       /* a directory, before its entries */
#define FTS_DC 2      /* never told */
#define FTS_DEFAULT 3 /* neither directory, file nor link */
#define FTS_DNR 4     /* a directory that cannot be read */
#define FTS_DP 6      /* a directory, after its entries */
#define FTS_ERR 7     /* see fts_errno */
#define FTS_F 8       /* a file */
#define FTS_NS 10     /* stat failed: see fts_errno */
#define FTS_NSOK 11   /* never told */
#define FTS_SL 12     /* a symbolic link */
#define FTS_SLNONE 13 /* never told */

typedef struct fts_entry {
    struct fts_entry *fts_parent; /* of a root: an entry of level -1 without a name */
    char *fts_path;               /* from the root that was asked for */
    char *fts_accpath;            /* the same */
    char *fts_name;               /* the last part of it */
    unsigned short fts_namelen;
    unsigned short fts_info;
    short fts_level; /* of a root: 0 */
    int fts_errno;
    struct stat *fts_statp;
    struct stat status;
    void *directory; /* DIR, while its entries are read */
} FTSENT;

typedef struct {
    char *fts_path; /* of the entry that was told last */
    char **roots;
    size_t next_root;
    FTSENT top; /* the parent of the roots */
    FTSENT *current;
} FTS;

FTS *fts_open(char *const *paths, int options, int (*compare)(const FTSENT **, const FTSENT **));
FTSENT *fts_read(FTS *walk);
int fts_close(FTS *walk);

#endif
