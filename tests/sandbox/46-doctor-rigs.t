#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# Each probe of storage, control groups, network, programs and names has a rig that makes it fail, and one in which it passes.
#
# Rigs are what a board may really be like (a read-only card, a program for another CPU, no localhost), or bind mounts over the
# kernel's files where this PC's kernel is too good, or system calls that strace lets fail as a lesser kernel would.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=doctor.sh
source "$edge_here/doctor.sh"

stage_storage()
{
    plain
    mkdir /data/docker
    # The card, writable by the manifest, read-only in fact.
    mount "$BOARD_CARD" /data/docker
    on_plain
    says data-root.writable '^yes '
    says overlay.mount '^yes overlayfs can be mounted on /data/docker'
    mount -o remount,ro /data/docker
    manifest card <<<'{"version": 1, "host": {"mounts": [{"target": "/data/docker", "source": "'"$BOARD_CARD"'"}]}}'
    doctor --manifest "$work/plain.json" --manifest "$work/card.json"
    says data-root.writable '^no /data/docker is on a read-only file system'
    says overlay.directory '^no mkdir /data/docker/.*: Read-only file system'
    says card.read-only '^no /data/docker is read-only, against the manifest'
    is "$status" 1 "a read-only card: unfit"
    umount /data/docker
    doctor --manifest "$work/plain.json" --manifest "$work/card.json"
    says data-root.mounted '^unknown /data/docker is on /data/docker, which is not mounted yet'
    # Room.
    mount -t tmpfs -o size=16M small /data/docker
    on_plain
    says data-root.space '^no /data/docker has 1[0-9] MB left'
    mount -o remount,size=300M /data/docker
    on_plain
    says data-root.space '^warning /data/docker has [23][0-9][0-9] MB'
    # Flags.
    mount -o remount,nodev,nosuid /data/docker
    on_plain
    says data-root.flags '^warning /data/docker is mounted with nodev nosuid'
    mount -o remount,noexec /data/docker
    on_plain
    says data-root.flags '^warning .* noexec'
    umount /data/docker
    # Overlay on overlay: the root of this board is one.
    mkdir -p /srv/docker
    sed 's|/data/docker|/srv/docker|' "$work/plain.json" >"$work/srv.json"
    doctor --manifest "$work/srv.json"
    says overlay.mount '^no overlayfs cannot be mounted on /srv/docker: Invalid argument'
    says overlay.directory '^yes '
    ok "no scratch directory is left" test -z "$(ls -A /srv/docker)"
    sed 's|overlay2|vfs|' "$work/srv.json" >"$work/vfs.json"
    doctor --manifest "$work/vfs.json"
    says overlay.mount '^warning ' "with another storage driver"
}

stage_encrypted()
{
    [[ $BOARD_CARD_TYPE == ext4 ]] || { skip "the card is $BOARD_CARD_TYPE" 2 && return; }
    tune2fs -O encrypt "$BOARD_CARD" >/dev/null 2>&1
    mkdir -p /data/docker
    plain
    if ! mount "$BOARD_CARD" /data/docker || ! /usr/bin/python3 -I - /data/docker/root <<'EOF'; then
import ctypes, fcntl, os, sys
# fscrypt v2: FS_IOC_ADD_ENCRYPTION_KEY, FS_IOC_SET_ENCRYPTION_POLICY (linux/fscrypt.h)
raw = bytes(range(64))
key = bytearray((2).to_bytes(4, "little") + bytes(36) + (64).to_bytes(4, "little") + bytes(36) + raw)
root = os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY)
fcntl.ioctl(root, 0xc0506617, key)
os.mkdir(sys.argv[1])
policy = bytes([2, 1, 4, 0]) + bytes(4) + bytes(key[8:24])
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x800c6613, policy)
EOF
        skip "this kernel cannot encrypt" 2
        return
    fi
    sed 's|/data/docker|/data/docker/root|' "$work/plain.json" >"$work/root.json"
    doctor --manifest "$work/root.json"
    says data-root.encrypted '^no /data/docker/root is encrypted'
    on_plain
    says data-root.encrypted '^yes '
}

