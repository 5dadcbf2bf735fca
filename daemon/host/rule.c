/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy routing rules through libnl-route. A rule is present if one with the same family, priority, table and selector
 * is in the kernel's table; the kernel itself would gladly take a second equal one (before 4.18 without EEXIST).
 */
#include "host/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/rule.h>

#include "base/util.h"
#include "host/host.h"

enum { FAMILY_IPV4, FAMILY_IPV6 };
static const char *const family_words[] = {[FAMILY_IPV4] = "ipv4", [FAMILY_IPV6] = "ipv6", NULL};

struct rule_spec {
    int64_t priority;
    int64_t table;
    int family;
    int64_t fwmark; /* -1: any */
    int64_t fwmask;
    const char *from; /* NULL: all */
    const char *to;
    const char *iif;
    const char *oif;
};

static int address_family(const struct rule_spec *spec)
{
    return spec->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
}

static const struct {
    const char *name;
    int64_t number;
} table_names[] = {{"main", RT_TABLE_MAIN}, {"default", RT_TABLE_DEFAULT}, {"local", RT_TABLE_LOCAL}};

static void read_table(const struct reader *reader, void *record)
{
    static const struct field number = {NULL,     FIELD_INTEGER,     .offset = offsetof(struct rule_spec, table),
                                        .min = 1, .max = UINT32_MAX, .example = "100"};
    struct rule_spec *spec = record;

    if (!cJSON_IsString(reader->node)) {
        reader_value(reader, &number, record);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(table_names); i++) {
        if (streq(table_names[i].name, reader->node->valuestring)) {
            spec->table = table_names[i].number;
            return;
        }
    }
    reader_problem(reader, "write \"main\", \"default\", \"local\" or a number", "\"%s\" is no routing table",
                   reader->node->valuestring);
}

/* An address with an optional prefix length; NULL if it is none of this family. */
static struct nl_addr *parse_address(const char *text, const struct rule_spec *spec)
{
    struct nl_addr *address = NULL;
    const char *slash = strchr(text, '/');
    int64_t bits = 0;

    /* libnl takes any number for a prefix length, negative and octal ones too, and words like "any" for an address. */
    if (strpbrk(text, ".:") == NULL ||
        (slash != NULL && (!text_parse_integer(slash + 1, &bits) || bits < 0 || (slash[1] == '0' && slash[2] != '\0') ||
                           bits > (spec->family == FAMILY_IPV6 ? 128 : 32)))) {
        return NULL;
    }
    return nl_addr_parse(text, address_family(spec), &address) == 0 ? address : NULL;
}

static void check_address(const struct reader *reader, const char **text, const char *key, const struct rule_spec *spec)
{
    struct nl_addr *address = *text == NULL ? NULL : parse_address(*text, spec);

    if (*text != NULL && address == NULL) {
        reader_problem(reader,
                       spec->family == FAMILY_IPV6 ? "write an address such as \"fd00::/8\""
                                                   : "write an address such as \"10.0.0.0/8\"",
                       "\"%s\": \"%s\" is no %s address", key, *text, family_words[spec->family]);
    }
    /* "0.0.0.0/0" is everything, which the kernel keeps as no selector at all. */
    if (address != NULL && nl_addr_get_prefixlen(address) == 0) {
        *text = NULL;
    }
    nl_addr_put(address);
}

static void check_interface(const struct reader *reader, const char *name, const char *key)
{
    if (name != NULL && strlen(name) >= IFNAMSIZ) {
        reader_problem(reader, "write a name such as \"wlan0\"",
                       "\"%s\": \"%s\" is longer than an interface's name can be", key, name);
    }
}

/* A short name that tells rules apart: what ip-rule(8) would print. */
static char *rule_subject(const struct rule_spec *spec)
{
    CLEANUP_TEXT struct text subject = {0};

    text_format(&subject, "%s %lld", family_words[spec->family], (long long)spec->priority);
    if (spec->from != NULL) {
        text_format(&subject, " from %s", spec->from);
    }
    if (spec->to != NULL) {
        text_format(&subject, " to %s", spec->to);
    }
    if (spec->iif != NULL) {
        text_format(&subject, " iif %s", spec->iif);
    }
    if (spec->oif != NULL) {
        text_format(&subject, " oif %s", spec->oif);
    }
    if (spec->fwmark >= 0) {
        text_format(&subject, " fwmark %lld/0x%llx", (long long)spec->fwmark, (long long)spec->fwmask);
    }
    for (size_t i = 0; i < ARRAY_SIZE(table_names); i++) {
        if (table_names[i].number == spec->table) {
            text_format(&subject, " table %s", table_names[i].name);
            return text_take(&subject);
        }
    }
    text_format(&subject, " table %lld", (long long)spec->table);
    return text_take(&subject);
}

