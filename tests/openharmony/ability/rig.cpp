/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sa_main, ipc, samgr and hidumper do with the system ability, as far as it can see: it is registered before main(),
 * started, publishes itself, is dumped with the words of the command line, and is asked whether it may be unloaded.
 *
 *     ability [MODE] [WORD...]     the dump goes to stdout, what the others notice to stderr
 *
 *     --huge        dump with as many and as long words as no command line holds
 *     --no-reader   into a pipe that nobody reads any more, with SIGPIPE as the system has it; then "alive"
 *     --deaf        into a pipe that somebody has open and does not read; then "took SECONDS"
 *     --twice       a second dump while the first is under way; the second's text
 */
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "edgeinit_ability.h"
#if EDGEINIT_SA_UNLOADS
#include "iservice_registry.h"
#endif

namespace OHOS {

using Words = std::vector<std::u16string>;

/* sa_main's side: safwk calls what is protected. */
class Rig {
public:
    static SystemAbility *registered;

    static int Start()
    {
        if (registered == nullptr || registered->id_ != 126318 || !registered->run_on_create_) {
            fprintf(stderr, "not registered as the profile says\n");
            return -1;
        }
#if EDGEINIT_SA_UNLOADS
        registered->OnStart(SystemAbilityOnDemandReason());
#else
        registered->OnStart();
#endif
        if (registered->published_.GetRefPtr() == nullptr) {
            fprintf(stderr, "not published\n");
            return -1;
        }
        fprintf(stderr, "%s %d published\n", registered->GetClassName().c_str(), registered->id_);
        return 0;
    }

    static int Dump(int fd, const Words &words)
    {
        return registered->published_->Dump(fd, words);
    }

    static void Stop()
    {
        registered->OnStop();
    }

#if EDGEINIT_SA_UNLOADS
    /* As samgr does: within the call, and the answer is the time after which it asks again. */
    static int32_t Idle()
    {
        return registered->OnIdle(SystemAbilityOnDemandReason());
    }
#endif
};

SystemAbility *Rig::registered;

bool SystemAbility::MakeAndRegisterAbility(SystemAbility *ability)
{
    Rig::registered = ability;
    return true;
}

bool SystemAbility::Publish(sptr<IRemoteObject> object)
{
    published_ = object;
    return true;
}

#if EDGEINIT_SA_UNLOADS
class Manager : public ISystemAbilityManager {
public:
    int32_t UnloadSystemAbility(int32_t id) override
    {
        int32_t left = Rig::Idle();

        fprintf(stderr, "asked to unload %d, idle in %s\n", id,
                left > 59000 && left <= 60000 ? "a minute" : std::to_string(left).c_str());
        return 0;
    }
};

SystemAbilityManagerClient &SystemAbilityManagerClient::GetInstance()
{
    static SystemAbilityManagerClient client;

    return client;
}

sptr<ISystemAbilityManager> SystemAbilityManagerClient::GetSystemAbilityManager()
{
    static Manager manager;

    return &manager;
}
#endif

} // namespace OHOS

using OHOS::Rig;
using OHOS::Words;

static Words words_of(int count, char **arguments)
{
    Words words;

    for (int i = 0; i < count; i++) {
        words.emplace_back(arguments[i], arguments[i] + strlen(arguments[i]));
    }
    return words;
}

static int dump_huge()
{
    Words words(20000, std::u16string(5000, u'\x263a'));

    return Rig::Dump(STDOUT_FILENO, words);
}

static int dump_to_nobody(const Words &words)
{
    int ends[2];

    signal(SIGPIPE, SIG_DFL);
    if (pipe(ends) != 0 || close(ends[0]) != 0 || Rig::Dump(ends[1], words) != 0) {
        return 1;
    }
    puts("alive");
    return 0;
}

static int dump_to_deaf(const Words &words)
{
    auto before = std::chrono::steady_clock::now();
    int ends[2];

    if (pipe(ends) != 0 || fcntl(ends[1], F_SETPIPE_SZ, 4096) < 0 || Rig::Dump(ends[1], words) != 0) {
        return 1;
    }
    auto took = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - before);
    printf("took %d\n", static_cast<int>(took.count()));
    return 0;
}

static int dump_twice(const Words &words)
{
    int first = open("/dev/null", O_WRONLY | O_CLOEXEC);
    std::thread other([&] { Rig::Dump(first, words); });
    char line[16];

    /* The caller says when the first is under way: when the daemon has its question. */
    if (fgets(line, sizeof(line), stdin) == nullptr) {
        fprintf(stderr, "nobody said go\n");
    }
    int result = Rig::Dump(STDOUT_FILENO, words);

    fflush(stdout);
    other.join();
    return result;
}

int main(int argc, char **argv)
{
    bool mode = argc > 1 && strlen(argv[1]) > 3 && strncmp(argv[1], "--", 2) == 0 && strcmp(argv[1], "--json") != 0 &&
                strcmp(argv[1], "--help") != 0;
    const char *name = mode ? argv[1] : "";
    Words words = words_of(argc - (mode ? 2 : 1), argv + (mode ? 2 : 1));
    int result;

    if (Rig::Start() != 0) {
        return 70;
    }
    result = strcmp(name, "--huge") == 0        ? dump_huge()
             : strcmp(name, "--no-reader") == 0 ? dump_to_nobody(words)
             : strcmp(name, "--deaf") == 0      ? dump_to_deaf(words)
             : strcmp(name, "--twice") == 0     ? dump_twice(words)
                                                : Rig::Dump(STDOUT_FILENO, words);
    Rig::Stop();
    return result;
}
