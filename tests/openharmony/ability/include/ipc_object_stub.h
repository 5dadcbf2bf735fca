/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for the header of this name in OpenHarmony's communication_ipc and what it brings along, in our own words: the
 * declarations that sa/ uses, and no others. That the real ones fit is tried by build/check-ability.
 */
#ifndef IPC_OBJECT_STUB_STAND_IN_H
#define IPC_OBJECT_STUB_STAND_IN_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace OHOS {

/* Here nothing is counted: what is pointed to belongs to the rig. */
template <typename T> class sptr {
public:
    sptr() = default;
    sptr(T *pointer) : pointer_(pointer)
    {
    }
    T *operator->() const
    {
        return pointer_;
    }
    T *GetRefPtr() const
    {
        return pointer_;
    }
    bool operator!=(std::nullptr_t) const
    {
        return pointer_ != nullptr;
    }

private:
    T *pointer_ = nullptr;
};

class IRemoteObject {
public:
    virtual ~IRemoteObject() = default;
    virtual int Dump(int fd, const std::vector<std::u16string> &args) = 0;
};

class IPCObjectStub : public IRemoteObject {
public:
    explicit IPCObjectStub(const std::u16string &descriptor)
    {
        (void)descriptor;
    }
    int Dump(int fd, const std::vector<std::u16string> &args) override
    {
        (void)fd;
        return args.empty() ? 0 : -1;
    }
};

} // namespace OHOS

#endif
