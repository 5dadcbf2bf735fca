#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# The doctor on the board: all is well after bring-up and it takes less than two seconds of a processor; before bring-up, without a manifest,
# without rights; the board is afterwards what it was before, also when a probe hangs and is killed; what init and kernel made
# of the board. The other probes' rigs are in 46-doctor-rigs.t.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=doctor.sh
source "$edge_here/doctor.sh"

# Processor time of all that this shell has waited for, in milliseconds
children_ms()
{
    /usr/bin/python3 -I -c '
import os, sys
fields = open("/proc/%s/stat" % sys.argv[1]).read().rsplit(")", 1)[1].split()
print((int(fields[13]) + int(fields[14])) * 1000 // os.sysconf("SC_CLK_TCK"))' "$$"
}

is_sanitized=$(grep -ca __asan_init "$EDGEINIT")

# What is well on a board after bring-up.
stage_fit()
{
    local code elapsed before spent
    use_shipped
    edge apply "${shipped[@]}"
    echo '127.0.0.1 edge-board' >>/etc/hosts
    snapshot >"$work/before"
    before=$(children_ms)
    elapsed=$(date +%s%N)
    doctor "${shipped[@]}"
    elapsed=$((($(date +%s%N) - elapsed) / 1000000))
    spent=$(($(children_ms) - before))
    unchanged "after a run"
    # How long that takes is also the affair of whatever else the machine does: what it spends is not.
    diag "took $elapsed ms, and $spent ms of processors"
    ok "it takes less than two seconds of a processor" test "$spent" -lt $((is_sanitized ? 20000 : 2000))
    for code in init.namespace init.capabilities init.seccomp selinux.domain clock.sane boot.cgroups limits.pids \
        program.dockerd helper.containerd helper.runc helper.iptables dns.localhost dns.hostname dns.resolv cgroup.root \
        cgroup.devices cgroup.devices.rules cgroup.cpuset.names cgroup.memory cgroup.memory.stat cgroup.memory.stat.child \
        cgroup.cpu.stat data-root.mounted data-root.writable data-root.encrypted data-root.flags card.device card.type \
        card.read-only overlay.directory overlay.mount overlay.rename overlay.whiteout overlay.xattr overlay.d_type \
        net.namespace net.bridge net.veth net.rule net.iptables net.masquerade net.addrtype net.conntrack; do
        says "$code" '^yes '
    done
    says card.log '^(yes|warning) '
    says net.iptables 'iptables v[0-9.]+ \((legacy|nf_tables)\), (32|64)-bit'
    is "$(printf '%s' "$out" | json '[f["code"] for f in d["findings"] if f["answer"] == "no"]')" '[]' "nothing is a no"
    is "$status $(printf '%s' "$out" | json 'd["verdict"]')" '2 fit-with-warnings' "exit code 2: warnings are left here"

    edge doctor "${shipped[@]}"
    like "$out" $'^dockerd and a container\n  yes     init.capabilities ' "text: grouped by need, one line a finding"
    like "$out" $'\nfit, with warnings; [0-9]+ warnings?, [0-9]+ unknown, [0-9]+ in order$' "text: the sum"
    unlike "$out" $'\033' "no colour in a pipe"
    out=$(TERM=xterm script -qec "'$EDGEINIT' doctor --manifest '$work/none.json' 2>&1; '$EDGEINIT' doctor ${shipped[*]}" \
        /dev/null </dev/null)
    like "$out" $'\033\\[32myes' "colour on a terminal"
    out=$(NO_COLOR=1 TERM=xterm script -qec "'$EDGEINIT' doctor ${shipped[*]}" /dev/null </dev/null)
    unlike "$out" $'\033\\[3' "but not with NO_COLOR"
}

# Before bring-up nothing is there yet, and that is no fault of the board.
stage_before()
{
    use_shipped
    snapshot >"$work/before"
    doctor "${shipped[@]}"
    unchanged "before bring-up"
    says data-root.mounted '^unknown /mnt/f2fs/docker is on /mnt, which is not mounted yet'
    says cgroup.devices '^yes controller devices: can be mounted'
    says cgroup.devices.rules '^yes '
    says cgroup.memory.stat '^yes memory/memory.stat can be parsed'
    says card.device "^yes LABEL=edgecard, for /mnt/f2fs, is $BOARD_CARD"
    says dns.localhost '^yes '
    # A program below a bind that is still to be made.
    mkdir -p /data/opt/bin && cp /bin/true /data/opt/bin/dockerd
    manifest below <<<'{"version": 1, "host": {"mounts": [{"target": "/opt", "source": "/data/opt", "type": "bind"}]},
        "services": {"d": {"command": ["/opt/bin/dockerd"]}}}'
    doctor --manifest "$work/below.json"
    says program.dockerd '^yes d: /data/opt/bin/dockerd: '
    # Without a manifest.
    edge doctor --json
    like "$err" 'there is no manifest' "no manifest: said"
    says program.edgecore '^no edgecore is in none'
    is "$status" 1 "no manifest, no edgecore: unfit"
    # Not root: what takes root is unknown, and the rest is not.
    chmod 711 "$work"
    out=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$EDGEINIT" doctor --json 2>/dev/null)
    says overlay.mount '^unknown .*not tried, for it takes root'
    says net.bridge '^unknown .*not tried, for it takes root'
    says clock.sane '^yes '
    # Mistakes.
    edge doctor --manifest "$work/none.json"
    is "$status" 1 "a manifest that is not there: exit code 1"
    edge doctor --kernel-version five
    is "$status" 64 "a version that is none: exit code 64"
    edge doctor --kernel-version 5.10.x
    is "$status" 64 "nor this"
    edge doctor --fragment=some
    is "$status" 64 "a fragment of what?"
    edge doctor --kernel-config "$work/none"
    is "$status" 1 "a configuration that is not there: exit code 1"
    edge status --kernel-config "$work/none"
    is "$status" 64 "the doctor's options are the doctor's"
}

