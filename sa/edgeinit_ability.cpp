/* SPDX-License-Identifier: Apache-2.0 */
#include "edgeinit_ability.h"

#include <chrono>

#include "dump.h"
#if EDGEINIT_SA_UNLOADS
#include "iservice_registry.h"
#endif

#ifndef EDGEINIT_SA_RUN_DIR
#define EDGEINIT_SA_RUN_DIR "/dev/edgeinit" // where "edgeinit daemon" has its socket on OpenHarmony
#endif

namespace OHOS {
namespace Edgeinit {
namespace {

constexpr size_t MOST_WORDS = 8;    // more are none that we know
constexpr size_t LONGEST_WORD = 64; // likewise

#if EDGEINIT_SA_UNLOADS
constexpr int64_t IDLE_MILLISECONDS = 60000;
#endif

int64_t NowInMilliseconds()
{
    auto now = std::chrono::steady_clock::now().time_since_epoch();

    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/* hidumper hands on what follows -a as one string or as several: words are what spaces part. What is no ASCII is no word of ours. */
std::vector<std::string> WordsOf(const std::vector<std::u16string> &args)
{
    std::vector<std::string> words;

    for (const auto &arg : args) {
        bool inWord = false;

        for (char16_t unit : arg) {
            if (unit == u' ' || unit == u'\t' || unit == u'\n') {
                inWord = false;
                continue;
            }
            if (!inWord && words.size() == MOST_WORDS) {
                return words;
            }
            if (!inWord) {
                words.emplace_back();
                inWord = true;
            }
            if (words.back().size() < LONGEST_WORD) {
                words.back().push_back(unit > u' ' && unit < 0x7f ? static_cast<char>(unit) : '?');
            }
        }
    }
    return words;
}

} // namespace

// NOLINTNEXTLINE(cert-err58-cpp): this is how sa_main finds what it has loaded
REGISTER_SYSTEM_ABILITY_BY_ID(EdgeinitAbility, EDGEINIT_SA_ID, true)

EdgeinitAbility::EdgeinitAbility(int32_t systemAbilityId, bool runOnCreate)
    : SystemAbility(systemAbilityId, runOnCreate), IPCObjectStub(u"edgeinit.EdgeinitAbility")
{
}

void EdgeinitAbility::OnStart()
{
    lastUsed_ = NowInMilliseconds();
    Publish(this); // what fails in it is said by safwk, and by hidumper, which finds nobody
}

int EdgeinitAbility::Dump(int fd, const std::vector<std::u16string> &args)
{
    std::unique_lock<std::mutex> alone(one_, std::try_to_lock);
    std::vector<const char *> pointers;
    std::vector<std::string> words = WordsOf(args);

    if (!alone.owns_lock()) {
        dump_refuse(fd, "another dump is under way; ask again");
        return 0;
    }
    lastUsed_ = NowInMilliseconds();
    pointers.reserve(words.size());
    for (const auto &word : words) {
        pointers.push_back(word.c_str());
    }
    dump_answer(fd, EDGEINIT_SA_RUN_DIR, pointers.data(), pointers.size());
    lastUsed_ = NowInMilliseconds();
    AskToBeUnloaded();
    return 0;
}

#if EDGEINIT_SA_UNLOADS
/* Answered by samgr with a call of OnIdle() at once, and again when the time that this returned is over. */
void EdgeinitAbility::AskToBeUnloaded()
{
    auto manager = SystemAbilityManagerClient::GetInstance().GetSystemAbilityManager();

    if (manager != nullptr) {
        manager->UnloadSystemAbility(EDGEINIT_SA_ID);
    }
}

int32_t EdgeinitAbility::OnIdle(const SystemAbilityOnDemandReason &)
{
    int64_t left = lastUsed_ + IDLE_MILLISECONDS - NowInMilliseconds();

    return left > 0 ? static_cast<int32_t>(left) : 0;
}
#else
void EdgeinitAbility::AskToBeUnloaded()
{
}
#endif

} // namespace Edgeinit
} // namespace OHOS
