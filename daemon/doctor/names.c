/* SPDX-License-Identifier: Apache-2.0 */
/* localhost and the board's own name, as dockerd and edgecore will find them. */
#include "base/path.h"
#include "base/util.h"
#include "doctor/probe.h"
#include "doctor/resolve.h"

enum { ROW_LOCALHOST, ROW_HOSTNAME, ROW_RESOLV };

#define WRITE_NSSWITCH "{\"path\": \"/etc/nsswitch.conf\", \"lines\": [\"hosts: files dns\"]}"

static const struct probe_row rows[] = {
    [ROW_LOCALHOST] = {"dns.localhost", NEED_KUBEEDGE, "localhost has an address, without asking DNS",
                       "edgecore ends at once: \"Streaming server stopped unexpectedly: lookup localhost\"",
                       "add to \"files\": {\"path\": \"/etc/hosts\", \"lines\": [\"127.0.0.1 localhost\"]}"},
    [ROW_HOSTNAME] = {"dns.hostname", NEED_KUBEEDGE, "the board's own name has an address, without asking DNS",
                      "where DNS does not answer, edgecore needs 30 to 40 s to start",
                      "add \"127.0.0.1 HOSTNAME\" to the lines of /etc/hosts in \"files\""},
    [ROW_RESOLV] = {"dns.resolv", NEED_KUBEEDGE, "there is a resolv.conf",
                    "pods stay in ContainerCreating: \"open /etc/resolv.conf\"; docker asks 127.0.0.1 for names",
                    "add to \"files\": {\"path\": \"/etc/resolv.conf\", \"lines\": [\"nameserver …\"]}"},
};

struct texts {
    char *nsswitch;
    char *resolv;
    char *hosts;
    char hostname[256];
};

/* One name: `missing` is the answer if it has no address. */
static void check_name(struct answers *answers, const struct texts *texts, unsigned row, const char *name,
                       enum answer missing)
{
    enum resolve_order old = resolve_order(texts->nsswitch, name, texts->hostname, GO_BEFORE_1_16);
    enum resolve_order new = resolve_order(texts->nsswitch, name, texts->hostname, GO_SINCE_1_16);
    unsigned patience = resolve_patience(texts->resolv);
    char address[64] = "";

    if (!resolve_in_hosts(texts->hosts, name, address)) {
        CLEANUP_FREE char *remedy =
            xasprintf("add to \"files\": {\"path\": \"/etc/hosts\", \"lines\": [\"127.0.0.1 %s\"]}", name);

        probe_say(answers, &(struct said){.row = row, .answer = missing, .remedy = remedy}, "%s is not in /etc/hosts%s",
                  name, texts->hosts == NULL ? ", which does not exist" : "");
    } else if (old == RESOLVE_DNS) {
        probe_say(answers,
                  &(struct said){.row = row,
                                 .answer = missing,
                                 .remedy = "write \"hosts: files dns\" into /etc/nsswitch.conf, in this order"},
                  "%s is in /etc/hosts, but nsswitch.conf has Go programs ask DNS alone", name);
    } else if (old == RESOLVE_DNS_FILES) {
        probe_say(answers,
                  &(struct said){.row = row,
                                 .answer = ANSWER_WARNING,
                                 .cost = "each look-up goes to DNS first, and waits for it where it does not answer",
                                 .remedy = "add to \"files\": " WRITE_NSSWITCH},
                  "%s is %s in /etc/hosts, but Go %sasks DNS first (up to %u s): %s", name, address,
                  new == RESOLVE_DNS_FILES ? "" : "before 1.16 ", patience,
                  texts->nsswitch == NULL    ? "there is no nsswitch.conf"
                  : new == RESOLVE_DNS_FILES ? "nsswitch.conf says so"
                                             : "nsswitch.conf has no line \"hosts:\"");
    } else {
        say(answers, row, ANSWER_YES, "%s is %s, from /etc/hosts", name, address);
    }
}

static void run(struct answers *answers, const struct board *board)
{
    struct texts texts = {
        .nsswitch = board_file(board, "/etc/nsswitch.conf"),
        .resolv = board_file(board, "/etc/resolv.conf"),
        .hosts = board_file(board, "/etc/hosts"),
    };

    gethostname(texts.hostname, sizeof(texts.hostname) - 1);
    check_name(answers, &texts, ROW_LOCALHOST, "localhost", ANSWER_NO);
    if (!streq(texts.hostname, "localhost")) {
        check_name(answers, &texts, ROW_HOSTNAME, texts.hostname, ANSWER_WARNING);
    }
    if (texts.resolv == NULL) {
        say(answers, ROW_RESOLV, ANSWER_NO, "there is no /etc/resolv.conf");
    } else {
        say(answers, ROW_RESOLV, ANSWER_YES, "there is a resolv.conf; a dead DNS costs %u s a name",
            resolve_patience(texts.resolv));
    }
    free(texts.nsswitch);
    free(texts.resolv);
    free(texts.hosts);
}

const struct probe probe_names = {.name = "names", .rows = rows, .count = ARRAY_SIZE(rows), .run = run, .quick = run};
