# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests on the virtual board share: TAP, and a board that a test makes, boots, asks and takes the power from.
# Everything is in $dir and gone when the test ends, the machine too; BOARD_KEEP=1 leaves the directory.

board_here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
board_root=$(readlink -f "$board_here/../..")
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C
# shellcheck source=../sandbox/lib.sh
source "$board_here/../sandbox/lib.sh"
dir=$(mktemp -d)
# Emulated, and beside other work: what takes a second on a board may take ten, and on a busy machine a hundred.
patience=${BOARD_PATIENCE:-300}

# wait_for SECONDS COMMAND...: until it succeeds, in place of the sandbox's. Not for a board that is off.
wait_for()
{
    local end=$((SECONDS + $1)) late=0
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end || ++late < 5)) && kill -0 "$(<"$dir/board/pid")" 2>/dev/null || return 1
        sleep 0.05
    done
}

vm()
{
    local verb=$1
    shift
    "$board_here/vm" "$verb" "$dir/board" "$@"
}

finish()
{
    vm cut
    if [[ ${BOARD_KEEP:-} ]]; then
        diag "kept: $dir"
    else
        rm -rf "$dir"
    fi
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

# What /data holds at the first boot: the manifests in conf.d.
conf=$dir/data/service/el1/public/edgeinit/conf.d
mkdir -p "$conf" "$dir/data/local/tmp"

# overlay NAME <JSON: an overlay over the shipped manifest; later names win. The shipped ones by: shipped dayu200
overlay()
{
    cat >"$conf/$1.json"
    chmod 644 "$conf/$1.json"
}

shipped()
{
    overlay "10-$1" <"$board_root/cfg/boards/$1.json"
}

# What shows on the console that init has come to edgeinit. The kernel may speak in the middle of any one of these lines.
# shellcheck disable=SC2034 # tests use it
started='start edgeinit|start agent|^edgeinit: '

# boot [vm's options]: until the board answers. Its console is $dir/board/console.
boot()
{
    vm start --data "$dir/data" "$@" && vm wait "$patience" "$started" >/dev/null && answers
}

answers()
{
    wait_for "$patience" vm run 5 true </dev/null
}

# again [vm's options]: the same disks
again()
{
    : >"$dir/board/console"
    boot --again "$@"
}

# on COMMAND...: on the board; stdout and stderr. One that took minutes leaves a word, for the rare one that hangs a while.
on()
{
    local began=$SECONDS status
    vm run "$patience" "$*" </dev/null
    status=$?
    ((SECONDS - began < 100)) ||
        diag "took $((SECONDS - began)) s: $*"$'\n'"$(vm run 20 'cat /proc/uptime; dmesg | tail -n 20' </dev/null 2>&1)"
    return "$status"
}

# card out|in
card()
{
    local answer
    answer=$(vm card "$1") || diag "card $1: $answer"
}

# push FILE PATH: a file onto the board
push()
{
    vm run "$patience" "cat >$2" <"$1"
}

console()
{
    cat "$dir/board/console"
}

# console_has REGEX
console_has()
{
    grep -qE "$1" "$dir/board/console"
}

# told REGEX NAME: a test: the console shows it, now or soon: what the board has written is still on its way through a UART
told()
{
    ok "$2" wait_for "$patience" console_has "$1" || diag "$(console)"
}

# applied: is the bring-up over?
applied()
{
    on edgeinit status --json | grep -q '"applying": *false'
}

# service NAME KEY...: of status --json, "" for what is not there. A key may be last_end.cause.
service()
{
    on edgeinit status --json | /usr/bin/python3 -I -c '
import json, sys
def get(item, key):
    for part in key.split("."):
        item = item.get(part, "") if isinstance(item, dict) else ""
    return str(item)
for item in json.load(sys.stdin)["services"]:
    if item["name"] == sys.argv[1]:
        print(*(get(item, key) for key in sys.argv[2:]))' "$@" 2>/dev/null
}

# service_is NAME KEY WANTED
service_is()
{
    [[ $(service "$1" "$2") == "$3" ]]
}

# enforcing [vm's options]: like boot, with the policy of sepolicy/ over the reduced base, enforcing from the first moment on
enforcing()
{
    boot --root root-selinux "$@" && on 'echo 0 >/proc/sys/kernel/printk_ratelimit' # every denial is in the log
}

# denied: the denials in the kernel's log that no test has seen yet
denied()
{
    touch "$dir/seen"
    on 'dmesg | grep "avc: *denied"' >"$dir/all"
    comm -13 <(sort "$dir/seen") <(sort "$dir/all")
    cp "$dir/all" "$dir/seen"
}

# no_denials NAME: a test: none since the last look, and nobody was permissive
no_denials()
{
    local denials
    denials=$(denied)
    is "$denials" '' "$1: $(grep -c . <<<"$denials") denials" && is "$(on cat /sys/fs/selinux/enforce)" 1 "$1: enforcing"
}

# resources_left: those that are not in place
resources_left()
{
    on edgeinit plan | grep -E '^[-+~!.] ' | head -20
}
