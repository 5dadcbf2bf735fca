# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # here, results and runs come from on-board
#
# bench/apply.sh — how long bring-up takes: edgeinit, the bare system calls and the tutorial's script in turns. Ours is the static
# build, which is what is shipped; the dynamic one is measured beside it, each against a bare program that is linked alike.

warm_up=3

# Controllers of the manifest that this kernel lacks: they become optional. Those that cgroup2 holds: they are left out
# of the manifest, the script and the bare program alike.
find_controllers() {
    local name
    absent=()
    held=()
    for name in $(sed -n 's/^ *{"name": "\([a-z_]*\)".*/\1/p' "$here/../cfg/boards/dayu200.json"); do
        if ! grep -q "^$name"$'\t' /proc/cgroups; then
            absent+=("$name")
        elif [[ " $BOARD_CONTROLLERS " != *" $name "* ]]; then
            held+=("$name")
        fi
    done
    [ ${#held[@]} -eq 0 ] || echo "bench: held by cgroup2 on this PC, so left out everywhere: ${held[*]}" >&2
}

# c_list WORD...: "a", "b"
c_list() {
    local list
    printf -v list '"%s", ' "$@"
    [ $# -gt 0 ] && echo "${list%, }" || echo NULL
}

# The shipped manifests; of the board's only what this PC cannot have is changed. Lines that go may leave a comma before
# a closing bracket.
make_manifests() {
    local name edits=(-e "s/\"type\": \"f2fs\"/\"type\": \"$BOARD_CARD_TYPE\"/")
    for name in "${absent[@]}"; do
        edits+=(-e "/{\"name\": \"$name\"/{/\"optional\"/!s/}/, \"optional\": true}/}")
    done
    for name in "${held[@]}"; do
        edits+=(-e "/{\"name\": \"$name\"/d" -e "/\"\/dev\/$name\/background/d")
    done
    cp "$here/../cfg/edgeinit.json" "$PARTS/etc/edgeinit/edgeinit.json"
    sed "${edits[@]}" "$here/../cfg/boards/dayu200.json" |
        perl -0pe 's|,((\s*//[^\n]*\n)*\s*[\]}])|$1|g' >"$PARTS/conf.d/dayu200.json"
}

make_script() {
    local name edits=(-e "s/CARD_TYPE/$BOARD_CARD_TYPE/")
    for name in "${absent[@]}" "${held[@]}"; do
        edits+=(-e "/# $name\$/d")
    done
    for name in "${held[@]}"; do
        edits+=(-e "/\"Controller\": \"$name\"/d")
    done
    sed "${edits[@]}" "$here/script.sh" | perl -0pe 's|,\n\]|\n]|' >"$PARTS/bin/script.sh"
    # Debian's busybox runs its own applets without starting a program for each. The one that the tutorial installs
    # (1.28, default configuration) starts one, as every other shell does: a path has that effect here.
    sed -E 's,^( *)(cat|chmod|chown|ip|mkdir|mount) ,\1/system/bin/\2 ,' "$PARTS/bin/script.sh" >"$PARTS/bin/script-exec.sh"
    cp "$here/state.sh" "$PARTS/bin"
}

# compile_static OUTPUT ARGUMENT...: as the shipped build, with musl; in two steps, for its cc adds archives to whatever it links
compile_static() {
    local output=$1
    shift
    "$STATIC_CC" -std=gnu11 -Wall -Wextra -Werror -Os -D_GNU_SOURCE -fno-pie -c -o "/tmp/static.o" "$@"
    "$STATIC_CC" -Wl,--gc-sections,-z,noseparate-code -s -o "$output" /tmp/static.o
}

make_bare() {
    local how
    for how in compile_static compile; do
        "$how" "$PARTS/bin/bare${how#compile}" -DABSENT="$(c_list "${absent[@]}")" -DHELD="$(c_list "${held[@]}")" \
            -DCARD_TYPE="\"$BOARD_CARD_TYPE\"" "$here/bare.c"
    done
    compile_static "$PARTS/bin/nothing" -xc - <<<'int main(void) { return 0; }'
}

# bare makes the calls that change the board; this one makes every call that edgeinit makes, those by which it looks, notes and starts a
# process for the card included, as strace saw them on a fresh root.
make_replay() {
    rm -f /tmp/trace.*
    root_make
    # shellcheck disable=SC2086 # words
    strace -qq -ff -X raw -xx -s 1000000 -e signal=none -o /tmp/trace chroot "$ROOT" ${commands[apply]} >/dev/null 2>&1 ||
        fail "apply failed under strace"
    root_drop
    perl "$here/replay.pl" /tmp/trace.* >/tmp/replay.c || fail "no program was made of the calls of apply"
    compile_static "$PARTS/bin/replay" -I"$here" /tmp/replay.c
}

declare -A commands=(
    [apply]='/system/bin/edgeinit-shipped apply'
    [bare]=/system/bin/bare_static
    [replay]=/system/bin/replay
    [apply_dynamic]='/system/bin/edgeinit apply'
    [bare_dynamic]=/system/bin/bare
    [script]='/system/bin/busybox sh /system/bin/script.sh'
    [script_exec]='/system/bin/busybox sh /system/bin/script-exec.sh'
)
contestants=(apply bare replay apply_dynamic bare_dynamic script script_exec)

# lap FIGURE COMMAND...: a sample of it, unless warming up
lap() {
    local figure=$1 time
    shift
    time=$("$PARTS/bin/lap" "$ROOT" "$@" 2>/tmp/complaint) ||
        fail "$figure: $* failed: $(grep -v warning: /tmp/complaint)"
    ((lap_number < 0)) || echo "$time" >>"$results/$figure"
}

# All contestants must leave the same state.
compare_states() {
    local name
    for name in "${contestants[@]}"; do
        root_make
        # shellcheck disable=SC2086 # words
        chroot "$ROOT" ${commands[$name]} >/tmp/complaint 2>&1 ||
            fail "$name failed on a fresh root: $(grep -v -e '^[+=] ' -e warning: /tmp/complaint)"
        chroot "$ROOT" /system/bin/busybox sh /system/bin/state.sh >"$results/state.$name" 2>&1
        root_drop
        cmp -s "$results"/state.{apply,"$name"} || {
            diff "$results"/state.{apply,"$name"} >&2 || true
            fail "the state that $name leaves (>) is not edgeinit's (<)"
        }
    done
}

# The calls by which a contestant changed a fresh root, one a line, sorted.
calls_of() {
    local calls=mount,umount2,fsopen,mkdir,mkdirat,rmdir,rename,renameat,renameat2,unlink,unlinkat,symlink,symlinkat
    calls+=,link,linkat,mknod,mknodat,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,fsync,fdatasync,truncate
    calls+=,ftruncate,setxattr,fsetxattr
    rm -f /tmp/trace.*
    root_make
    # shellcheck disable=SC2086 # words
    strace -qq -ff -o /tmp/trace -e "trace=$calls" -e signal=none chroot "$ROOT" ${commands[$1]} >/dev/null 2>&1 ||
        fail "$1 failed under strace"
    root_drop
    cat /tmp/trace.* | grep -v -e ' = -1 E' -e '"/dev/edgeinit' -e '^+++' |
        sed -E 's/0x[0-9a-f]+/NULL/g; s/\([0-9]+/(FD/; s/, [0-9]+, "/, FD, "/; s/ += 0$//' | sort
}

# bare must make the calls that edgeinit makes.
compare_calls() {
    calls_of apply >"$results/calls.apply"
    calls_of bare >"$results/calls.bare"
    diff "$results"/calls.{apply,bare} >&2 || fail "bare (>) does not make the calls that edgeinit (<) makes"
}

# How often each contestant makes each call, of all: NAME COUNT, sorted.
counts_of() {
    rm -f /tmp/trace.*
    root_make
    # shellcheck disable=SC2086 # words
    strace -qq -ff -o /tmp/trace -e signal=none chroot "$ROOT" ${commands[$1]} >/dev/null 2>&1 ||
        fail "$1 failed under strace"
    root_drop
    # What comes before a process's last execve is chroot's.
    awk 'function done(name) { for (name in mine) { all[name] += mine[name] } split("", mine) }
        FNR == 1 { done() }
        /^execve\(/ { split("", mine) }
        match($0, /^[a-z_0-9]+\(/) { mine[substr($0, 1, RLENGTH - 1)]++ }
        END { done(); for (name in all) { print name, all[name] } }' /tmp/trace.* | sort
}

# Shown and kept, not judged: who is how far when the worker answers differs from run to run.
compare_counts() {
    local name
    for name in apply replay bare; do
        counts_of "$name" >"$results/counts.$name"
        echo "bench: $name makes $(awk '{ n += $2 } END { print n }' "$results/counts.$name") system calls" >&2
    done
    echo "bench: where apply (<) and replay (>) differ: $(diff "$results"/counts.{apply,replay} | grep '^[<>]' | tr '\n' ';')" >&2
}

race() {
    local name
    for ((lap_number = -warm_up; lap_number < runs; lap_number++)); do
        for name in apply bare; do
            root_make flash
            # shellcheck disable=SC2086 # words
            lap "${name}_flash" ${commands[$name]}
            root_drop
        done
        for name in "${contestants[@]}"; do
            root_make
            # shellcheck disable=SC2086 # words
            lap "$name" ${commands[$name]}
            case $name in
            apply)
                lap second_apply /system/bin/edgeinit-shipped apply
                lap start /system/bin/edgeinit-shipped --version
                ;;
            apply_dynamic) lap second_apply_dynamic /system/bin/edgeinit apply ;;
            bare) lap exec_floor /system/bin/nothing ;;
            esac
            root_drop
        done
    done
}

measure_apply() {
    find_controllers
    make_bare
    make_manifests
    make_script
    make_replay
    flash_make
    compare_states
    compare_calls
    compare_counts
    race
}
