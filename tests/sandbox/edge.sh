# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of edgeinit on the board share. A test is a list of stages: functions stage_NAME, each run as root on a
# fresh board of its own by `on_board NAME [BOARD-OPTION...]`. The script runs itself again there, so a stage sees every
# function of its file, and its assertions count as the script's own.
#
# EDGEINIT names the program; ASAN_OPTIONS and UBSAN_OPTIONS reach it.

edge_here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
edge_root=$(readlink -f "$edge_here/../..")
export PATH="$PATH:/usr/sbin:/sbin"
export LC_ALL=C
EDGEINIT=$(readlink -f "${EDGEINIT:-$edge_root/out/edgeinit}")
export EDGEINIT
((EUID == 0)) || exec sudo --preserve-env=EDGEINIT,ASAN_OPTIONS,UBSAN_OPTIONS,KILL_FULL,SOAK_KILLS -- "$0"
# shellcheck source=lib.sh
source "$edge_here/lib.sh"
if [[ ! -x $EDGEINIT ]]; then
    printf 'Bail out! %s is not there: run build/compile first\n' "$EDGEINIT"
    exit 1
fi

# on_board NAME [BOARD-OPTION...]: run stage_NAME on a fresh board
on_board()
{
    local name=$1 line ended='' status=0 binds=()
    shift
    if [[ ${EDGE_STAGE:-} ]]; then
        [[ $EDGE_STAGE == "$name" ]] || return 0
        work=/tmp/work
        mkdir -p "$work"
        declare -F "stage_$name" >/dev/null || exit 1 # "command not found" would be a stage without a test
        "stage_$name"
        printf 'stage %s ended\n' "$name"
        exit 0
    fi
    diag "stage $name"
    [[ $EDGEINIT == "$edge_root"/* ]] || binds=(--bind "${EDGEINIT%/*}:${EDGEINIT%/*}")
    while IFS= read -r line; do
        case $line in
        'ok '* | 'not ok '*)
            tap_count=$((tap_count + 1))
            [[ $line != 'not ok '* ]] || tap_failed=$((tap_failed + 1))
            ;;
        "stage $name ended")
            ended=yes
            continue
            ;;
        esac
        printf '%s\n' "$line"
    done < <("$edge_here/board" --quiet "${binds[@]}" "$@" -- \
        env EDGE_STAGE="$name" EDGE_COUNT="$tap_count" bash "$0" </dev/null)
    wait "$!" || status=$?
    [[ $ended ]] || tap_result 1 "stage $name came to its end (status $status)"
}

# The numbers go on where the script is.
tap_count=${EDGE_COUNT:-0}

# edge VERB [ARGUMENT...]: run edgeinit; its stdout, stderr and exit code are then in $out, $err and $status
edge()
{
    # None of what the tests ask for takes that long, not even on a PC that has much else to do: one that hangs is a failure, not
    # the end of the test.
    out=$(timeout 300 "$EDGEINIT" "$@" 2>"$work/err")
    status=$?
    err=$(<"$work/err")
}

# traced STRACE-OPTION... -- VERB [ARGUMENT...]: the same under strace, its log in $work/trace. The leak checker is a
# tracer itself, so it cannot work there.
traced()
{
    local options=()
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    out=$(ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -qq -o "$work/trace" "${options[@]}" \
        "$EDGEINIT" "$@" 2>"$work/err")
    status=$?
    # shellcheck disable=SC2034 # for the tests
    err=$(<"$work/err")
}

# Calls that change something, for strace -e trace=.
# shellcheck disable=SC2034 # for the tests
changing=mount,umount2,fsopen,fsmount,move_mount,mount_setattr,open_tree,pivot_root,mkdir,mkdirat,rmdir,rename,renameat
changing+=,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mknod,mknodat,chmod,fchmod,fchmodat,chown,fchown
changing+=,lchown,fchownat,truncate,ftruncate,fallocate,utimensat,setxattr,fsetxattr,lsetxattr,removexattr,creat,open
changing+=,openat,openat2,write,pwrite64,writev,sendto,sendmsg,finit_module,init_module,fsync,sync,syncfs

# What a trace of $changing shows to have changed something; empty if nothing did. Left out: files opened for reading,
# output to the terminal or to the pipe that stands for it, /dev/null, questions to the kernel's routing tables.
changes()
{
    grep -E '^([0-9]+ +)?[a-z0-9_]+\(' "$work/trace" | sed -E 's/^[0-9]+ +//' |
        grep -vE '^open(at|at2)?\([^)]*O_RDONLY' | grep -vE '^open(at)?\([^)]*O_PATH' |
        grep -vE '^writev?\([12],|^open(at)?\((AT_FDCWD, )?"/dev/null",' | grep -vE '^send(to|msg)\(.*nlmsg_type=RTM_GET'
    grep -E '^([0-9]+ +)?open(at|at2)?\([^)]*O_(CREAT|TRUNC)' "$work/trace"
}

# The card comes when the test says so: card_away takes its device node, card_back puts it there again.
card_away()
{
    card_numbers=$(stat -c '%t %T' "$BOARD_CARD")
    rm "$BOARD_CARD"
}

card_back()
{
    mknod -m 0600 "$BOARD_CARD" b "0x${card_numbers% *}" "0x${card_numbers#* }"
}

# manifest NAME <TEXT: the file $work/NAME.json
manifest()
{
    cat >"$work/$1.json"
}

# The lines of $out about resources: all, or those that are not "=".
lines()
{
    grep -E '^[-+~=!.] ' <<<"$out"
}

different()
{
    grep -E '^[-+~!.] ' <<<"$out"
}

# line KIND-AND-SUBJECT: the line of $out about this resource, without the padding and the time it took
line()
{
    grep -E "^. $(sed 's/[][\.*^$+?(){}|/]/\\&/g' <<<"$1")( |\$)" <<<"$out" |
        sed -E 's/ {2,}/ /g; s/ *[0-9.]+ (us|ms|s|min)$//'
}

# json EXPRESSION [FILE]: of a document (stdin without FILE), as Python sees it in "d"
json()
{
    /usr/bin/python3 -I -c '
import json, sys
d = json.load(open(sys.argv[2]) if len(sys.argv) > 2 else sys.stdin)
result = eval(sys.argv[1])
print(result if isinstance(result, str) else json.dumps(result, sort_keys=True))' "$@"
}

# same_json FILE <DOCUMENT: are they equal?
same_json()
{
    [[ $(json d "$1") == "$(json d)" ]]
}

# The shipped manifests for the board, in $shipped as options. Controllers that cgroup2 holds on this PC are left out.
use_shipped()
{
    local name wanted held='' list=''
    shipped=(--manifest "$edge_root/cfg/edgeinit.json" --manifest "$edge_root/cfg/boards/sandbox.json")
    for name in cpu cpuacct cpuset devices freezer memory pids blkio hugetlb net_cls net_prio perf_event; do
        wanted=$(grep -c "^$name"$'\t' /proc/cgroups)
        [[ $wanted == 0 || " $BOARD_CONTROLLERS " == *" $name "* ]] || held=yes
    done
    [[ $held ]] || return 0
    for name in $BOARD_CONTROLLERS; do list+=", \"$name\""; done
    diag "this PC's cgroup2 holds controllers: only ${BOARD_CONTROLLERS:-none} here"
    manifest held <<<"{\"version\": 1, \"host\": {\"cgroups\": {\"controllers\": [${list#, }]}}}"
    shipped+=(--manifest "$work/held.json")
}

# The state of the board that bring-up makes, as text to compare.
state()
{
    /usr/bin/python3 -I "$edge_here/state" "$@"
}
