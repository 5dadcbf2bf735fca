#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# Each single resource made impossible: the line that a person reads names the resource, what was tried, the reason and
# a remedy, whole lines are compared; the plan says the same before, where it can know; all that does not need the
# resource is up, what needs it says who blocks it; exit code 1.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"

all_caps='run edgeinit as root with all capabilities; under SELinux, look for "avc: denied" in the kernel log'
below_data='the file system is read-only: choose a path below /data, or allow a window with "remount": true; if /data itself is, the kernel log says why it was not mounted'
call_it='insert the card, or see with "ls -l /dev/block" and "blkid" what this board calls it'
number=100

# tried HOST: plan and apply of this section, together with a rule that needs nothing of it
tried()
{
    manifest tried <<<"{\"version\": 1, \"host\": $1}"
    number=$((number + 1))
    manifest other <<<"{\"version\": 1, \"host\": {\"rules\": [{\"priority\": $number, \"table\": \"main\"}]}}"
    edge plan --manifest "$work/tried.json" --manifest "$work/other.json"
    plan_out=$out plan_status=$status
    edge apply --manifest "$work/tried.json" --manifest "$work/other.json"
}

# impossible HOST RESOURCE TEXT [PLAN-LINE]: apply says so, and the plan the same or, where it cannot know, PLAN-LINE
impossible()
{
    local wanted="! $2 $3" apply_out
    tried "$1"
    apply_out=$(line "$2" | grep -v '^\.' | sed -E 's/gave up after (2[0-9]{2}|[3-9][0-9]{2}) ms/gave up after 200 ms/; s/gave up after [0-9.]+ s/gave up after 200 ms/')
    is "$apply_out" "$wanted" "$2: apply: ${3:0:60}..."
    out=$plan_out
    is "$plan_status $(line "$2")" "${4:-1 $wanted}" "$2: what plan says"
    like "$status $(ip rule)" "^1 .*$number:" "$2: exit code 1, and the rest is up"
}

# blocked RESOURCE BLOCKER: by the last apply
blocked()
{
    edge apply --manifest "$work/tried.json" --manifest "$work/other.json"
    is "$(line "$1")" "! $1 blocked by $2" "$1 says that $2 blocks it"
}

stage_devices()
{
    local card=$BOARD_CARD type=$BOARD_CARD_TYPE other
    impossible '{"mounts": [{"target": "/mnt/c", "source": "/dev/block/none", "type": "tmpfs"}],
        "files": [{"path": "/mnt/c/x.json", "json": {}}], "directories": ["/mnt/c/sub", "/data/a"]}' 'mount /mnt/c' \
        "find device /dev/block/none: No such device; $call_it"
    blocked 'file /mnt/c/x.json' 'mount /mnt/c'
    blocked 'directory /mnt/c/sub' 'mount /mnt/c'
    ok "and nothing is made in its place" test ! -e /mnt/c/x.json
    ok "what is elsewhere is there" test -d /data/a
    impossible '{"mounts": [{"target": "/mnt/c", "source": "/dev/block/none", "type": "tmpfs", "wait": "200ms"}]}' \
        'mount /mnt/c' "gave up after 200 ms: find device /dev/block/none: No such device; $call_it" \
        '2 + mount /mnt/c (/dev/block/none is not there yet; waits up to 200 ms)'
    impossible '{"mounts": [{"target": "/mnt/c", "source": "LABEL=none"}]}' 'mount /mnt/c' \
        "find device LABEL=none: No such device; $call_it" '2 + mount /mnt/c'
    impossible '{"mounts": [{"target": "/mnt/c", "source": "/data"}]}' 'mount /mnt/c' \
        'mount /data: Block device required; name a block device, or set "type": "bind" to bind a directory'
    # A type that the kernel has and the card does not.
    for other in squashfs erofs xfs btrfs ext4; do
        [[ $other == "$type" ]] || ! grep -qw "$other" /proc/filesystems || break
    done
    impossible "{\"mounts\": [{\"target\": \"/mnt/c\", \"source\": \"$card\", \"type\": \"$other\"}]}" 'mount /mnt/c' \
        "$card holds $type, not $other: mount $card on /mnt/c (type $other, options none): Invalid argument; set \"type\": \
\"$type\", or format the card: mkfs.$other $card (this erases it)" '2 + mount /mnt/c'
    impossible "{\"mounts\": [{\"target\": \"/mnt/c\", \"source\": \"$card\", \"type\": \"f3fs\"}]}" 'mount /mnt/c' \
        "mount $card on /mnt/c: this kernel does not know file system \"f3fs\"; build the kernel with it (f2fs: \
CONFIG_F2FS_FS=y), or choose a type of /proc/filesystems"
    impossible '{"mounts": [{"target": "/mnt/c", "type": "tmpfs", "options": "nonsense=1"}]}' 'mount /mnt/c' \
        'mount tmpfs on /mnt/c (type tmpfs, options nonsense=1): Invalid argument; check "options": tmpfs does not take '\
