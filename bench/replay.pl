#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# bench/replay.pl TRACE... — a C program that makes the system calls of these traces and does nothing else: those of a process, and of
# the one that it starts. The traces are those of "strace -ff -X raw -xx -s 1000000 -o TRACE": one file a process, numbers as numbers,
# strings in hexadecimal. Buffers that the kernel fills are one and the same; descriptors have their numbers of themselves.
# Left out is what a C program does by itself, as this one does: its start, and what libc does around fork(2).
use strict;
use warnings;

my @files = @ARGV;
my %by_itself = map { $_ => 1 } qw(execve arch_prctl set_tid_address rt_sigprocmask gettid set_robust_list rseq);
my @processes;
my $heap = 0;

# The arguments of a call, split at commas outside of all brackets; there are no strings but hexadecimal ones.
sub arguments {
    my ($text) = @_;
    my ($depth, $at, @parts) = (0, 0, '');
    for my $c (split //, $text) {
        $depth++ if $c =~ /[\[{(]/;
        $depth-- if $c =~ /[\]})]/;
        if ($c eq ',' && $depth == 0) {
            push @parts, '';
        } else {
            $parts[-1] .= $c unless $c eq ' ' && $parts[-1] eq '';
        }
    }
    return @parts;
}

# What the kernel fills, or prints only as a structure: the common buffer. Pointers are larger than any number there is.
sub plain {
    my ($value) = @_;
    $value =~ s/^\|//; # no flag by name, and one
    return $value if $value =~ /^"/;
    return 0 if $value eq 'NULL';
    return $value if $value =~ /^-?(0x[0-9a-f]{1,8}|\d+)(\|(0x[0-9a-f]+|\d+))*$/;
    return 'buffer';
}

sub bytes {
    my ($string) = @_;
    my $length = () = $string =~ /\\x/g;
    return ($string, $length);
}

my %special = (
    fork => sub { 'if (fork() == 0) { child(NULL); }' },
    clone => sub {
        my ($names) = map { /^flags=(.*)/ } @_;
        my $flags = 0;
        $flags |= /^0x/ ? hex($_) : $_ for grep { $_ ne "" } split /\|/, $names;
        return 'if (fork() == 0) { child(NULL); }' unless $flags & 0x100; # CLONE_VM
        return "clone(child, stack + sizeof(stack), $flags, NULL);";
    },
    wait4 => sub { my ($pid, undef, $options) = @_; 'syscall(SYS_wait4, -1, NULL, ' . plain($options) . ', NULL);' },
    exit_group => sub { "_exit($_[0]);" },
    brk => sub {
        return 'syscall(SYS_brk, 0);' if $_[0] eq 'NULL';
        no warnings "portable";
        my $top = hex($_[0]);
        $heap = $top if $heap == 0;
        return 'syscall(SYS_brk, heap + ' . ($top - $heap) . ');';
    },
    read => sub { "syscall(SYS_read, $_[0], buffer, $_[2]);" },
    rt_sigaction => sub { $_[1] =~ /sa_handler=0x1\b/ ? "signal($_[0], SIG_IGN);" : "signal($_[0], SIG_DFL);" },
    epoll_ctl => sub { "syscall(SYS_epoll_ctl, $_[0], $_[1], $_[2], &(struct epoll_event){.events = EPOLLIN});" },
    setsockopt => sub { my ($value) = $_[3] =~ /(\d+)/; "syscall(SYS_setsockopt, $_[0], $_[1], $_[2], &(int){$value}, 4);" },
    bind => sub { "syscall(SYS_bind, $_[0], &kernel, sizeof(kernel));" },
    getsockname => sub { "syscall(SYS_getsockname, $_[0], buffer, &(int){12});" },
    writev => sub {
        my ($fd, $vector) = @_;
        my @pieces = map { s/\\x$//r } $vector =~ /iov_base=("[^"]*"|NULL)/g;
        my @items = map { my ($s, $n) = $_ eq 'NULL' ? (0, 0) : bytes($_); "{(void *)$s, $n}" } @pieces;
        return "syscall(SYS_writev, $fd, (struct iovec[]){" . join(', ', @items) . '}, ' . @items . ');';
    },
    sendmsg => sub {
        my ($table) = $_[1] =~ /nla_type=0xf\}, ([0-9a-fx]+)/;
        my ($priority) = $_[1] =~ /nla_type=0x6\}, ([0-9a-fx]+)/;
        die "a message that is no rule: $_[1]\n" unless defined $table && defined $priority;
        return "send_rule($_[0], $table, $priority);";
    },
    recvmsg => sub { "receive($_[0], $_[-1]);" },
);
$special{vfork} = $special{fork};

for my $file (@files) {
    my ($started, @lines) = (0);
    open my $trace, '<', $file or die "$file: $!\n";
    while (<$trace>) {
        $started = 1, @lines = (), next if /^execve\(.* = 0$/;
        my ($name, $text) = /^(\w+)\((.*)\) += / or /^(exit_group)\((\d+)\)/ or next;
        next if $by_itself{$name};
        my @values = arguments($text);
        push @lines, $special{$name} ? $special{$name}->(@values)
            : 'syscall(' . join(', ', "SYS_$name", map { plain($_) } @values) . ');';
    }
    close $trace;
    push @processes, {main => $started, lines => \@lines};
}
@processes = sort { $b->{main} <=> $a->{main} } @processes;
die "one process and one child are known here, not " . @processes . "\n" unless @processes == 2;

print <<'END';
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rule.h"

static char stack[8192] __attribute__((aligned(16))); /* of a child that shares our memory */
static char buffer[32768];
static struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

static void send_rule(int fd, unsigned char table, unsigned priority)
{
    struct rule_request request = rule_request(table, priority);
    struct iovec piece = {&request, sizeof(request)};
    struct msghdr message = {.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = &piece, .msg_iovlen = 1};

    syscall(SYS_sendmsg, fd, &message, 0);
}

static void receive(int fd, int flags)
{
    struct sockaddr_nl from;
    struct iovec piece = {buffer, 16384};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &piece, .msg_iovlen = 1};

    syscall(SYS_recvmsg, fd, &message, flags);
}

END
print "static int child(void *unused)\n{\n    (void)unused;\n", map({ "    $_\n" } @{$processes[1]{lines}}), "    return 0;\n}\n\n";
print "int main(void)\n{\n    unsigned long heap = (unsigned long)syscall(SYS_brk, 0);\n\n";
print map({ "    $_\n" } @{$processes[0]{lines}}), "}\n";