static void parse_one(const struct reader *reader, struct host *host)
{
    static const struct field fields[] = {
        {"priority", FIELD_INTEGER, .required = true, .offset = offsetof(struct rule_spec, priority), .min = 1,
         .max = UINT32_MAX, .example = "1"},
        {"table", FIELD_READ, .required = true, .read = read_table, .example = "\"main\""},
        {"family", FIELD_CHOICE, .offset = offsetof(struct rule_spec, family), .choices = family_words},
        {"from", FIELD_STRING, .offset = offsetof(struct rule_spec, from), .example = "\"10.0.0.0/8\""},
        {"to", FIELD_STRING, .offset = offsetof(struct rule_spec, to), .example = "\"10.0.0.0/8\""},
        {"iif", FIELD_STRING, .offset = offsetof(struct rule_spec, iif), .example = "\"wlan0\""},
        {"oif", FIELD_STRING, .offset = offsetof(struct rule_spec, oif), .example = "\"wlan0\""},
        {"fwmark", FIELD_INTEGER, .offset = offsetof(struct rule_spec, fwmark), .min = 0, .max = UINT32_MAX,
         .example = "1"},
        {"fwmask", FIELD_INTEGER, .offset = offsetof(struct rule_spec, fwmask), .min = 1, .max = UINT32_MAX,
         .example = "255"},
    };
    struct rule_spec spec = {.fwmark = -1, .fwmask = UINT32_MAX};
    struct rule_spec *kept;
    CLEANUP_FREE char *subject = NULL;

    if (!reader_object(reader, fields, ARRAY_SIZE(fields), &spec)) {
        return;
    }
    check_address(reader, &spec.from, "from", &spec);
    check_address(reader, &spec.to, "to", &spec);
    check_interface(reader, spec.iif, "iif");
    check_interface(reader, spec.oif, "oif");
    kept = xcalloc(1, sizeof(*kept));
    *kept = spec;
    subject = rule_subject(kept);
    host_add(host, reader, &kind_rule, subject, NULL, kept)->rank = RANK_RULE;
}

static void parse(const struct reader *section, struct host *host)
{
    struct reader item;

    if (!reader_is_array(section, "[{\"priority\": 1, \"table\": \"main\"}]")) {
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        parse_one(&item, host);
    }
}

static void needs(const struct resource *resource, struct need_list *list)
{
    (void)resource;
    (void)list;
}

/* libnl's own error numbers, back to errno where one fits. */
static int to_errno(int nl_error)
{
    switch (-nl_error) {
        case NLE_PERM:
            return EPERM;
        case NLE_NOACCESS:
            return EACCES;
        case NLE_OPNOTSUPP:
            return EOPNOTSUPP;
        case NLE_AF_NOSUPPORT:
            return EAFNOSUPPORT;
        case NLE_EXIST:
            return EEXIST;
        case NLE_NOMEM:
            return ENOMEM;
        default:
            return EINVAL;
    }
}

static int rule_error(struct error *err, int nl_error, const char *what, const char *subject)
{
    error_system(err, to_errno(nl_error), "%s %s", what, subject);
    if (err->errnum == EOPNOTSUPP || err->errnum == EAFNOSUPPORT) {
        error_remedy(err, "build the kernel with CONFIG_IP_MULTIPLE_TABLES=y (IPv6: CONFIG_IPV6_MULTIPLE_TABLES=y)");
    } else if (err->errnum == EPERM || err->errnum == EACCES) {
        error_remedy(err, "run edgeinit as root with CAP_NET_ADMIN");
    } else if (err->errnum == EINVAL) {
        error_wrap(err, "libnl says \"%s\"", nl_geterror(nl_error));
    }
    return -1;
}

/* A rule of the kernel that does nothing but look a table up by the selectors that the manifest knows. Others (inverted,
 * by port, by user, suppressing) are not kept: they are never what a manifest asks for. */
struct plain_rule {
    int family;
    uint32_t priority;
    uint32_t table;
    uint32_t mark;
    uint32_t mask;
    struct nl_addr *from; /* NULL: all */
    struct nl_addr *to;
    char iif[IFNAMSIZ]; /* "": any */
    char oif[IFNAMSIZ];
};

/* What the kernel has, once it was asked, and the socket by which it is asked and told: one for a whole run. */
struct rules {
    struct nl_sock *socket;
    bool known;
    struct plain_rule *items;
    size_t count;
};

