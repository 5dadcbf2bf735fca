/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file of the manifest asks for, and what it must hold, given what it holds (file_content.c: JSON merged, lines completed,
 * whole texts). A content that is right already comes out as it is, byte for byte, so that comparing bytes is all that a probe needs.
 */
#ifndef EDGEINIT_HOST_FILE_SPEC_H
#define EDGEINIT_HOST_FILE_SPEC_H

#include "base/json.h"
#include "base/text.h"
#include "host/good.h"
#include "host/host.h"
#include "host/owner.h"

#define CONTENT_LARGEST GOOD_LARGEST

enum file_form { FORM_JSON, FORM_LINES, FORM_TEXT, FORM_YAML, FORM_WRITE, FORM_JSON_WHOLE, FORMS };
enum file_when { WHEN_ALWAYS, WHEN_ABSENT };

struct file_spec {
    const char *path;
    struct ownership ownership;
    int form; /* enum file_form; -1 while parsing: none yet */
    int when; /* enum file_when */
    bool remount;
    const cJSON *value; /* of the key that names the form; points into the manifest, or to `owned` */
    cJSON *owned;
};

/* What a file holds, ended by a NUL. */
struct file_content {
    char *data; /* NULL: it does not exist */
    size_t length;
};

/* What the file must hold. *broken: it held something that is not JSON. */
void file_content_make(const struct file_spec *spec, const struct host *host, const struct file_content *current,
                       struct text *out, bool *broken);

/* Nothing that is worth keeping aside: file systems leave a torn file empty, or full of zeros. */
bool file_content_is_blank(const char *data, size_t length);

/* Is that what a kernel file shows when `wanted` was written to it? It prints a newline that nobody wrote, and bytes where "512M"
 * was written. */
bool file_content_is_same(const char *current, const char *wanted);

#endif
