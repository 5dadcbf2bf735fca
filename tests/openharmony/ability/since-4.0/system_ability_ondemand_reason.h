/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for the header of this name in systemabilitymgr_safwk, which is there from 4.0 on; see ipc_object_stub.h. */
#ifndef SYSTEM_ABILITY_ONDEMAND_REASON_STAND_IN_H
#define SYSTEM_ABILITY_ONDEMAND_REASON_STAND_IN_H

namespace OHOS {

class SystemAbilityOnDemandReason {};

} // namespace OHOS

#endif
