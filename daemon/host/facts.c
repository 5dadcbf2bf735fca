/* SPDX-License-Identifier: Apache-2.0 */
#include "host/facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/util.h"
#include "host/host.h"
#include "host/mounts.h"

#define ANSWER_LARGEST 8192 /* the kernel fills no larger buffer for a dump, netlink_dump() */

/* Nobody's neighbour, and in no network that a board could be connected to: a.root-servers.net. Nothing is sent to it. */
static const struct facts_destination far_away[] = {
    {AF_INET, 32, {198, 41, 0, 4}},
    {AF_INET6, 128, {0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0x30}},
};

static unsigned address_bits(int family)
{
    return family == AF_INET6 ? 128 : 32;
}

bool facts_parse_destination(const char *text, struct facts_destination *destination, const char **why)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "/");
    const char *slash = strchr(text, '/');
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    int64_t bits = address_bits(family);

    *destination = (struct facts_destination){.family = AF_UNSPEC};
    *why = NULL;
    if (streq(text, "default")) {
        return true;
    }
    snprintf(address, sizeof(address), "%.*s", (int)length, text);
    if (length >= sizeof(address) || inet_pton(family, address, destination->address) != 1) {
        *why = "must be \"default\", an address, or a network such as 10.0.0.0/8";
    } else if (slash != NULL && (slash[1] < '0' || slash[1] > '9' || (slash[1] == '0' && slash[2] != '\0') ||
                                 !text_parse_integer(slash + 1, &bits) || bits > address_bits(family))) {
        *why =
            family == AF_INET6 ? "has a prefix length that is not 0 to 128" : "has a prefix length that is not 0 to 32";
    }
    destination->family = family;
    destination->bits = (unsigned)bits;
    return *why == NULL;
}

/* --- asking --- */

/* A request is the header, the message of its type, and room for one attribute. */
struct request {
    struct nlmsghdr header;
    union {
        struct rtmsg route;
        struct ifaddrmsg address;
    } message;
    struct rtattr attribute;
    unsigned char value[16];
};

/* Send a request on a new socket. The kernel has the first part of its answer ready when this returns. */
static int ask(struct request *request, size_t length)
{
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    request->header.nlmsg_len = (uint32_t)length;
    request->header.nlmsg_flags |= NLM_F_REQUEST;
    request->header.nlmsg_seq = 1;
    if (fd < 0 || sendto(fd, request, length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) != (ssize_t)length) {
        return -1;
    }
    return take_fd(&fd);
}

/* The attribute of this type with at least `size` bytes, or NULL. */
static const void *find_attribute(const struct nlmsghdr *header, size_t message, unsigned short type, size_t size)
{
    const struct rtattr *attribute = (const void *)((const char *)NLMSG_DATA(header) + NLMSG_ALIGN(message));
    int left = (int)NLMSG_PAYLOAD(header, message);

    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if ((attribute->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(attribute) >= size) {
            return RTA_DATA(attribute);
        }
    }
    return NULL;
}

enum way_out { WAY_OUT, WAY_TO_US, NO_WAY };

/* The kernel's answer for one address: a unicast route that leaves by an interface. An error (ENETUNREACH) is no route; so
 * are unreachable, blackhole and prohibit, which IPv6 reports as routes by way of lo. */
static enum way_out look_up(int family, const unsigned char *address)
{
    size_t size = address_bits(family) / 8;
    struct request request = {
        .header = {.nlmsg_type = RTM_GETROUTE},
        .message.route = {.rtm_family = (unsigned char)family, .rtm_dst_len = (unsigned char)address_bits(family)},
        .attribute = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = RTA_DST},
    };
    CLEANUP_CLOSE int fd = -1;
    char answer[ANSWER_LARGEST] __attribute__((aligned(NLMSG_ALIGNTO)));
    const struct nlmsghdr *header = (const void *)answer;
    const struct rtmsg *route = NLMSG_DATA(header);
    const unsigned *out;
    ssize_t length;

    memcpy(request.value, address, size);
    fd = ask(&request, NLMSG_LENGTH(sizeof(request.message.route)) + RTA_LENGTH(size));
    length = fd < 0 ? -1 : recv(fd, answer, sizeof(answer), 0);
    if (length < (ssize_t)NLMSG_LENGTH(sizeof(*route)) || !NLMSG_OK(header, (size_t)length) ||
        header->nlmsg_type != RTM_NEWROUTE) {
        return NO_WAY;
    }
    if (route->rtm_type == RTN_LOCAL) {
        return WAY_TO_US;
    }
    out = find_attribute(header, sizeof(*route), RTA_OIF, sizeof(*out));
    return route->rtm_type == RTN_UNICAST && out != NULL && *out != 0 && *out != if_nametoindex("lo") ? WAY_OUT
                                                                                                      : NO_WAY;
}