stage_d_type()
{
    [[ $BOARD_CARD_TYPE == ext4 ]] || { skip "the card is $BOARD_CARD_TYPE" 2 && return; }
    mkdir -p /data/docker
    plain
    mkfs.ext4 -q -F -O '^filetype' "$BOARD_CARD"
    mount "$BOARD_CARD" /data/docker
    on_plain
    says overlay.d_type '^no '
    umount /data/docker
    on_plain
    says overlay.d_type '^yes '
}

stage_card()
{
    wanted() # SOURCE TYPE
    {
        manifest card <<<'{"version": 1, "host": {"mounts": [{"target": "/mnt/c", "source": "'"$1"'", "type": "'"$2"'"}]}}'
        doctor --manifest "$work/plain.json" --manifest "$work/card.json"
    }
    plain
    wanted "$BOARD_CARD" "$BOARD_CARD_TYPE"
    says card.type "^yes $BOARD_CARD holds $BOARD_CARD_TYPE"
    # Bytes of the log, as if the kernel had written them.
    line=$(printf '<2>[ 1.0] EXT4-fs error (device mmcblk0p1): no luck\n' | od -An -tx1 -v | tr -d ' \n')
    lesser "syslog:poke_exit=@arg2=$line:when=2" --manifest "$work/card.json"
    says card.log '^warning the kernel log says "EXT4-fs error .device mmcblk0p1.: no luck"'
    wanted "$BOARD_CARD" xfs
    says card.type "^no $BOARD_CARD holds $BOARD_CARD_TYPE, and the manifest wants xfs"
    like "$(remedy card.type)" 'set "type": "'"$BOARD_CARD_TYPE"'".*mkfs.xfs '"$BOARD_CARD" "card.type: the remedy names both"
    wanted LABEL=none ext4
    says card.device '^no LABEL=none, for /mnt/c: No such device'
    dd if=/dev/zero of="$BOARD_CARD" bs=1M count=4 status=none
    wanted "$BOARD_CARD" f2fs
    says card.type "^no $BOARD_CARD holds no file system that is known"
    like "$(remedy card.type)" "^mkfs.f2fs $BOARD_CARD" "card.type: the remedy is a mkfs line"
    says card.f2fs '^(no this kernel has no f2fs|yes )'
    # As a kernel with f2fs would list it.
    (cat /proc/filesystems; printf '\tf2fs\n') >"$work/filesystems"
    mount --bind "$work/filesystems" /proc/filesystems
    on_plain --manifest "$work/card.json"
    says card.f2fs '^yes '
    umount /proc/filesystems
}