static uint32_t number_of(struct nlattr *attribute, uint32_t otherwise)
{
    return attribute == NULL ? otherwise : nla_get_u32(attribute);
}

static bool is_plain(const struct fib_rule_hdr *header, struct nlattr *const *attributes)
{
    static const int known[] = {FRA_DST,    FRA_SRC,    FRA_IIFNAME, FRA_OIFNAME,  FRA_PRIORITY,
                                FRA_FWMARK, FRA_FWMASK, FRA_TABLE,   FRA_PROTOCOL, FRA_SUPPRESS_PREFIXLEN};

    if (header->action != FR_ACT_TO_TBL || (header->flags & FIB_RULE_INVERT) != 0 || header->tos != 0 ||
        number_of(attributes[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX) != UINT32_MAX) {
        return false;
    }
    for (int type = 0; type <= FRA_MAX; type++) {
        bool is_known = attributes[type] == NULL;

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
            is_known |= known[i] == type;
        }
        if (!is_known) {
            return false;
        }
    }
    return true;
}

static struct nl_addr *address_of(struct nlattr *attribute, const struct fib_rule_hdr *header, int bits)
{
    struct nl_addr *address = attribute == NULL || bits == 0 ? NULL : nl_addr_alloc_attr(attribute, header->family);

    if (address != NULL) {
        nl_addr_set_prefixlen(address, bits);
    }
    return address;
}

static int keep_rule(struct nl_msg *message, void *data)
{
    struct rules *rules = data;
    struct nlmsghdr *line = nlmsg_hdr(message);
    const struct fib_rule_hdr *header = nlmsg_data(line);
    struct nlattr *attributes[FRA_MAX + 1] = {NULL};
    struct plain_rule rule = {0};

    if (line->nlmsg_type != RTM_NEWRULE || (header->family != AF_INET && header->family != AF_INET6) ||
        nlmsg_parse(line, sizeof(*header), attributes, FRA_MAX, NULL) != 0 || !is_plain(header, attributes)) {
        return NL_OK;
    }
    rule.family = header->family;
    rule.priority = number_of(attributes[FRA_PRIORITY], 0);
    rule.table = number_of(attributes[FRA_TABLE], header->table);
    rule.mark = number_of(attributes[FRA_FWMARK], 0);
    rule.mask = number_of(attributes[FRA_FWMASK], 0);
    rule.from = address_of(attributes[FRA_SRC], header, header->src_len);
    rule.to = address_of(attributes[FRA_DST], header, header->dst_len);
    if (attributes[FRA_IIFNAME] != NULL) {
        nla_strlcpy(rule.iif, attributes[FRA_IIFNAME], sizeof(rule.iif));
    }
    if (attributes[FRA_OIFNAME] != NULL) {
        nla_strlcpy(rule.oif, attributes[FRA_OIFNAME], sizeof(rule.oif));
    }
    rules->items = xrealloc(rules->items, (rules->count + 1) * sizeof(rules->items[0]));
    rules->items[rules->count++] = rule;
    return NL_OK;
}

static int open_socket(struct host *host, struct error *err)
{
    struct nl_sock *socket;
    int result;

    if (host->rules != NULL) {
        return 0;
    }
    socket = nl_socket_alloc();
    result = socket == NULL ? -NLE_NOMEM : nl_connect(socket, NETLINK_ROUTE);
    if (result != 0) {
        nl_socket_free(socket);
        return rule_error(err, result, "open", "rtnetlink");
    }
    host->rules = xcalloc(1, sizeof(*host->rules));
    host->rules->socket = socket;
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, keep_rule, host->rules);
    return 0;
}

/* libnl-route's own cache of rules knows neither inversion, ports, users nor suppression: it would take a rule for one
 * socket for a rule for all. So the dump is read attribute by attribute. */
static struct rules *get_rules(struct host *host, struct error *err)
{
    struct fib_rule_hdr request = {.family = AF_UNSPEC};
    int result;

    if (host->rules != NULL && host->rules->known) {
        return host->rules;
    }
    if (open_socket(host, err) != 0) {
        return NULL;
    }
    result = nl_send_simple(host->rules->socket, RTM_GETRULE, NLM_F_DUMP, &request, sizeof(request));
    if (result >= 0) {
        result = nl_recvmsgs_default(host->rules->socket);
    }
    if (result < 0) {
        rule_free(host); /* with what may still come on this socket */
        rule_error(err, result, "list", "rules");
        return NULL;
    }
    host->rules->known = true;
    return host->rules;
}