static bool network_has_route(const struct facts_destination *network)
{
    unsigned size = address_bits(network->family) / 8;
    enum way_out way = WAY_TO_US;

    /* The network's own address is a broadcast in IPv4 (before 5.14), and one of its hosts may be us. */
    for (unsigned char host = 1; host <= 3 && way == WAY_TO_US; host++) {
        unsigned char address[16] = {0};

        for (unsigned i = 0; i < size; i++) {
            unsigned kept = network->bits <= i * 8 ? 0 : network->bits - i * 8;

            address[i] = (unsigned char)(network->address[i] & (kept >= 8 ? 0xff : 0xff00 >> kept));
        }
        address[size - 1] |= host;
        way = look_up(network->family, address);
    }
    return way == WAY_OUT;
}

bool facts_has_route(const struct facts_destination *destination)
{
    for (size_t i = 0; destination->bits == 0 && i < ARRAY_SIZE(far_away); i++) {
        if ((destination->family == AF_UNSPEC || destination->family == far_away[i].family) &&
            look_up(far_away[i].family, far_away[i].address) == WAY_OUT) {
            return true;
        }
    }
    if (destination->bits == 0) {
        return false;
    }
    /* Two addresses, or one, are hosts all of them. */
    if (destination->bits >= address_bits(destination->family) - 1) {
        return look_up(destination->family, destination->address) == WAY_OUT;
    }
    return network_has_route(destination);
}

static bool is_usable(const struct nlmsghdr *header, int index)
{
    const struct ifaddrmsg *address = NLMSG_DATA(header);
    const unsigned *flags; /* all 32 of them, since 3.14 */

    if (header->nlmsg_type != RTM_NEWADDR || header->nlmsg_len < NLMSG_LENGTH(sizeof(*address)) ||
        address->ifa_index != (unsigned)index || address->ifa_scope != RT_SCOPE_UNIVERSE) {
        return false;
    }
    flags = find_attribute(header, sizeof(*address), IFA_FLAGS, sizeof(*flags));
    return ((flags == NULL ? address->ifa_flags : *flags) & (IFA_F_TENTATIVE | IFA_F_DEPRECATED | IFA_F_DADFAILED)) ==
           0;
}

/* All addresses of the board, of both families: kernels before 4.20 do not dump those of one interface. */
static bool has_address(int index)
{
    struct request request = {.header = {.nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_DUMP},
                              .message.address = {.ifa_family = AF_UNSPEC}};
    CLEANUP_CLOSE int fd = ask(&request, NLMSG_LENGTH(sizeof(request.message.address)));
    char answer[ANSWER_LARGEST] __attribute__((aligned(NLMSG_ALIGNTO)));
    ssize_t length;

    while (fd >= 0 && (length = recv(fd, answer, sizeof(answer), 0)) > 0) {
        const struct nlmsghdr *header = (const void *)answer;

        for (; NLMSG_OK(header, (size_t)length); header = NLMSG_NEXT(header, length)) {
            if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
                return false;
            }
            if (is_usable(header, index)) {
                return true;
            }
        }
    }
    return false;
}

enum facts_address facts_interface(const char *name)
{
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct ifreq request = {0};
    int index;

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &request) != 0) {
        return FACTS_NO_INTERFACE;
    }
    index = request.ifr_ifindex;
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
        return FACTS_NO_INTERFACE;
    }
    if ((request.ifr_flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING)) {
        return FACTS_DOWN;
    }
    return has_address(index) ? FACTS_ADDRESS : FACTS_NO_ADDRESS;
}

