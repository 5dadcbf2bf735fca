/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/link.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/util.h"

#define MESSAGE_LARGEST 1024

/* A message that grows; all of ours are far smaller. */
struct message {
    struct nlmsghdr header;
    char body[MESSAGE_LARGEST];
};

static char *grow(struct message *message, size_t size)
{
    char *at = (char *)message + NLMSG_ALIGN(message->header.nlmsg_len);

    message->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(message->header.nlmsg_len) + size);
    return at;
}

static void begin(struct message *message, unsigned type, unsigned flags, const void *head, size_t size)
{
    message->header.nlmsg_len = NLMSG_HDRLEN;
    message->header.nlmsg_type = (uint16_t)type;
    message->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    message->header.nlmsg_seq = 1;
    memcpy(grow(message, size), head, size);
}

static struct rtattr *add(struct message *message, unsigned type, const void *data, size_t size)
{
    struct rtattr *attribute = (struct rtattr *)(void *)grow(message, RTA_LENGTH(size));

    attribute->rta_type = (unsigned short)type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size > 0) {
        memcpy(RTA_DATA(attribute), data, size);
    }
    return attribute;
}

static void end_nest(const struct message *message, struct rtattr *nest)
{
    nest->rta_len = (unsigned short)((const char *)message + message->header.nlmsg_len - (const char *)nest);
}

/* Send, and wait for the acknowledgement, which an rtnetlink socket has at once. */
static int talk(const struct message *message)
{
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[MESSAGE_LARGEST];
    } answer;
    ssize_t length;

    if (fd < 0 || sendto(fd, message, message->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
        return errno;
    }
    length = recv(fd, &answer, sizeof(answer), 0);
    if (length < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) || answer.header.nlmsg_type != NLMSG_ERROR) {
        return length < 0 ? errno : EPROTO;
    }
    return -answer.error.error;
}

static struct rtattr *begin_link(struct message *message, const char *name, const char *kind)
{
    struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
    struct rtattr *info;

    begin(message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
    add(message, IFLA_IFNAME, name, strlen(name) + 1);
    info = add(message, IFLA_LINKINFO, NULL, 0);
    add(message, IFLA_INFO_KIND, kind, strlen(kind) + 1);
    return info;
}

int link_add_bridge(const char *name)
{
    struct message message = {0};

    end_nest(&message, begin_link(&message, name, "bridge"));
    return talk(&message);
}

int link_add_veth(const char *name, const char *peer)
{
    struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
    struct message message = {0};
    struct rtattr *info = begin_link(&message, name, "veth");
    struct rtattr *data = add(&message, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *other = add(&message, VETH_INFO_PEER, NULL, 0);

    memcpy(grow(&message, sizeof(head)), &head, sizeof(head));
    add(&message, IFLA_IFNAME, peer, strlen(peer) + 1);
    end_nest(&message, other);
    end_nest(&message, data);
    end_nest(&message, info);
    return talk(&message);
}

int link_join(const char *name, const char *bridge)
{
    struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
    unsigned master = if_nametoindex(bridge);
    struct message message = {0};

    if (head.ifi_index == 0 || master == 0) {
        return ENODEV;
    }
    begin(&message, RTM_NEWLINK, 0, &head, sizeof(head));
    add(&message, IFLA_MASTER, &master, sizeof(master));
    return talk(&message);
}

int link_rule(bool add_it, unsigned priority)
{
    struct fib_rule_hdr head = {.family = AF_INET, .table = RT_TABLE_MAIN, .action = FR_ACT_TO_TBL};
    struct message message = {0};

    begin(&message, add_it ? RTM_NEWRULE : RTM_DELRULE, add_it ? NLM_F_CREATE | NLM_F_EXCL : 0, &head, sizeof(head));
    add(&message, FRA_PRIORITY, &priority, sizeof(priority));
    return talk(&message);
}