stage_cgroups()
{
    local wanted='"cgroups": {"controllers": ["cpu", "cpuset", "devices", "memory"]}' root=/sys/fs/cgroup name
    for name in cpu cpuset devices memory; do
        [[ " $BOARD_CONTROLLERS " == *" $name "* ]] || { skip "this PC cannot show $name" 20 && return; }
    done
    plain ", $wanted"
    edge apply --manifest "$work/plain.json"
    mkdir "$root/memory/child"
    on_plain
    says cgroup.memory.stat "^yes $root/memory/memory.stat can be parsed"
    says cgroup.memory.stat.child "^yes $root/memory/child/memory.stat"
    # OpenHarmony's additional lines (CONFIG_HYPERHOLD_MEMCG).
    (cat "$root/memory/memory.stat"; printf 'Anon:\t%12lu kB\nFile:\t%12lu kB\n' 123 45) >"$work/memory.stat"
    mount --bind "$work/memory.stat" "$root/memory/child/memory.stat"
    on_plain
    says cgroup.memory.stat '^yes '
    says cgroup.memory.stat.child '^no .*/memory/child/memory.stat has a line that no container runtime parses: "Anon:'
    mount --bind "$work/memory.stat" "$root/memory/memory.stat"
    on_plain
    says cgroup.memory.stat '^warning .*/memory/memory.stat has a line .*"Anon:' "without an edgecore, a warning"
    manifest edge <<<'{"version": 1, "services": {"edgecore": {"command": ["/bin/edgecore"]}}}'
    on_plain --manifest "$work/edge.json"
    says cgroup.memory.stat '^no .*/memory/memory.stat has a line .*"Anon:' "with one, a no"
    is "$status" 1 "bad statistics: unfit"
    umount "$root/memory/memory.stat" "$root/memory/child/memory.stat"
    # Mounted twice: both are read by somebody.
    mkdir /dev/memcg && mount -t cgroup -o memory memcg /dev/memcg
    mount --bind "$work/memory.stat" /dev/memcg/memory.stat
    on_plain --manifest "$work/edge.json"
    says cgroup.memory.stat '^no /dev/memcg/memory.stat has a line'
    umount /dev/memcg/memory.stat /dev/memcg
    rmdir "$root/memory/child"
    printf 'usage_usec = 1\n' >"$work/cpu.stat"
    mount --bind "$work/cpu.stat" "$root/cpu/cpu.stat"
    on_plain --manifest "$work/edge.json"
    says cgroup.cpu.stat '^no .*/cpu/cpu.stat has a line .*"usage_usec = 1"'
    umount "$root/cpu/cpu.stat"
    # A cpuset that Android's init mounted.
    mkdir -p "$work/noprefix" && touch "$work/noprefix"/{cpus,mems,tasks}
    mount --bind "$work/noprefix" "$root/cpuset"
    on_plain
    says cgroup.cpuset.names "^no cpuset's files have no prefix: $root/cpuset/cpus"
    umount "$root/cpuset"
    # Devices whose rules cannot be written.
    mkdir "$work/devices"
    mount --bind "$work/devices" "$root/devices"
    on_plain
    says cgroup.devices.rules '^no rules of the device cgroup cannot be written: .*devices.deny'
    ok "no scratch group is left" test -z "$(ls -A "$work/devices")"
    umount "$root/devices"
    # What the kernel does not have, or was told to leave off.
    manifest more <<<'{"version": 1, "host": {"cgroups": {"controllers": ["schedtune", {"name": "rdma", "optional": true}]}}}'
    on_plain --manifest "$work/more.json"
    says cgroup.schedtune '^no controller schedtune: this kernel does not have it'
    says cgroup.rdma '^(warning controller rdma: this kernel does not have it|yes )'
    sed 's/^\(memory\t.*\)1$/\10/' /proc/cgroups >"$work/cgroups"
    echo 'console=ttyS0 cgroup_disable=memory quiet' >"$work/cmdline"
    mount --bind "$work/cgroups" /proc/cgroups
    mount --bind "$work/cmdline" /proc/cmdline
    on_plain
    says boot.cgroups '^no "cgroup_disable=memory" in the kernel.s command line switches off memory'
    says cgroup.memory '^(no|warning) controller memory: it is switched off at boot'
    umount /proc/cgroups /proc/cmdline
    # cgroup2 where docker looks.
    manifest none <<<'{"version": 1}'
    edge doctor --json --manifest "$work/none.json"
    says cgroup.root '^yes '
    mount -t cgroup2 none "$root"
    edge doctor --json --manifest "$work/none.json"
    says cgroup.root '^warning cgroup2 is mounted on /sys/fs/cgroup'
    umount "$root"
    # Held by cgroup2: the third mount of the probe is the first hierarchy.
    umount -R "$root"
    lesser 'mount:error=EBUSY:when=3+'
    says cgroup.devices '^no controller devices: cannot be mounted: cgroup2 has handed it out'
    lesser 'mount:error=EPERM:when=3+'
    says cgroup.devices '^unknown controller devices: we may not mount it'
}

# A fake iptables in dockerd's PATH: what matches this pattern is done
iptables_that()
{
    mkdir -p "$work/bin"
    printf '#!/bin/bash\ncase "$*" in\n%s\nesac\nexec /usr/sbin/iptables "$@"\n' "$1" >"$work/bin/iptables"
    chmod 755 "$work/bin/iptables"
}

# shellcheck disable=SC2317 # called by wait_for
no_sleeper()
{
    ! pgrep -fx '/bin/sleep 10031'
}

