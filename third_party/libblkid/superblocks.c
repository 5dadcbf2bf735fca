/* SPDX-License-Identifier: Apache-2.0 */
/* libblkid's file of this name, as BUILD.gn has written it: with a shorter table. */
#include "superblocks-wanted.c"