'one of them, or not its value; the kernel log may say which' '2 + mount /mnt/c'
    mkdir -p /mnt/c
    mount -t ramfs something /mnt/c
    impossible "{\"mounts\": [{\"target\": \"/mnt/c\", \"source\": \"$card\"}]}" 'mount /mnt/c' \
        "mount $card on /mnt/c: ramfs from something is mounted there, not $card: Device or resource busy; umount /mnt/c, \
or make the manifest say what is there"
    umount /mnt/c

    diag "cards with nothing on them, or with what this kernel does not know"
    dd if=/dev/zero of="$card" bs=1M count=8 conv=notrunc 2>/dev/null
    impossible "{\"mounts\": [{\"target\": \"/mnt/c\", \"source\": \"$card\", \"type\": \"$type\"}]}" 'mount /mnt/c' \
        "$card holds no file system that can be recognised: mount $card on /mnt/c (type $type, options none): Invalid \
argument; format it: mkfs.$type $card (this erases the card)" '2 + mount /mnt/c'
    impossible "{\"mounts\": [{\"target\": \"/mnt/c\", \"source\": \"$card\"}]}" 'mount /mnt/c' \
        "$card holds no file system that can be recognised; format it: mkfs.f2fs $card (this erases the card)" \
        '2 + mount /mnt/c'
    if ! grep -qw minix /proc/filesystems && mkfs.minix -3 "$card" >/dev/null 2>&1; then
        impossible "{\"mounts\": [{\"target\": \"/mnt/c\", \"source\": \"$card\"}]}" 'mount /mnt/c' \
            "mount $card on /mnt/c: this kernel does not know file system \"minix\"; build the kernel with it (f2fs: \
CONFIG_F2FS_FS=y), or choose a type of /proc/filesystems" '2 + mount /mnt/c'
    else
        skip "this kernel knows minix" 3
    fi
}

