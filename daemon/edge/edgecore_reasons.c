/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_reasons.h"

#include <assert.h>
#include <stdarg.h>

#include "base/util.h"

#define MARK "…"

static const struct {
    const char *code;
    const char *when;
    const char *remedy;
    const char *until;   /* for the table: what starts it */
    int64_t again_after; /* milliseconds, where no event tells */
} reasons[] = {
    [REASON_NOT_CONFIGURED] =
        {"not-configured", "the manifest has an edgecore, but no \"edge\" section",
         "add \"edge\": {\"cloud\": \"10.0.0.5\", \"token_file\": \"/data/token\"} to the manifest", "reload", 0},
    [REASON_NO_NAME] = {"no-name", "the host name cannot be a node's name, or is what every board is called",
                        "name the node: \"edge\": {\"node\": \"edge-07\", …}", "reload", 0},
    [REASON_VERSION_UNKNOWN] = {"version-unknown", "edgecore's version cannot be found out",
                                "write it into the manifest: \"edge\": {\"version\": \"1.9\", …}",
                                "the program changes; after 30 s", 30000},
    [REASON_CONFIG_UNWRITABLE] = {"config-unwritable", "edgecore's configuration cannot be written",
                                  "bind a writable directory over " MARK
                                  ", or name another place: \"config\" in \"edge\"",
                                  "after 30 s", 30000},
    [REASON_CONFIG_ELSEWHERE] =
        {"config-elsewhere", "edgecore is started with another file than the one that is written",
         "let --config in the service's \"command\" and \"config\" in \"edge\" name the same file", "reload", 0},
    [REASON_CGROUP_DRIVER] = {"cgroup-driver", "edgecore and docker would use different cgroup drivers",
                              "take the cgroup driver out of \"merge\" in \"edge\": it follows docker's own",
                              "docker's configuration changes; reload", 0},
    [REASON_NO_TOKEN] = {"token-missing", "the node has not joined yet, and there is no token",
                         "run \"keadm gettoken\" on the cloud and write what it prints to " MARK, "the file is written",
                         0},
    [REASON_TOKEN_FORM] = {"token-malformed", "what the token file holds is no token",
                           "write to " MARK " the whole line that \"keadm gettoken\" prints on the cloud",
                           "the file changes", 0},
    [REASON_TOKEN_USED] = {"token-used", "the token was used for a join before, and the certificates are gone",
                           "run \"keadm gettoken\" on the cloud and write the new token to " MARK, "the file changes",
                           0},
    [REASON_NAME_CHANGED] = {"name-changed", "the node joined under another name",
                             "give it its name back (\"node\" in \"edge\"), or write a new token to " MARK
                             ": then it joins under the new name",
                             "the token file changes; reload", 0},
    [REASON_CLOCK] = {"clock", "the node has not joined yet, and the clock is before the day when edgeinit was built",
                      "set the clock (\"date\", NTP, a clock with a battery): no certificate is valid yet",
                      "the clock is set", 0},
    [REASON_NO_ADDRESS] = {"no-address", "the interface that the node's address is to come from has none",
                           "connect " MARK ", or name another \"interface\" or \"address\" in \"edge\"",
                           "it gets an address", 0},
    [REASON_NO_ROUTE] = {"no-route", "no address is given, and there is no route that shows one",
                         "connect the board, or name \"interface\" or \"address\" in \"edge\"", "a default route comes",
                         0},
    [REASON_PORT_TAKEN] = {"port-taken", "another process listens where edgecore has to: a second edgecore, mostly",
                           "end " MARK "; edgeinit alone may start edgecore", "after 10 s", 10000},
    [REASON_LOCALHOST] = {"localhost", "localhost has no address: edgecore ends at once without",
                          "add the line \"127.0.0.1 localhost\" to /etc/hosts: \"files\" in the manifest can",
                          "/etc/hosts changes", 0},
    [REASON_HELPER_MISSING] = {"helper-missing", "a program that edgecore executes at its start is not in its PATH",
                               "install " MARK
                               " in a directory of the service's PATH, or set \"environment\": {\"PATH\": …}",
                               "after 30 s", 30000},
};
static_assert(ARRAY_SIZE(reasons) == EDGECORE_REASONS, "a row for each reason");

void edgecore_wake(struct judgement *judgement, enum wake_kind kind, const char *value)
{
    memset(judgement->wakes, 0, sizeof(judgement->wakes));
    judgement->again_after = 0;
    judgement_wake(judgement, kind, value);
}

bool edgecore_hold(struct judgement *judgement, enum edgecore_reason reason, const char *subject, const char *format,
                   ...)
{
    const char *remedy = reasons[reason].remedy;
    const char *mark = strstr(remedy, MARK);
    va_list arguments;

    judgement->hold = JUDGEMENT_PARK;
    judgement->blameless = 1;
    /* A wake that could not be kept has left a pause there. */
    judgement->again_after = reasons[reason].again_after != 0 ? reasons[reason].again_after : judgement->again_after;
    snprintf(judgement->code, sizeof(judgement->code), "%s", reasons[reason].code);
    if (mark != NULL && subject[0] != '\0') {
        snprintf(judgement->remedy, sizeof(judgement->remedy), "%.*s%s%s", (int)(mark - remedy), remedy, subject,
                 mark + strlen(MARK));
    } else {
        snprintf(judgement->remedy, sizeof(judgement->remedy), "%s", remedy);
    }
    va_start(arguments, format);
    vsnprintf(judgement->what, sizeof(judgement->what), format, arguments);
    va_end(arguments);
    return false;
}

void edgecore_reasons_describe(void (*print)(const char *text))
{
    print("| code | why edgecore is not started | what to do | it is started when |\n|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        CLEANUP_FREE char *line = xasprintf("| `%s` | %s | %s | %s |\n", reasons[i].code, reasons[i].when,
                                            reasons[i].remedy, reasons[i].until);

        print(line);
    }
}
