/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block devices by path, UUID or label. Boards have no udev and so no /dev/disk/by-*: the superblocks of all block
 * devices below /dev/block and /dev are read with libblkid's low-level probe, which writes no cache to flash. A device
 * that is not there yet is waited for by watching those directories, never by asking again and again.
 */
#ifndef EDGEINIT_HOST_DEVICE_H
#define EDGEINIT_HOST_DEVICE_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

/* The node that `source` means: the path of a block device, "UUID=…" or "LABEL=…". A
 * type (may be NULL) makes the search for a tag faster. Not there: ERROR_TIMEOUT with ENODEV. Reads from devices for
 * tags, so it may block with a broken one. */
int device_find(const char *source, const char *type, char node[PATH_MAX], struct error *err);

/* Is `node`, which is mounted as `type`, what `source` means? For a tag this reads the superblock. */
bool device_matches(const char *source, const char *node, const char *type);

/* The type of the file system on a node as blkid names it ("f2fs"), "" if none is recognised. */
void device_type(const char *node, char type[64]);

/* mount(2) of it as `type` (NULL: any) failed with err->errnum: look at what it holds, and say that. */
void device_explain(const char *node, const char *type, struct error *err);

/* An inotify descriptor that becomes readable when a node may have appeared. */
int device_watch(const char *source, struct error *err);

#endif