stage_paths()
{
    touch /data/file
    mkdir /data/directory
    impossible '{"directories": ["/data/file"]}' 'directory /data/file' \
        'mkdir /data/file: Not a directory; something that is no directory stands there: move it away or choose another path'
    impossible '{"directories": ["/data/file/x/y"]}' 'directory /data/file/x/y' 'stat /data/file/x/y: Not a directory; a part '\
'of the path is not a directory: move that file away or choose another path'
    impossible '{"files": [{"path": "/data/file/x", "text": ""}]}' 'file /data/file/x' \
        'open /data/file/x: Not a directory; a part of the path is not a directory: move that file away or choose another path'
    impossible '{"files": [{"path": "/data/directory", "text": ""}]}' 'file /data/directory' 'read /data/directory: not a regular '\
'file: Is a directory; a directory stands there: move it away or choose another path'
    ln -s loop /data/loop
    impossible '{"files": [{"path": "/data/loop", "text": ""}]}' 'file /data/loop' \
        'open /data/loop: Too many levels of symbolic links; the symlinks form a loop: remove one of them'
    impossible '{"mounts": [{"target": "/data/file", "type": "tmpfs"}]}' 'mount /data/file' 'mount tmpfs on /data/file: Not a '\
'directory; a file stands there, and a directory is to be mounted: move it away or choose another target'
    impossible '{"mounts": [{"target": "/data/directory", "source": "/data/file", "type": "bind"}]}' 'mount /data/directory' \
        'mount /data/file on /data/directory: Is a directory; a directory stands there, and a file is to be mounted: move it '\
'away or choose another target'
    impossible '{"mounts": [{"target": "/mnt/c", "source": "/data/none", "type": "bind"}]}' 'mount /mnt/c' 'bind /data/none on '\
'/mnt/c: stat /data/none: No such file or directory; list /data/none in "directories", or create it'
    impossible '{"directories": [{"path": "/data/o", "owner": "nosuch"}], "files": [{"path": "/data/o/x", "text": ""}]}' \
        'directory /data/o' 'no user "nosuch" in /etc/passwd; write a user of this image, or its number'
    blocked 'file /data/o/x' 'directory /data/o'
    ok "and nothing is made" test ! -e /data/o
    impossible '{"files": [{"path": "/data/o2", "text": "", "group": "nosuch"}]}' 'file /data/o2' \
        'no group "nosuch" in /etc/group; write a group of this image, or its number'
    # Full: the old file stays whole, and nothing is left beside it.
    mkdir /data/small
    mount -t tmpfs -o size=16k tmpfs /data/small
    echo '{"old": 1}' >/data/small/x.json
    head -c 100000 /dev/zero >/data/small/fill 2>/dev/null
    impossible '{"files": [{"path": "/data/small/x.json", "json": {"new": 1}}]}' 'file /data/small/x.json' 'write '\
'/data/small/x.json: No space left on device; the file system is full: free space or move the path to another one' \
        '2 ~ file /data/small/x.json (other content)'
    is "$(ls -A /data/small; cat /data/small/x.json)" $'fill\nx.json\n{"old": 1}' "the old file is whole, no temporary is left"
}