stage_network()
{
    local path
    path=', "environment": {"PATH": "'"$work/bin"'"}'
    plain
    snapshot >"$work/before"
    lesser 'sendto:error=EOPNOTSUPP:when=1'
    says net.bridge '^no not so: a bridge can be made: Operation not supported'
    says net.veth '^yes ' "that is another finding"
    lesser 'sendto:error=EOPNOTSUPP:when=2'
    says net.veth '^no not so: a pair of interfaces can be made'
    lesser 'sendto:error=EAFNOSUPPORT:when=4'
    says net.rule '^no not so: policy rules can be added and removed: Address family not supported'
    lesser 'unshare:error=EINVAL:when=2'
    says net.namespace '^no no network namespace can be made: Invalid argument'
    says net.bridge '^unknown .*not tried'
    plain '' "$path"
    mkdir -p "$work/bin"
    on_plain
    says helper.iptables '^no iptables is in none of /tmp/work/bin'
    says net.iptables '^no iptables is in none of'
    says net.masquerade '^unknown .*not tried, for there is no iptables'
    iptables_that '*addrtype*) echo "iptables: No chain/target/match by that name." >&2; exit 1 ;;'
    on_plain
    says net.addrtype '^no not so: iptables can match types of addresses: iptables: No chain/target/match by that name'
    says net.masquerade '^yes '
    iptables_that '*MASQUERADE*) exit 1 ;; *ctstate*) kill -9 $$ ;;'
    on_plain
    says net.masquerade '^no '
    says net.conntrack '^no '
    says net.addrtype '^yes '
    iptables_that '*-S*) echo "can'"'"'t initialize iptables table: Table does not exist" >&2; exit 3 ;;'
    on_plain
    says net.iptables '^no iptables v.*: can.t initialize iptables table'
    says net.addrtype '^unknown .*not tried, for iptables does not work'
    # One that hangs is killed with all that it started.
    iptables_that '*MASQUERADE*) /bin/sleep 10031 ;;'
    on_plain
    says net.iptables '^yes '
    says net.masquerade '^unknown .*no answer within 10 s'
    # Killed with the rest, it is there until it has had a processor to end on.
    ok "net.masquerade: nothing is left running" wait_for 10 no_sleeper || diag "$(ps -e -o pid=,stat=,args=)"
    wrong_cpu "$work/bin/iptables"
    on_plain
    says net.iptables '^no .*/iptables: it is for 32-bit MIPS'
    # dockerd that is told to do without.
    plain ', "rules": []' "$path"
    sed 's/"storage-driver"/"iptables": false, &/' "$work/plain.json" >"$work/without.json"
    doctor --manifest "$work/without.json"
    is "$(answer net.iptables)$(answer helper.iptables)" '' "iptables: not asked for where dockerd does not use it"
    rm -r "${work:?}/bin"
    unchanged "after all that"
}

stage_programs()
{
    mkdir "$work/bin"
    wrong_cpu "$work/bin/dockerd"
    manifest programs <<<'{"version": 1, "services": {"dockerd": {"command": ["'"$work"'/bin/dockerd"]},
        "script": {"command": ["'"$work"'/bin/script"]}, "none": {"command": ["'"$work"'/bin/none"]},
        "lost": {"command": ["'"$work"'/bin/lost"]}}}'
    printf '#!/bin/sh\n' >"$work/bin/script" && chmod 755 "$work/bin/script"
    cp /bin/true "$work/bin/lost"
    # Where its interpreter is: the same name, one letter longer ago.
    sed -i 's|/lib64/ld-linux|/lib64/ld-l1nux|; s|/lib/ld-linux|/lib/ld-l1nux|' "$work/bin/lost"
    doctor --manifest "$work/programs.json"
    says program.dockerd '^no dockerd: .*: it is for 32-bit MIPS .big endian., and this board is '
    says program.script '^yes script: .*: a script for /bin/sh'
    says program.none '^no none: .*: it is not there'
    says program.lost '^no lost: .*its interpreter /lib.*ld-l1nux.* is not there'
    is "$status" 1 "a program for another CPU: unfit"
    # Helpers: none but these.
    ln -s /bin/true "$work/bin/containerd"
    wrong_cpu "$work/bin/runc"
    plain '' ', "environment": {"PATH": "'"$work/bin"'"}'
    on_plain
    says helper.containerd '^yes '
    says helper.runc '^no .*/runc: it is for 32-bit MIPS'
    says helper.containerd-shim-runc-v2 '^no .* is in none of'
    says helper.docker-proxy '^no .* is in none of'
    says helper.docker-init '^(no|warning) .* is in none of'
    says helper.ps '^(no|warning) .* is in none of'
    manifest edge <<<'{"version": 1, "services": {"edgecore": {"command": ["'"$work"'/bin/edgecore"],
        "environment": {"PATH": "'"$work/bin"'"}}}}'
    on_plain --manifest "$work/edge.json"
    says helper.awk '^no awk is in none of'
    says helper.uname '^no uname is in none of'
    says program.edgecore '^no '
    manifest edge <<<'{"version": 1, "services": {"edgecore": {"command": ["/bin/true"]}}}'
    cp /bin/true "$work/bin/edgecore"
    manifest edge <<<'{"version": 1, "services": {"edgecore": {"command": ["'"$work"'/bin/edgecore"]}}}'
    on_plain --manifest "$work/edge.json"
    says program.edgecore '^yes '
    says helper.awk '^yes '
    says helper.uname '^yes '
}