/* FNV-1a over the bytes of some fields. */
static uint64_t mix(uint64_t print, const void *bytes, size_t length)
{
    for (size_t i = 0; bytes != NULL && i < length; i++) {
        print = (print ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return print;
}

#define MIX_BEGIN UINT64_C(0xcbf29ce484222325)

/* 0: it does not count. An address that is not in use yet does not, and tells again when it is. */
static uint64_t print_address(const struct nlmsghdr *header)
{
    const struct ifaddrmsg *message = NLMSG_DATA(header);
    size_t size = address_bits(message->ifa_family) / 8;

    return is_usable(header, (int)message->ifa_index)
               ? mix(mix(MIX_BEGIN, &message->ifa_index, sizeof(message->ifa_index)),
                     find_attribute(header, sizeof(*message), IFA_ADDRESS, size), size)
               : 0;
}

static uint64_t print_route(const struct nlmsghdr *header)
{
    static const unsigned short fields[] = {RTA_GATEWAY, RTA_DST, RTA_OIF, RTA_TABLE};
    const struct rtmsg *message = NLMSG_DATA(header);
    size_t size = address_bits(message->rtm_family) / 8;
    uint64_t print = mix(MIX_BEGIN, &message->rtm_dst_len, sizeof(message->rtm_dst_len));

    if (header->nlmsg_type != RTM_NEWROUTE || message->rtm_type != RTN_UNICAST ||
        (message->rtm_flags & RTM_F_CLONED) != 0 ||
        find_attribute(header, sizeof(*message), RTA_GATEWAY, size) == NULL) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        size_t length = i < 2 ? size : sizeof(uint32_t);

        print = mix(print, find_attribute(header, sizeof(*message), fields[i], length), length);
    }
    return print;
}

struct prints {
    uint64_t *items;
    size_t count;
    size_t most;
};

static void print_dump(unsigned short type, uint64_t (*print)(const struct nlmsghdr *header), struct prints *prints)
{
    struct request request = {.header = {.nlmsg_type = type, .nlmsg_flags = NLM_F_DUMP}};
    CLEANUP_CLOSE int fd = ask(&request, NLMSG_LENGTH(sizeof(request.message)));
    char answer[ANSWER_LARGEST] __attribute__((aligned(NLMSG_ALIGNTO)));
    ssize_t length;

    while (fd >= 0 && (length = recv(fd, answer, sizeof(answer), 0)) > 0) {
        const struct nlmsghdr *header = (const void *)answer;

        for (; NLMSG_OK(header, (size_t)length); header = NLMSG_NEXT(header, length)) {
            bool whole = header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg));
            uint64_t number = whole ? print(header) : 0;

            if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
                return;
            }
            if (number != 0 && prints->count < prints->most) {
                prints->items[prints->count++] = number;
            }
        }
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): written through `found` */
size_t facts_network_prints(uint64_t *prints, size_t most)
{
    struct prints found = {.items = prints, .most = most};

    print_dump(RTM_GETADDR, print_address, &found);
    print_dump(RTM_GETROUTE, print_route, &found);
    return found.count;
}

/* --- being told --- */

int facts_leave_out_wireless(int fd)
{
    /* The kernel compares in network byte order; SKF_AD_NLATTR gives the offset of the attribute X behind A, 0 if none. */
    enum { ATTRIBUTES = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg)) };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWLINK), 0, 5),
        BPF_STMT(BPF_LD | BPF_IMM, ATTRIBUTES),
        BPF_STMT(BPF_LDX | BPF_IMM, IFLA_WIRELESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {ARRAY_SIZE(code), code};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int facts_watch_network(struct error *err)
{
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    /* A rule of IPv6 exists only where the kernel has CONFIG_IPV6_MULTIPLE_TABLES; its group always does. */
    static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                 RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE};
    struct sockaddr_nl name = {.nl_family = AF_NETLINK};

    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
        return error_system(err, errno, "open a socket of rtnetlink");
    }
    facts_leave_out_wireless(fd); /* without it we only wake up more often */
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) != 0) {
            return error_system(err, errno, "join group %d of rtnetlink", groups[i]);
        }
    }
    return take_fd(&fd);
}

void facts_drain(int fd)
{
    enum { MOST = 4096 }; /* at a time: a flood must not hold the daemon */
    char start[NLMSG_HDRLEN];

    for (int i = 0; i < MOST; i++) {
        if (recv(fd, start, sizeof(start), MSG_DONTWAIT | MSG_TRUNC) < 0 && errno != ENOBUFS && errno != EINTR) {
            return;
        }
    }
}

int facts_watch_mounts(struct error *err)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

    return fd < 0 ? error_system(err, errno, "open /proc/self/mountinfo") : fd;
}

bool facts_is_mounted(const char *path)
{
    struct host host = {0};
    struct mount_entry entry;
    struct error ignored = {0};
    struct stat status;
    /* What is no mount's root may be one that this kernel cannot tell of: then the table does. */
    bool is_mounted = mounts_is_root(path, &status) || mounts_at(&host, path, &entry, &ignored) == 1;

    mounts_forget(&host);
    return is_mounted;
}
