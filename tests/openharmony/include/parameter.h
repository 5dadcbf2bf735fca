/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the public header of startup_init (init:libbegetutil, 3.2 and later): what daemon/ohos/parameter.c uses of it. */
#ifndef EDGEINIT_TESTS_PARAMETER_H
#define EDGEINIT_TESTS_PARAMETER_H

/* 0: set; less: refused. */
int SetParameter(const char *key, const char *value);

#endif