stage_names()
{
    manifest edge <<<'{"version": 1, "services": {"edgecore": {"command": ["/bin/edgecore"]}}}'
    names()
    {
        doctor --manifest "$work/edge.json"
    }
    printf '127.0.0.1 localhost edge-board\n' >/etc/hosts
    printf 'hosts: files dns\n' >/etc/nsswitch.conf
    printf 'nameserver 192.0.2.1\n' >/etc/resolv.conf
    names
    says dns.localhost '^yes localhost is 127.0.0.1, from /etc/hosts'
    says dns.hostname '^yes edge-board is 127.0.0.1'
    says dns.resolv '^yes .* 10 s a name'
    rm /etc/nsswitch.conf
    names
    says dns.localhost '^warning localhost is 127.0.0.1 in /etc/hosts, but Go before 1.16 asks DNS first .up to 10 s.: there is no nsswitch.conf'
    printf 'hosts: dns files\n' >/etc/nsswitch.conf
    names
    says dns.localhost '^warning .*but Go asks DNS first .*nsswitch.conf says so'
    printf 'hosts: dns\n' >/etc/nsswitch.conf
    names
    says dns.localhost '^no localhost is in /etc/hosts, but nsswitch.conf has Go programs ask DNS alone'
    printf 'hosts: files dns\n' >/etc/nsswitch.conf
    # What the tutorial's command really does.
    echo 0 >/etc/hosts
    names
    says dns.localhost '^no localhost is not in /etc/hosts$'
    says dns.hostname '^warning edge-board is not in /etc/hosts$'
    rm /etc/hosts /etc/resolv.conf
    names
    says dns.localhost '^no localhost is not in /etc/hosts, which does not exist'
    says dns.resolv '^no there is no /etc/resolv.conf'
    like "$(remedy dns.localhost)" '127.0.0.1 localhost' "dns.localhost: the remedy is a line of the manifest"
    # The manifest writes them.
    manifest files <<<'{"version": 1, "host": {"files": [{"path": "/etc/hosts", "lines": ["127.0.0.1 localhost"]},
        {"path": "/etc/resolv.conf", "lines": ["nameserver 192.0.2.1"]}]}}'
    doctor --manifest "$work/edge.json" --manifest "$work/files.json"
    says dns.localhost '^yes ' "what apply will write counts"
    says dns.resolv '^yes ' "what apply will write counts"
}

stage_kubeedge()
{
    manifest edge <<<'{"version": 1, "services": {"edgecore": {"command": ["/bin/edgecore"]}}}'
    doctor --manifest "$work/edge.json"
    says kubeedge.partition '^yes '
    mkdir -p /var/lib/edged
    mount -t ramfs ramfs /var/lib/edged
    mount --make-private /var/lib/edged
    doctor --manifest "$work/edge.json"
    says kubeedge.partition '^no /var/lib/edged is on ramfs, which cAdvisor does not know'
    says kubeedge.shared '^no the mount on /var/lib/edged, .* is not shared'
    mount --make-shared /var/lib/edged
    doctor --manifest "$work/edge.json"
    says kubeedge.shared '^yes the mount on /var/lib/edged, .* is shared'
}

on_board storage
on_board encrypted
on_board d_type
on_board card
on_board cgroups --card none
on_board network --card none
on_board programs --card none
on_board names --card none
on_board kubeedge --card none
done_testing
