/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a power cut leaves of edgecore's own files, and edgecore ends at: an empty or torn cpu_manager_state (or one of another
 * policy), a torn checkpoint of dockershim's, a database that is none. Each is put aside, and edgecore makes it anew. The judges
 * of the contents are pure.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_TIDY_H
#define EDGEINIT_EDGE_EDGECORE_TIDY_H

#include "base/json.h"

/* Does the kubelet's checkpoint have its form? `policy`: the one that is configured; NULL: any. *why says what is wrong. */
bool edgecore_checkpoint_is_good(const char *text, size_t length, const char *policy, const char **why);

/* Is this the head (of 100 bytes, or less if the file is shorter) of an SQLite database of this size? An empty file is one. With a
 * journal beside it, SQLite itself knows what is missing. */
bool edgecore_database_is_good(const unsigned char *head, size_t length, long long size, bool journal,
                               const char **why);

/* Look at all of them, where this configuration has them. What cannot be put aside is logged. */
void edgecore_tidy(const cJSON *config);

#endif