stage_kernel_config()
{
    printf '# Linux/arm64 5.10.93 Kernel Configuration\nCONFIG_BRIDGE=y\n# CONFIG_OVERLAY_FS is not set\n' >"$work/config"
    printf 'CONFIG_BRIDGE=y\n' >"$work/defconfig"
    edge doctor --json --kernel-config "$work/config"
    says kernel.OVERLAY_FS '^no '
    is "$status $(printf '%s' "$out" | json '[f["code"] for f in d["findings"] if not f["code"].startswith("kernel.")]')" \
        '1 []' "a configuration alone: only options are judged"
    edge doctor --kernel-config "$work/defconfig"
    is "$status" 64 "a file that does not name its kernel: exit code 64"
    like "$err" 'add --kernel-version' "and why"
    edge doctor --kernel-config "$work/defconfig" --kernel-version 5.10 --fragment
    like "$status $out" '^0 (.*'$'\n'')?CONFIG_OVERLAY_FS=y' "a fragment: the lines"
    unlike "$out" $'(^|\n)[^#C\n]' "and nothing else"
    plain
    edge doctor --json --kernel-config "$work/config" --manifest "$work/plain.json"
    says kernel.OVERLAY_FS '^no ' "with a manifest: options and board"
    says clock.sane '^yes ' "with a manifest: options and board"
    # The running kernel's: what is shown to work cannot be missing.
    [[ -e /proc/config.gz ]] || { skip "this kernel shows no configuration" 3 && return; }
    zcat /proc/config.gz | sed -E '/CONFIG_(BRIDGE|F2FS_FS)[ =]/d; s/^CONFIG_POSIX_MQUEUE=y/# CONFIG_POSIX_MQUEUE is not set/' | gzip >"$work/config.gz"
    mount --bind "$work/config.gz" /proc/config.gz
    on_plain
    says kernel.BRIDGE '^warning ' "missing, but it works"
    says kernel.F2FS_FS '^warning ' "missing, and not needed"
    says kernel.POSIX_MQUEUE '^no ' "missing"
    umount /proc/config.gz
}

