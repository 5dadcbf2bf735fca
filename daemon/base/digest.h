/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4), for remembering what was seen without keeping it: a secret that was used, a file as it was written.
 */
#ifndef EDGEINIT_BASE_DIGEST_H
#define EDGEINIT_BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_TEXT 65 /* 64 small hexadecimal digits and the end */

void digest_text(const void *bytes, size_t length, char text[DIGEST_TEXT]);

#endif
