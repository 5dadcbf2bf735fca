/* SPDX-License-Identifier: Apache-2.0 */
/* What other kinds want of files: adding one whose content they make. */
#ifndef EDGEINIT_HOST_FILE_H
#define EDGEINIT_HOST_FILE_H

#include "host/host.h"

/* A JSON file that must hold exactly `value`, nothing merged; `remount` as for files of the manifest. Takes value. */
void file_add_json(struct host *host, const struct reader *reader, const char *path, bool remount, cJSON *value);

#endif