stage_overlay()
{
    plain
    mkdir /data/docker
    snapshot >"$work/before"
    lesser 'mount:error=ENODEV:when=2+'
    says overlay.mount '^no overlayfs cannot be mounted on /data/docker: this kernel has none'
    like "$(remedy overlay.mount)" 'CONFIG_OVERLAY_FS=y' "overlay.mount: the remedy is an option"
    lesser 'rename:error=EXDEV'
    says overlay.rename '^no not so: a file of a lower layer can be renamed: Invalid cross-device link'
    lesser 'lgetxattr:error=EOPNOTSUPP'
    says overlay.xattr '^no not so: a directory can be replaced'
    lesser 'unlink:error=EIO'
    says overlay.whiteout '^no not so: a file of a lower layer can be removed: Input/output error'
    says net.bridge '^yes ' "other probes are not touched by that"
    # One that stands still is killed, and what it made is removed.
    elapsed=$(date +%s%N)
    lesser 'rename:signal=STOP'
    elapsed=$((($(date +%s%N) - elapsed) / 1000000))
    says overlay.mount '^yes ' "answered before it stood still"
    says overlay.rename '^unknown a file of a lower layer can be renamed: no answer within 10 s'
    says overlay.whiteout '^unknown .*: no answer within 10 s'
    says net.masquerade '^yes ' "others are not kept"
    ok "a probe that stands still ($elapsed ms) has its ten seconds" test "$elapsed" -ge 10000
    ok "and is not waited for any longer" test "$elapsed" -lt 60000
    unchanged "after a probe was killed"
    # The doctor itself killed while it looks: the next one removes what is left.
    strace -f -qq -o /dev/null --seccomp-bpf -e inject=rename:signal=STOP \
        "$EDGEINIT" doctor --manifest "$work/plain.json" >/dev/null 2>&1 &
    ok "a doctor at work" wait_for 5 compgen -G '/data/docker/.edgeinit-doctor.*/merged'
    pkill -KILL -x edgeinit
    wait $!
    ok "killed, it leaves a directory" compgen -G '/data/docker/.edgeinit-doctor.*'
    on_plain
    unchanged "after the next run"
}

no_doctor()
{
    ! pgrep -x edgeinit
}

# A card that hangs in earnest: not even SIGKILL ends a process that waits for it.
stage_hung()
{
    local elapsed
    plain
    mkdir /data/docker
    mount "$BOARD_CARD" /data/docker
    snapshot >"$work/before"
    fsfreeze --freeze /data/docker || { skip "this card cannot be frozen" 4 && return; }
    # Should the doctor hang with it, the card comes back for the sake of the test.
    { sleep 120 && fsfreeze --unfreeze /data/docker; } >/dev/null 2>&1 &
    elapsed=$(date +%s%N)
    on_plain
    elapsed=$((($(date +%s%N) - elapsed) / 1000000))
    pkill -P $!
    wait $!
    fsfreeze --unfreeze /data/docker
    says overlay.directory '^unknown directories can be made in the data-root: no answer within 10 s'
    like "$(remedy overlay.directory)" 'read the kernel log' "overlay.directory: the remedy for something that hangs"
    says net.masquerade '^yes ' "others are not kept"
    ok "the doctor does not hang with it ($elapsed ms)" test "$elapsed" -lt 100000
    wait_for 5 no_doctor
    on_plain
    unchanged "once the card is back, and after the next run"
}