stage_kernel()
{
    local release
    release=$(uname -r)
    if [[ " $BOARD_CONTROLLERS " == *" cpuacct "* ]]; then
        impossible '{"cgroups": {"controllers": ["nosuch", "cpuacct"]}}' 'cgroup /sys/fs/cgroup/nosuch' 'mount controller nosuch '\
'on /sys/fs/cgroup/nosuch: it is not in /proc/cgroups; correct the name, or write {"name": "nosuch", "optional": true}'
        is "$(findmnt --noheadings --output FSTYPE /sys/fs/cgroup/cpuacct)" cgroup "another controller is there"
        impossible '{"cgroups": {"controllers": ["schedtune"]}}' 'cgroup /sys/fs/cgroup/schedtune' 'mount controller schedtune on '\
'/sys/fs/cgroup/schedtune: it is not in /proc/cgroups; build the kernel with CONFIG_SCHED_TUNE (Android kernels up to '\
'4.19), or write {"name": "schedtune", "optional": true}; without it: no scheduler boosts'
        mkdir /dev/taken
        mount -t tmpfs tmpfs /dev/taken
        impossible '{"cgroups": {"controllers": [{"name": "cpuacct", "path": "/dev/taken"}]}}' 'cgroup /dev/taken' 'mount cpuacct on '\
'/dev/taken: tmpfs (rw) is mounted there: Device or resource busy; umount /dev/taken, or choose another "root" or "path"'
        impossible '{"cgroups": {"controllers": [{"name": "cpuacct", "path": "/dev/cpuacct", "uid": "nosuch"}]}}' \
            'cgroup /dev/cpuacct' 'no user "nosuch" in /etc/passwd; write a user of this image, or its number'
        umount -R /sys/fs/cgroup
        mount -t ramfs ramfs /sys/fs/cgroup
        impossible '{"cgroups": {"controllers": ["cpuacct"]}}' 'cgroup /sys/fs/cgroup' 'mount tmpfs on /sys/fs/cgroup: ramfs is '\
'mounted there: Device or resource busy; umount /sys/fs/cgroup, or choose another "root"'
        blocked 'cgroup /sys/fs/cgroup/cpuacct' 'cgroup /sys/fs/cgroup'
        umount /sys/fs/cgroup
    else
        skip "no cgroup v1 on this host" 17
    fi
    impossible '{"sysctls": {"net.ipv4.nothing": "1"}}' 'sysctl net.ipv4.nothing' 'open /proc/sys/net/ipv4/nothing: No such file or '\
'directory; this kernel has no such parameter: correct the key, or load the module that brings it'
    impossible '{"sysctls": {"net.ipv4.ip_forward": "many"}}' 'sysctl net.ipv4.ip_forward' 'write "many" to '\
'/proc/sys/net/ipv4/ip_forward: Invalid argument; the kernel refuses this value: see what it has now with "cat '\
'/proc/sys/net/ipv4/ip_forward"' '2 ~ sysctl net.ipv4.ip_forward (is 0, wanted many)'
    impossible '{"sysctls": {"kernel.threads-max": "17"}}' 'sysctl kernel.threads-max' 'open /proc/sys/kernel/threads-max: Read-only file '\
'system; /proc/sys is mounted read-only, as in a container: set it where the kernel is run' \
        "2 ~ sysctl kernel.threads-max (is $(</proc/sys/kernel/threads-max), wanted 17)"
    impossible '{"sysctls": {"net.ipv4": "1"}}' 'sysctl net.ipv4' 'read /proc/sys/net/ipv4: not a regular file: Is a directory; this is '\
'a group of parameters: name one of those in it'
    impossible '{"files": [{"path": "/proc/sys/net/ipv4/ip_forward", "write": "many"}]}' 'file /proc/sys/net/ipv4/ip_forward' \
        'write "many" to /proc/sys/net/ipv4/ip_forward: Invalid argument; the kernel refuses this value: see what it has now '\
'with "cat /proc/sys/net/ipv4/ip_forward"' '2 ~ file /proc/sys/net/ipv4/ip_forward (holds "0", wanted "many")'
    impossible '{"files": [{"path": "/dev/cpuset/none", "write": "0"}]}' 'file /dev/cpuset/none' 'open /dev/cpuset/none: No such file '\
'or directory; this kernel has no such file, or what brings it is not mounted: correct "path"'
    impossible '{"modules": ["nosuch"]}' 'module nosuch' "find module nosuch: not built in, and in no modules.dep below \
/lib/modules/$release, /vendor/lib/modules/$release and /system/lib/modules/$release; build the kernel with it, or give \
the path of its .ko file"
    impossible '{"modules": ["/data/nosuch.ko"]}' 'module nosuch' 'open module /data/nosuch.ko: No such file or directory; correct the '\
'path, or put the module there'
    if [[ -e /sys/fs/selinux/enforce ]]; then
        skip "this kernel runs with SELinux" 3
    else
        impossible '{"selinux": "enforcing"}' 'selinux enforcing' 'open /sys/fs/selinux/enforce: No such file or directory; this kernel '\
'runs without SELinux: boot it with security=selinux, or write "unchanged"'
    fi
}

# The state of the root's mount and of its file system.
root_is()
{
    awk '$5 == "/" {split($6, a, ","); for (i = 7; $i != "-"; i++); split($(i + 3), b, ","); print a[1], b[1]}' /proc/self/mountinfo |
        tail -n 1
}

