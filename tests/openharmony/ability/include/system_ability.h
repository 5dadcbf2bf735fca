/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for the header of this name in systemabilitymgr_safwk; see ipc_object_stub.h. */
#ifndef SYSTEM_ABILITY_STAND_IN_H
#define SYSTEM_ABILITY_STAND_IN_H

#include "ipc_object_stub.h"
#if __has_include("system_ability_ondemand_reason.h")
#include "system_ability_ondemand_reason.h"
#endif

#define DECLARE_SYSTEM_ABILITY(name)    \
public:                                 \
    std::string GetClassName() override \
    {                                   \
        return #name;                   \
    }

/* Before main(), when the library is loaded. */
#define REGISTER_SYSTEM_ABILITY_BY_ID(name, id, run_on_create) \
    const bool name##Registered = SystemAbility::MakeAndRegisterAbility(new name(id, run_on_create));

namespace OHOS {

class Rig;

class SystemAbility {
public:
    static bool MakeAndRegisterAbility(SystemAbility *ability);
    virtual std::string GetClassName() = 0;

protected:
    SystemAbility(int32_t id, bool run_on_create) : id_(id), run_on_create_(run_on_create)
    {
    }
    virtual ~SystemAbility() = default;
    virtual void OnStart()
    {
    }
    virtual void OnStop()
    {
    }
#if __has_include("system_ability_ondemand_reason.h")
    virtual void OnStart(const SystemAbilityOnDemandReason &reason)
    {
        (void)reason;
        OnStart();
    }
    virtual int32_t OnIdle(const SystemAbilityOnDemandReason &reason)
    {
        (void)reason;
        return 0;
    }
#endif
    bool Publish(sptr<IRemoteObject> object);

private:
    friend class Rig;
    int32_t id_;
    bool run_on_create_;
    sptr<IRemoteObject> published_;
};

} // namespace OHOS

#endif
