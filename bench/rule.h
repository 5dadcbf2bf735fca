/* SPDX-License-Identifier: Apache-2.0 */
/* What asks the kernel for an IPv4 rule, for bare.c and what replay.pl makes. */
#ifndef EDGEINIT_BENCH_RULE_H
#define EDGEINIT_BENCH_RULE_H

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

struct rule_request {
    struct nlmsghdr header;
    struct fib_rule_hdr rule;
    struct nlattr table_attribute;
    unsigned table;
    struct nlattr priority_attribute;
    unsigned priority;
};

static struct rule_request rule_request(unsigned char table, unsigned priority)
{
    return (struct rule_request){
        .header = {.nlmsg_len = sizeof(struct rule_request),
                   .nlmsg_type = RTM_NEWRULE,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE},
        .rule = {.family = AF_INET, .table = table, .action = FR_ACT_TO_TBL},
        .table_attribute = {8, FRA_TABLE},
        .table = table,
        .priority_attribute = {8, FRA_PRIORITY},
        .priority = priority,
    };
}

#endif