stage_read_only()
{
    local before calls
    is "$(root_is)" 'ro ro' "the root is read-only"
    impossible '{"directories": ["/vendor/x"]}' 'directory /vendor/x' "mkdir /vendor: Read-only file system; $below_data" \
        "1 ! directory /vendor/x mkdir /vendor/x: Read-only file system; $below_data"
    impossible '{"mounts": [{"target": "/vendor", "type": "tmpfs"}]}' 'mount /vendor' "mkdir /vendor: Read-only file system; $below_data"
    impossible '{"files": [{"path": "/etc/new.json", "json": {}}]}' 'file /etc/new.json' 'open /etc/new.json: Read-only file system; bind '\
'a writable directory such as /data/etc over /etc, or set "remount": true'
    impossible '{"directories": [{"path": "/srv", "mode": "0700"}]}' 'directory /srv' "chmod /srv: Read-only file system; $below_data" \
        '2 ~ directory /srv (mode 0755, wanted 0700)'
    impossible '{"cgroups": {"root": "/group", "controllers": []}}' 'cgroup /group' 'mkdir /group: Read-only file system; list /group in '\
'"directories" with "remount": true, or choose another path'
    is "$(root_is)" 'ro ro' "nothing of this has opened a window"

    diag "an existing file: staged and bound"
    before=$(</etc/hosts)
    tried '{"files": [{"path": "/etc/hosts", "lines": ["10.0.0.1 one"], "mode": "0640"}]}'
    is "$status $(line 'file /etc/hosts')" '0 + file /etc/hosts' "apply does it"
    out=$plan_out
    is "$(line 'file /etc/hosts')" \
        '~ file /etc/hosts (read-only; staged in /data/service/el1/public/edgeinit and bound over it)' "the plan has said so"
    is "$(</etc/hosts)" "$before"$'\n10.0.0.1 one' "the file has it"
    is "$(stat -c '%a %d %i' /etc/hosts)" "$(stat -c '640 %d %i' /data/service/el1/public/edgeinit/files/etc/hosts)" \
        "by a bind of what is in the state directory, mode and all"
    tried '{"files": [{"path": "/etc/hosts", "lines": ["10.0.0.2 two"]}]}'
    is "$status $(</etc/hosts)" "0 $before"$'\n10.0.0.1 one\n10.0.0.2 two' "another change on top"
    is "$(grep -c ' /etc/hosts ' /proc/self/mountinfo)" 1 "with no second mount over the first"
    umount /etc/hosts
    is "$(</etc/hosts)" "$before" "the image itself is as it was"
    tried '{"files": [{"path": "/etc/hosts", "lines": ["10.0.0.1 one", "10.0.0.2 two"]}]}'
    is "$status $(</etc/hosts)" "0 $before"$'\n10.0.0.1 one\n10.0.0.2 two' "as after a reboot, when only the staged file is left"

    diag "remount windows"
    manifest window <<<'{"version": 1, "host": {
        "directories": [{"path": "/vendor/x", "remount": true, "mode": "0711"}, {"path": "/oem", "remount": true}],
        "mounts": [{"target": "/chipset", "type": "tmpfs", "remount": true}],
        "files": [{"path": "/etc/new.json", "json": {"a": 1}, "remount": true}, {"path": "/etc/hostname", "text": "staged\n"}]}}'
    edge plan --manifest "$work/window.json"
    is "$status $(line 'directory /vendor/x')" '2 + directory /vendor/x (through a remount window)' "the plan tells of it"
    traced -f -e trace=mount -- apply --manifest "$work/window.json"
    is "$status" 0 "apply" || diag "$out"
    is "$(stat -c %a /vendor/x) $(findmnt --noheadings --output FSTYPE /chipset) $(json d /etc/new.json) $(</etc/hostname)" \
        '711 tmpfs {"a": 1} staged' "all is there"
    is "$(root_is)" 'ro ro' "the window is closed"
    like ",$(findmnt --noheadings --output VFS-OPTIONS /)," ',nodev,' "the mount has kept its other options"
    ok "a file that exists is not written through it" mountpoint --quiet /etc/hostname
    is "$(ls -A -I mounts /run/edgeinit)" '' "no note of a window is left"
    calls=$(grep -c 'MS_REMOUNT' "$work/trace")
    is "$((calls % 2))" 0 "as many remounts to close as to open"
    edge plan --manifest "$work/window.json"
    is "$status $(different)" '0 ' "then there is nothing to do"
    # Killed inside: right after the remount, before each mkdir, before the rename.
    for calls in mkdir:3 mkdir:4 mkdir:5 renameat:1 renameat:4 mount:2 mount:4 unlink:1; do
        umount -q /etc/hostname /chipset
        mount -o remount,rw / && rm -rf /vendor /oem /chipset /etc/new.json && mount -o remount,ro,nodev /
        traced -e trace="${calls%:*}" -e "inject=${calls%:*}:signal=KILL:when=${calls#*:}" -- apply --manifest "$work/window.json"
        is "$status" 137 "killed before call ${calls#*:} of ${calls%:*}"
        edge apply --manifest "$work/window.json"
        is "$status $(root_is) $(ls -A -I mounts /run/edgeinit)" '0 ro ro ' "the next apply does the rest and closes the window"
    done
    manifest nothing <<<'{"version": 1}'
    # Which call of mkdir comes first inside the window is the program's affair.
    for calls in 1 2 3 4 5; do
        mount -o remount,rw / && rm -rf /oem && mount -o remount,ro,nodev /
        traced -e trace=mkdir -e "inject=mkdir:signal=KILL:when=$calls" -- apply --manifest "$work/window.json"
        [[ $(root_is) != 'rw rw' ]] || break
    done
    is "$status $(root_is)" '137 rw rw' "control: killed inside, the window is open"
    edge apply --manifest "$work/nothing.json"
    is "$status $(root_is)" '0 ro ro' "an apply of something else closes it too"

    edge apply --manifest "$work/window.json" --run-dir /norun
    is "$status $err" '1 edgeinit: error: make the run directory: mkdir /norun: Read-only file system; name a place on a tmpfs '\
