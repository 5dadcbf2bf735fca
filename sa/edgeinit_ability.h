/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system ability 126318: it answers "hidumper -s 126318 -a status", and does nothing else. It has a process of its own
 * (sa_main, edgeinit_sa.cfg) without any privilege, which exists while somebody asks: started by hand or by samgr, it is
 * published at once, and gives itself back a minute after the last question (from OpenHarmony 4.0 on, where samgr can unload).
 *
 * It has no interface over IPC: what hidumper calls is the dump that every remote object has. ipc lets root, shell and hidumper
 * alone do that. All that is said is made by dump.c; here is what needs OpenHarmony.
 */
#ifndef EDGEINIT_SA_EDGEINIT_ABILITY_H
#define EDGEINIT_SA_EDGEINIT_ABILITY_H

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "ipc_object_stub.h"
#include "system_ability.h"

/* samgr unloads from 4.0 on, and this header of safwk came with it. */
#if __has_include("system_ability_ondemand_reason.h")
#define EDGEINIT_SA_UNLOADS 1
#else
#define EDGEINIT_SA_UNLOADS 0
#endif

namespace OHOS {
namespace Edgeinit {

/* Also in 126318.json, 126318.xml and sepolicy's service_contexts; of the vendors' range of samgr's list. */
constexpr int32_t EDGEINIT_SA_ID = 0x0001ED6E;

class EdgeinitAbility : public SystemAbility, public IPCObjectStub {
    DECLARE_SYSTEM_ABILITY(EdgeinitAbility);

public:
    EdgeinitAbility(int32_t systemAbilityId, bool runOnCreate);

    /* What hidumper calls; the descriptor is closed by ipc. Always 0: what went wrong is in the text. */
    int Dump(int fd, const std::vector<std::u16string> &args) override;

protected:
    using SystemAbility::OnStart; // 4.0 and later have another one, with a reason
    void OnStart() override;
#if EDGEINIT_SA_UNLOADS
    /* samgr asks whether it may unload us: in so many milliseconds, 0: now. */
    int32_t OnIdle(const SystemAbilityOnDemandReason &reason) override;
#endif

private:
    void AskToBeUnloaded();

    std::mutex one_;                   // one question at a time: each costs the daemon a process
    std::atomic<int64_t> lastUsed_{0}; // milliseconds of the steady clock
};

} // namespace Edgeinit
} // namespace OHOS

#endif
