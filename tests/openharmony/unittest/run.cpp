/* SPDX-License-Identifier: Apache-2.0 */
/* Each unit test's main() under a name of its own, as one case of gtest. */
#include <gtest/gtest.h>

#define UNIT(name)                          \
    extern "C" int unit_##name##_main();    \
    TEST(EdgeinitUnit, name)                \
    {                                       \
        EXPECT_EQ(unit_##name##_main(), 0); \
    }

UNIT(critical)
UNIT(digest)
UNIT(doctor_judge)
UNIT(edgecore_judge)
UNIT(json)
UNIT(judged)
UNIT(label)
UNIT(loop)
UNIT(loss)
UNIT(machine)
UNIT(mountinfo)
UNIT(node_line)
UNIT(notify)
UNIT(plan)
UNIT(policy)
UNIT(reader)
UNIT(record)
UNIT(resume)
UNIT(scan)
UNIT(service)
UNIT(spec)
UNIT(stat_plan)
UNIT(statistics)
UNIT(target)
UNIT(text)
UNIT(timeline_show)
UNIT(value)

extern "C" int unit_fails_main();
TEST(EdgeinitUnit, what_must_fail)
{
    EXPECT_EQ(unit_fails_main(), 6);
}
