/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/profile.h"

#include <assert.h>

#include "base/util.h"
#include "edge/dockerd.h"
#include "edge/edgecore_judge.h"
#include "edge/edgecore_prepare.h"

/* In the order of enum service_profile, after "none". */
static const struct profile profiles[] = {
    {.name = "dockerd", .prepare = dockerd_prepare, .judge = dockerd_judge, .settle = dockerd_settle},
    {.name = "edgecore",
     .reads_edge = true,
     .prepare = edgecore_prepare,
     .judge = edgecore_judge,
     .settle = edgecore_settle},
};
static_assert(ARRAY_SIZE(profiles) == PROFILES - 1, "a row for each profile that a manifest may name");

const struct profile *profile_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        if (streq(profiles[i].name, name)) {
            return &profiles[i];
        }
    }
    return NULL;
}
