# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # out and work come from edge.sh
#
# What the tests of the doctor share: asking it, looking at its findings, what it could leave behind, and two kinds of rigs: a
# kernel whose calls fail, a program for another CPU.

# doctor [ARGUMENT...]: findings as JSON in $out
doctor()
{
    edge doctor --json --run-dir "$work/run" "$@"
}

# answer CODE: "ANSWER WHAT", one line for each finding of this code
answer()
{
    printf '%s' "$out" | json '"\n".join(f["answer"] + " " + f["what"] for f in d["findings"] if f["code"] == "'"$1"'")'
}

# says CODE REGEX [NAME]
says()
{
    like "$(answer "$1")" "$2" "$1: ${3:-$2}"
}

# remedy CODE: of the first finding of this code
remedy()
{
    printf '%s' "$out" | json '[f["remedy"] for f in d["findings"] if f["code"] == "'"$1"'"][0]'
}

# plain CONTENT: a manifest with a data-root on /data/docker, and this in addition (a section, with the comma in front)
plain()
{
    manifest plain <<<'{"version": 1, "host": {"files": [{"path": "/etc/docker/daemon.json", "json": {"data-root":
        "/data/docker", "storage-driver": "overlay2"}}]'"${1:-}"'}, "services": {"dockerd": {"command":
        ["/usr/sbin/dockerd"]'"${2:-}"'}}}'
}

on_plain()
{
    doctor --manifest "$work/plain.json" "$@"
}

# lesser KERNEL-FAULT [ARGUMENT...]: the same, with system calls that fail (strace -e inject=FAULT)
lesser()
{
    local fault=$1
    shift
    traced -f --seccomp-bpf -e "inject=$fault" -- doctor --json --run-dir "$work/run" --manifest "$work/plain.json" "$@"
}

# Everything that the doctor could leave behind. Times are not looked at, but those of the data-root's content.
snapshot()
{
    state
    cut -d' ' -f3- /proc/self/mountinfo
    ip -o link
    ip rule
    iptables-legacy-save 2>&1 | grep -v '^#'
    iptables-nft-save 2>&1 | grep -v '^#'
    find /sys/fs/cgroup /data /mnt /run /tmp /var/lib -path "$work" -prune -o -printf '%p %y %m %s\n' 2>/dev/null |
        grep -v ' f ' | sort
    sort /proc/self/cgroup | sed 's/^[0-9]*//'
    ls -l /proc/self/ns | sed 's/.*-> //; s/pid_for_children.*//'
    ps -e -o comm= | grep -vE '^(ps|grep|sort|sed|bash|find|cut|ls|env|python3|state)$' | sort
}

unchanged()
{
    snapshot >"$work/after"
    ok "$1: the board is as it was" diff "$work/before" "$work/after"
}

# wrong_cpu FILE: the head of a program for a big-endian MIPS
wrong_cpu()
{
    printf '\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x08\0\0\0\x01' >"$1"
    head -c 40 /dev/zero >>"$1"
    chmod 755 "$1"
}