'with --run-dir' "no place for the run directory"
}

stage_no_net_admin()
{
    manifest net <<<'{"version": 1, "host": {"rules": [{"priority": 1, "table": "main"}], "directories": ["/data/a"],
        "sysctls": {"net.ipv4.ip_forward": "1"}, "mounts": [{"target": "/mnt/t", "type": "tmpfs"}]}}'
    edge apply --manifest "$work/net.json"
    is "$status" 1 "exit code 1"
    is "$(line 'rule ipv4 1 table main')" '! rule ipv4 1 table main add rule ipv4 1 table main: Operation not permitted; run '\
'edgeinit as root with CAP_NET_ADMIN' "the rule"
    is "$(line 'sysctl net.ipv4.ip_forward')" '! sysctl net.ipv4.ip_forward write "1" to /proc/sys/net/ipv4/ip_forward: Operation '\
"not permitted; $all_caps" "the sysctl"
    is "$(stat -c %F /data/a) $(findmnt --noheadings --output FSTYPE /mnt/t)" 'directory tmpfs' "the rest is up"
}

stage_no_sys_admin()
{
    manifest sys <<<'{"version": 1, "host": {"rules": [{"priority": 1, "table": "main"}], "directories": ["/data/a", "/mnt/t/below"],
        "mounts": [{"target": "/mnt/t", "type": "tmpfs"}, {"target": "/mnt/c", "source": "LABEL=edgecard"}],
        "cgroups": {"controllers": [], "named": ["systemd"]}, "sysctls": {"net.ipv4.ip_forward": "1"}}}'
    edge apply --manifest "$work/sys.json"
    is "$status" 1 "exit code 1"
    is "$(line 'mount /mnt/t')" "! mount /mnt/t mount tmpfs on /mnt/t (type tmpfs, options none): Operation not permitted; $all_caps" \
        "a tmpfs"
    is "$(line 'mount /mnt/c')" "! mount /mnt/c mount $BOARD_CARD on /mnt/c (type $BOARD_CARD_TYPE, options none): Operation not \
permitted; $all_caps" "the card, in a worker"
    is "$(line 'cgroup /sys/fs/cgroup')" '! cgroup /sys/fs/cgroup mount tmpfs on /sys/fs/cgroup (type tmpfs, options '\
"nodev,noexec,nosuid,mode=755): Operation not permitted; $all_caps" "the root of cgroups"
    is "$(line 'cgroup /sys/fs/cgroup/systemd')" '! cgroup /sys/fs/cgroup/systemd blocked by cgroup /sys/fs/cgroup' "what is below it"
    is "$(line 'directory /mnt/t/below')" '! directory /mnt/t/below blocked by mount /mnt/t' "a directory on the tmpfs"
    like "$(stat -c %F /data/a) $(ip rule) $(</proc/sys/net/ipv4/ip_forward)" '^directory .*1:.*lookup main.* 1$' "the rest is up"
    like "$out" $'\napply: 3 done, 0 in place, 3 failed, 2 blocked' "the sum"
}

on_board devices
on_board paths --card none
on_board kernel --card none
on_board read_only --card none --read-only-root
on_board no_net_admin --card none --drop-cap cap_net_admin
on_board no_sys_admin --drop-cap cap_sys_admin
done_testing
