/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for the header of this name in systemabilitymgr_samgr, as it is from 4.0 on; see ipc_object_stub.h. */
#ifndef ISERVICE_REGISTRY_STAND_IN_H
#define ISERVICE_REGISTRY_STAND_IN_H

#include "ipc_object_stub.h"

namespace OHOS {

class ISystemAbilityManager {
public:
    virtual ~ISystemAbilityManager() = default;
    virtual int32_t UnloadSystemAbility(int32_t id) = 0;
};

class SystemAbilityManagerClient {
public:
    static SystemAbilityManagerClient &GetInstance();
    sptr<ISystemAbilityManager> GetSystemAbilityManager();
};

} // namespace OHOS

#endif
