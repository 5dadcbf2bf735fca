/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/node_line.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/util.h"
#include "edge/ask.h"

#define CERTIFICATE "/etc/kubeedge/certs/server.crt"
#define PODS "http://127.0.0.1:10350/runningpods/"
#define NODE "http://127.0.0.1:10550/api/v1/nodes/"
#define SOCKETS_LARGEST (4 << 20)
#define ESTABLISHED 1 /* TCP_ESTABLISHED in /proc/net/tcp */
#define DAY (24 * 60 * 60)

const char *const node_state_words[NODE_STATES] = {
    [NODE_READY] = "ready",     [NODE_NOT_READY] = "not-ready",   [NODE_OFFLINE] = "offline",
    [NODE_JOINING] = "joining", [NODE_NOT_JOINED] = "not-joined", [NODE_DOWN] = "down",
};

/* Is there a connection to this port of another machine, or of this one? */
static bool connected_in(const char *path, int64_t port)
{
    CLEANUP_FREE char *table = NULL;
    struct error ignored = {0};
    size_t length = 0;

    if (file_read(path, SOCKETS_LARGEST, &table, &length, &ignored) != 0) {
        return false;
    }
    for (const char *line = table; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        /* " 0: 0100007F:286E 00000000:0000 01 …": number, here, there, state */
        const char *here = strchr(line, ':');
        const char *there = here == NULL ? NULL : strchr(here + 1, ':');
        const char *colon = there == NULL ? NULL : strchr(there + 1, ':');
        char *state = NULL;

        if (colon != NULL && strtoul(colon + 1, &state, 16) == (unsigned long)port &&
            strtoul(state, NULL, 16) == ESTABLISHED) {
            return true;
        }
    }
    return false;
}

int node_pods_of(const char *body)
{
    cJSON *list = cJSON_Parse(body);
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(list, "items");
    int count = -1;

    if (streq(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(list, "kind")) != NULL
                  ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(list, "kind"))
                  : "",
              "PodList")) {
        count = cJSON_IsArray(items) ? cJSON_GetArraySize(items) : 0; /* "items": null if there are none */
    }
    cJSON_Delete(list);
    return count;
}

static const char *string_of(const cJSON *object, const char *key)
{
    const char *string = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return string == NULL ? "" : string;
}

void node_condition_of(const char *body, struct node_facts *facts)
{
    cJSON *node = cJSON_Parse(body);
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(node, "status");
    const cJSON *condition = NULL;

    cJSON_ArrayForEach(condition, cJSON_GetObjectItemCaseSensitive(status, "conditions"))
    {
        struct tm time = {0};

        if (!streq(string_of(condition, "type"), "Ready")) {
            continue;
        }
        facts->ready = streq(string_of(condition, "status"), "True") ? 1 : 0;
        if (facts->ready == 0) {
            snprintf(facts->complaint, sizeof(facts->complaint), "%.*s",
                     (int)strcspn(string_of(condition, "message"), "\n"), string_of(condition, "message"));
        }
        if (strptime(string_of(condition, "lastTransitionTime"), "%Y-%m-%dT%H:%M:%SZ", &time) != NULL) {
            facts->since = timegm(&time);
        }
    }
    cJSON_Delete(node);
}

static bool is_up(const struct node_view *view)
{
    return view->service == SERVICE_READY || view->service == SERVICE_STARTING || view->service == SERVICE_STOPPING;
}

void node_facts_find(const struct node_view *view, struct node_facts *facts)
{
    CLEANUP_FREE char *node = xasprintf(NODE "%s", view->name);
    struct ask asks[] = {{.target = PODS}, {.target = node}};
    struct stat info;

    *facts = (struct node_facts){.pods = -1, .ready = -1};
    facts->joined = stat(CERTIFICATE, &info) == 0 && info.st_size > 0;
    if (!is_up(view)) {
        return;
    }
    facts->connected = connected_in("/proc/net/tcp", view->edge->websocket_port) ||
                       connected_in("/proc/net/tcp6", view->edge->websocket_port);
    ask_all(asks, ARRAY_SIZE(asks), NODE_PATIENCE);
    if (asks[0].outcome == ASK_ANSWERED) {
        facts->runtime_fails = asks[0].status >= 500;
        facts->pods = asks[0].status == 200 ? node_pods_of(text_string(&asks[0].body)) : -1;
    }
    if (asks[1].outcome == ASK_ANSWERED && asks[1].status == 200) {
        node_condition_of(text_string(&asks[1].body), facts);
    }
    ask_free(&asks[0]);
    ask_free(&asks[1]);
}