void rule_forget(struct host *host)
{
    struct rules *rules = host->rules;

    if (rules == NULL) {
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        nl_addr_put(rules->items[i].from);
        nl_addr_put(rules->items[i].to);
    }
    free(rules->items);
    rules->items = NULL;
    rules->count = 0;
    rules->known = false;
}

void rule_free(struct host *host)
{
    rule_forget(host);
    if (host->rules != NULL) {
        nl_socket_free(host->rules->socket);
        free(host->rules);
        host->rules = NULL;
    }
}

static bool same_address(struct nl_addr *found, const char *wanted, const struct rule_spec *spec)
{
    struct nl_addr *address;
    bool same;

    if (wanted == NULL || found == NULL) {
        return wanted == NULL && found == NULL;
    }
    address = parse_address(wanted, spec);
    same = address != NULL && nl_addr_cmp(found, address) == 0;
    nl_addr_put(address);
    return same;
}

static bool same_rule(const struct plain_rule *rule, const struct rule_spec *spec)
{
    bool any_mark = spec->fwmark < 0;

    return rule->family == address_family(spec) && rule->priority == (uint32_t)spec->priority &&
           rule->table == (uint32_t)spec->table && rule->mark == (any_mark ? 0 : (uint32_t)spec->fwmark) &&
           rule->mask == (any_mark ? 0 : (uint32_t)spec->fwmask) && same_address(rule->from, spec->from, spec) &&
           same_address(rule->to, spec->to, spec) && streq(rule->iif, spec->iif == NULL ? "" : spec->iif) &&
           streq(rule->oif, spec->oif == NULL ? "" : spec->oif);
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct rule_spec *spec = resource->spec;
    struct error err = {0};
    const struct rules *rules = get_rules(host, &err);

    if (rules == NULL) {
        return resource_impossible(resource, &err);
    }
    for (size_t i = 0; i < rules->count; i++) {
        if (same_rule(&rules->items[i], spec)) {
            return VERDICT_IN_PLACE;
        }
    }
    return VERDICT_ABSENT;
}

static int set_address(struct rtnl_rule *rule, const char *text, const struct rule_spec *spec,
                       int (*set)(struct rtnl_rule *, struct nl_addr *))
{
    struct nl_addr *address = text == NULL ? NULL : parse_address(text, spec);
    int result = address == NULL ? 0 : set(rule, address);

    nl_addr_put(address);
    return result;
}

/* 0, or libnl's error: -NLE_EXIST if there is one already. libnl waits for the kernel's answer. */
static int add_rule(const struct rule_spec *spec, const struct host *host)
{
    struct rtnl_rule *rule = rtnl_rule_alloc();
    int result;

    rtnl_rule_set_family(rule, address_family(spec));
    rtnl_rule_set_prio(rule, (uint32_t)spec->priority);
    rtnl_rule_set_table(rule, (uint32_t)spec->table);
    rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
    if (spec->fwmark >= 0) {
        rtnl_rule_set_mark(rule, (uint32_t)spec->fwmark);
        rtnl_rule_set_mask(rule, (uint32_t)spec->fwmask);
    }
    if (spec->iif != NULL) {
        rtnl_rule_set_iif(rule, spec->iif);
    }
    if (spec->oif != NULL) {
        rtnl_rule_set_oif(rule, spec->oif);
    }
    result = set_address(rule, spec->from, spec, rtnl_rule_set_src);
    if (result == 0) {
        result = set_address(rule, spec->to, spec, rtnl_rule_set_dst);
    }
    if (result == 0) {
        result = rtnl_rule_add(host->rules->socket, rule, NLM_F_EXCL);
    }
    rtnl_rule_put(rule);
    return result;
}

/* The kernel refuses one that is there (NLM_F_EXCL), so it need not be asked for its list. */
static bool begin(struct resource *resource, struct host *host)
{
    struct error ignored = {0};

    return open_socket(host, &ignored) == 0 && add_rule(resource->spec, host) == 0;
}

static int apply(struct resource *resource, struct host *host, struct error *err)
{
    int result = 0;

    if (open_socket(host, err) != 0) {
        return -1;
    }
    if (!resource->begun) {
        result = add_rule(resource->spec, host);
    }
    resource->proven = result == 0;
    return result == 0 || result == -NLE_EXIST ? 0 : rule_error(err, result, "add", resource->name);
}

const struct resource_kind kind_rule = {
    .name = "rule",
    .section = "rules",
    .parse = parse,
    .needs = needs,
    .probe = probe,
    .begin = begin,
    .apply = apply,
};
