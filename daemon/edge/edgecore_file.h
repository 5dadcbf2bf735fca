/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edgecore's configuration on the disk. The manifest is the only truth: the file is written whole, mode 0600, whenever it
 * differs from what the manifest makes of it; so a torn one mends itself, and nothing has to read YAML.
 *
 * Others write it too. A person: what is lost by writing anew is kept beside it as FILE.edited, without any token, and
 * named in the log. edgecore itself, from 1.13 on, when it has used the token, and from 1.21 on at a start with another version:
 * that is as the manifest says, plus all the defaults, and nobody misses it. "config" in the state's directory holds the digest
 * of what was written last, which tells a change of the manifest from a change of the file.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_FILE_H
#define EDGEINIT_EDGE_EDGECORE_FILE_H

#include "base/error.h"
#include "base/text.h"

/* `directory`: edgeinit's state for edgecore. */
int edgecore_file_write(const char *path, const struct text *wanted, const char *directory, struct error *err);

/* Write it anew without its token, if it is what was written here last: edgecore has read it by now. */
int edgecore_file_forget_token(const char *path, const char *directory, struct error *err);

#endif