/* "14:02:11" within a day, else with the date; the board's own time zone. */
static void add_since(struct text *line, int64_t since, int64_t now)
{
    time_t time = (time_t)since;
    struct tm local = {0};
    char words[32];

    if (since != 0 && localtime_r(&time, &local) != NULL) {
        strftime(words, sizeof(words), now - since < DAY && since <= now ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
        text_format(line, " since %s", words);
    }
}

static void add_pods(struct text *line, const struct node_facts *facts)
{
    if (facts->runtime_fails) {
        text_add(line, ", and the container runtime does not answer edgecore");
    } else if (facts->pods >= 0) {
        text_format(line, ", %d pod%s", facts->pods, facts->pods == 1 ? "" : "s");
    }
}

/* edgecore runs. */
static enum node_state tell_running(const struct node_view *view, const struct node_facts *facts, int64_t now,
                                    struct text *line)
{
    if (!facts->joined) {
        text_format(line, "joining cloud %s", view->edge->cloud);
        return NODE_JOINING;
    }
    if (!facts->connected) {
        text_format(line, "offline: joined cloud %s, which edgecore is not connected to; it tries every 30 s",
                    view->edge->cloud);
        add_pods(line, facts);
        return NODE_OFFLINE;
    }
    if (facts->ready == 1) {
        text_add(line, "Ready");
        add_since(line, facts->since, now);
        text_format(line, ", joined cloud %s", view->edge->cloud);
        add_pods(line, facts);
        return NODE_READY;
    }
    if (facts->ready == 0) {
        text_add(line, "not Ready");
        add_since(line, facts->since, now);
        text_format(line, "%s%s, joined cloud %s", facts->complaint[0] == '\0' ? "" : ": ", facts->complaint,
                    view->edge->cloud);
        add_pods(line, facts);
        return NODE_NOT_READY;
    }
    text_format(line, "connected to cloud %s, which does not say yet how the node is", view->edge->cloud);
    add_pods(line, facts);
    return NODE_NOT_READY;
}

enum node_state node_line_tell(const struct node_view *view, const struct node_facts *facts, int64_t now,
                               struct text *line)
{
    const struct judgement *judgement = view->judgement;
    bool judged =
        judgement != NULL && judgement->hold != JUDGEMENT_NONE &&
        (view->service == SERVICE_PARKED || view->service == SERVICE_DELAYED || view->service == SERVICE_FINISHED);

    if (is_up(view)) {
        return tell_running(view, facts, now, line);
    }
    if (!judged || !starts_with(judgement->what, "not joined")) {
        text_add(line, facts->joined ? "down: " : "not joined: ");
    }
    if (judged) {
        text_format(line, "%s%s%s", judgement->what, judgement->remedy[0] == '\0' ? "" : "; ", judgement->remedy);
    } else {
        text_format(line, "%s %s%s%s", view->service_name, machine_state_name(view->service),
                    view->reason[0] == '\0' ? "" : ": ", view->reason);
    }
    return facts->joined ? NODE_DOWN : NODE_NOT_JOINED;
}

cJSON *node_line_json(const struct node_view *view)
{
    CLEANUP_TEXT struct text line = {0};
    cJSON *item = cJSON_CreateObject();
    struct node_facts facts;
    enum node_state state;

    node_facts_find(view, &facts);
    state = node_line_tell(view, &facts, time(NULL), &line);
    cJSON_AddStringToObject(item, "name", view->name);
    cJSON_AddStringToObject(item, "state", node_state_words[state]);
    cJSON_AddStringToObject(item, "text", text_string(&line));
    cJSON_AddStringToObject(item, "cloud", view->edge->cloud);
    cJSON_AddBoolToObject(item, "joined", facts.joined);
    cJSON_AddBoolToObject(item, "connected", facts.connected);
    if (facts.pods >= 0) {
        cJSON_AddNumberToObject(item, "pods", facts.pods);
    }
    if (facts.since != 0) {
        cJSON_AddNumberToObject(item, "since", (double)facts.since);
    }
    if (!is_up(view) && view->judgement != NULL && view->judgement->hold != JUDGEMENT_NONE) {
        cJSON_AddStringToObject(item, "code", view->judgement->code);
        cJSON_AddStringToObject(item, "remedy", view->judgement->remedy);
    }
    return item;
}