# What init made of us. Files of a process are covered by others where this PC has no SELinux.
stage_process()
{
    local pid
    plain
    out=$(unshare --mount "$EDGEINIT" doctor --json --manifest "$work/plain.json")
    says init.namespace '^no this process is not in the mount namespace of process 1'
    out=$(/usr/bin/python3 -I - "$EDGEINIT" doctor --json --manifest "$work/plain.json" <<'EOF'
import ctypes, os, struct, sys
# A filter that allows everything: one instruction, BPF_RET SECCOMP_RET_ALLOW.
program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
filter = struct.pack("HxxxxxxP", 1, ctypes.addressof(program))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.c_char_p(filter), 0, 0) != 0:
    sys.exit("no seccomp")
os.execv(sys.argv[1], sys.argv[1:])
EOF
    )
    says init.seccomp '^warning a seccomp filter is inherited .mode 2.'
    # A daemon: whoever holds the lock. Its files are covered with those of a process under SELinux.
    mkdir -p "$work/run"
    /usr/bin/python3 -I -c '
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
open(sys.argv[1] + ".held", "w")
time.sleep(10000)' "$work/run/daemon.lock" &
    pid=$!
    wait_for 5 test -e "$work/run/daemon.lock.held"
    on_plain
    says init.namespace "^yes the daemon .process $pid. is in the mount namespace of process 1"
    # What the machine itself may not give: the bounding set of a daemon that has everything, and of one that lacks this.
    sed -E 's/^(CapBnd:\s*).*/\1000001ffffffffff/' "/proc/$pid/status" >"$work/status"
    mount --bind "$work/status" "/proc/$pid/status"
    on_plain
    says init.sys_resource '^yes '
    sed -E 's/^(CapBnd:\s*).*/\1000001fffeffffff/' "$work/status" >"$work/lacking"
    cat "$work/lacking" >"$work/status"
    on_plain
    says init.sys_resource '^(no|warning) the bounding set lacks SYS_RESOURCE'
    umount "/proc/$pid/status"
    says selinux.domain '^yes SELinux is off'
    mount -t tmpfs tmpfs /sys/fs
    mkdir /sys/fs/selinux /sys/fs/cgroup
    echo 0 >/sys/fs/selinux/enforce
    on_plain
    says selinux.domain '^yes SELinux is permissive'
    echo 1 >/sys/fs/selinux/enforce
    printf 'u:r:limit_domain:s0' >"$work/context"
    mount --bind "$work/context" "/proc/$pid/attr/current"
    on_plain
    says selinux.domain '^no SELinux is enforcing, and the domain is the catch-all u:r:limit_domain:s0'
    is "$status" 1 "no domain of our own: unfit"
    printf 'u:r:edgeinit:s0' >"$work/context"
    on_plain
    says selinux.domain '^yes SELinux is enforcing, and the domain is u:r:edgeinit:s0'
    printf 'u:r:su:s0' >"$work/context"
    on_plain
    says selinux.domain '^unknown SELinux is enforcing, and the domain is that of a shell'
    umount "/proc/$pid/attr/current" /sys/fs
    kill "$pid"
}

stage_system()
{
    local preload=()
    plain
    manifest edge <<<'{"version": 1, "services": {"edgecore": {"command": ["/bin/edgecore"]}}}'
    printf '0.00 0.00 0.00 1/%d 4711\n' "$(</proc/sys/kernel/threads-max)" >"$work/loadavg"
    mount --bind "$work/loadavg" /proc/loadavg
    on_plain
    says limits.pids '^no .*there is room for [0-9]{1,2} more'
    umount /proc/loadavg
    # A board without a battery: the clock is another library's, for the real one is this PC's.
    printf '#include <time.h>\ntime_t time(time_t *to) { if (to) *to = 4711; return 4711; }\n' >"$work/clock.c"
    if ! cc -shared -fPIC -o "$work/clock.so" "$work/clock.c" 2>/dev/null || ! ldd "$EDGEINIT" >/dev/null 2>&1; then
        skip "no compiler, or a static program" 2
        return
    fi
    preload=(env "LD_PRELOAD=$work/clock.so" "ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0")
    out=$("${preload[@]}" "$EDGEINIT" doctor --json --manifest "$work/plain.json" --manifest "$work/edge.json")
    says clock.sane '^no the clock says 1970-01-01 01:18 UTC, and this program was built on 20'
    out=$("${preload[@]}" "$EDGEINIT" doctor --json --manifest "$work/plain.json")
    says clock.sane '^warning ' "without an edgecore, a warning"
}

stage_no_net_admin()
{
    plain
    on_plain
    says init.capabilities '^no the bounding set lacks NET_ADMIN$'
    says net.bridge '^unknown .*not tried, for it takes CAP_NET_ADMIN'
    says overlay.mount '^yes '
}

stage_no_sys_admin()
{
    plain
    on_plain
    says init.capabilities '^no the bounding set lacks SYS_ADMIN$'
    says overlay.mount '^unknown .*not tried, for no mount namespace is to be had'
    says net.bridge '^unknown .*not tried'
    says cgroup.memory.stat '^unknown .*not tried'
}

on_board fit
on_board before
on_board kernel_config --card none
on_board overlay --card none
on_board hung
on_board process --card none
on_board system --card none
on_board no_net_admin --card none --drop-cap cap_net_admin
on_board no_sys_admin --card none --drop-cap cap_sys_admin
done_testing
