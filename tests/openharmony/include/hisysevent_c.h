/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the public header of hiviewdfx_hisysevent (hisysevent:libhisysevent, 3.2 and later): what daemon/ohos/event.c
 * uses of it, with the numbers and the layout of the real one. */
#ifndef EDGEINIT_TESTS_HISYSEVENT_C_H
#define EDGEINIT_TESTS_HISYSEVENT_C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum HiSysEventParamType { HISYSEVENT_INT64 = 8, HISYSEVENT_STRING = 12 } HiSysEventParamType;
typedef enum HiSysEventEventType {
    HISYSEVENT_FAULT = 1,
    HISYSEVENT_STATISTIC = 2,
    HISYSEVENT_SECURITY = 3,
    HISYSEVENT_BEHAVIOR = 4
} HiSysEventEventType;

typedef union HiSysEventParamValue {
    int64_t i64;
    char *s;
    void *array;
} HiSysEventParamValue;

typedef struct HiSysEventParam {
    char name[49];
    HiSysEventParamType t;
    HiSysEventParamValue v;
    size_t arraySize;
} HiSysEventParam;

#define OH_HiSysEvent_Write(domain, name, type, params, size) \
    HiSysEvent_Write(__func__, __LINE__, domain, name, type, params, size)

/* 0: written; more: written, but something was wrong with it; less: refused. */
int HiSysEvent_Write(const char *func, int64_t number, const char *domain, const char *name, HiSysEventEventType type,
                     const HiSysEventParam params[], size_t size);

#endif
