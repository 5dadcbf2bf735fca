/* SPDX-License-Identifier: Apache-2.0 */
/* What libnl's configure would find out, as far as the files in BUILD.gn ask: Linux with musl or glibc. */
#ifndef EDGEINIT_LIBNL_DEFS_H
#define EDGEINIT_LIBNL_DEFS_H

/* edgeinit has one thread, and no lock of libnl's is worth its memory. */
#define DISABLE_PTHREADS 1
#define HAVE_STRERROR_L 1

#endif
