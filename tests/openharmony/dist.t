#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The static distribution (`make dist`): what is in it, how large, that it is the same bytes from another directory, that its
# install script puts it onto a board's file tree and takes it off again, and that the executables for ARM do their work
# under qemu's user mode emulation. TEST_LONG=1: the 32-bit ARM as well, and its second build.
set -u
here=$(dirname "$(readlink -f "$0")")
project=$(readlink -f "$here/../..")
# shellcheck source=tests/sandbox/lib.sh
source "$project/tests/sandbox/lib.sh"
export LC_ALL=C
if ((EUID != 0)); then
    exec sudo -- "$0"
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
version=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$project/bundle.json")
cd "$project" || exit 1

architectures=(aarch64 x86_64)
emulated=(aarch64)
if [[ ${TEST_LONG:-} ]]; then
    architectures+=(arm)
    emulated+=(arm)
fi

diag "the archives"
build/dist "${architectures[@]}" >"$scratch/sums" 2>"$scratch/log"
is "$?" 0 "make dist" || diag "$(tail -20 "$scratch/log")"
declare -A most=([aarch64]=750000 [arm]=600000)
for arch in "${architectures[@]}"; do
    mkdir "$scratch/$arch"
    tar -xzf "out/dist/edgeinit-$version-$arch.tar.gz" -C "$scratch/$arch" --strip-components=1
    cd "$scratch/$arch" || exit 1
    ok "$arch: the checksums fit" sha256sum --quiet -c SHA256SUMS
    size=$(($(stat -c %s bin/edgeinit) + $(stat -c %s bin/edgeinit-keeper)))
    diag "$arch: both executables have $size bytes"
    [[ ! ${most[$arch]:-} ]] || ok "$arch: both are at most ${most[$arch]} bytes" test "$size" -le "${most[$arch]}"
    for program in edgeinit edgeinit-keeper; do
        like "$(readelf -hl "bin/$program")" 'EXEC \(Executable file\)' "$arch: $program stands where it stands"
        unlike "$(readelf -ld "bin/$program" 2>&1)" 'INTERP|NEEDED' "$arch: $program needs no library"
        unlike "$(strings -n 6 "bin/$program")" "$project" "$arch: $program names no directory of this machine"
    done
    cd "$project" || exit 1
done

if [[ ${TEST_LONG:-} ]]; then
    diag "the same bytes elsewhere"
    mkdir -p "$scratch/a/deeper/place"
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$scratch/a/deeper/place" 2>/dev/null
    mkdir -p "$scratch/a/deeper/place/out/static-lib"
    cp -r out/static-lib/sources "$scratch/a/deeper/place/out/static-lib/sources"
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$scratch/a/deeper/place/build/dist" arm >"$scratch/again" 2>"$scratch/log" ||
        diag "$(tail -20 "$scratch/log")"
    is "$(grep arm "$scratch/again")" "$(grep arm "$scratch/sums")" "a second build, libraries and all, in another directory"
    rm -rf "$scratch/a"
fi

diag "install, on a file tree like a board's"
install_on() {
    (cd "$scratch/x86_64" && "$@" install.sh --root "$scratch/root" --force "${options[@]}" 2>&1)
}
for shell in "busybox sh" mksh dash; do
    rm -rf "$scratch/root"
    mkdir -p "$scratch/root/system/bin" "$scratch/root/system/etc/init" "$scratch/root/data"
    echo old >"$scratch/root/system/bin/edgeinit"
    options=(--release 4.1.2 --board dayu200 --edge)
    # shellcheck disable=SC2086 # two words
    output=$(install_on $shell)
    is "$?" 0 "$shell: it installs" || diag "$output"
    ok "$shell: the program" cmp -s "$scratch/x86_64/bin/edgeinit" "$scratch/root/system/bin/edgeinit"
    is "$(stat -c %a "$scratch/root/system/bin/edgeinit-keeper" "$scratch/root/system/etc/init/edgeinit.cfg" | paste -sd' ')" \
        "755 500" "$shell: modes"
    ok "$shell: the parameters' rules" \
        cmp -s cfg/param/edgeinit.para.dac "$scratch/root/system/etc/param/edgeinit.para.dac"
    ok "$shell: the .cfg of that release" cmp -s cfg/init/edgeinit-3.2.cfg "$scratch/root/system/etc/init/edgeinit.cfg"
    ok "$shell: the board's manifest" \
        cmp -s cfg/boards/dayu200.json "$scratch/root/data/service/el1/public/edgeinit/conf.d/10-dayu200.json"
    ok "$shell: the service edgecore" \
        cmp -s cfg/edgecore.json "$scratch/root/data/service/el1/public/edgeinit/conf.d/50-edgecore.json"
    # shellcheck disable=SC2086
    output=$(install_on $shell)
    is "$?" 0 "$shell: and again" || diag "$output"
    options=(--undo)
    # shellcheck disable=SC2086
    output=$(install_on $shell)
    is "$?" 0 "$shell: undone" || diag "$output"
    is "$(cat "$scratch/root/system/bin/edgeinit")" old "$shell: what was there is there again"
    is "$(find "$scratch/root" -type f | wc -l)" 1 "$shell: nothing else is left"
    # shellcheck disable=SC2086
    output=$(install_on $shell)
    is "$?" 1 "$shell: a second undo says that there is nothing"
    like "$output" "nothing to undo" "$shell: in words"
done
options=(--release 3.1.3)
install_on busybox sh >/dev/null
ok "3.1 gets its own .cfg" cmp -s cfg/init/edgeinit-3.1.cfg "$scratch/root/system/etc/init/edgeinit.cfg"
options=(--release 2.2)
like "$(install_on busybox sh)" 'OpenHarmony 2.2 is none' "a release that is too old is refused"
options=(--release 4.0 --board rk3588)
like "$(install_on busybox sh)" 'there are: .*dayu200' "an unknown board too, with those that are there"
echo x >>"$scratch/x86_64/etc/edgeinit/edgeinit.json"
options=(--release 4.0)
like "$(install_on busybox sh)" 'differs from SHA256SUMS' "a damaged archive too"

diag "libblkid, as third_party builds it"
cat >"$scratch/label.json" <<'EOF'
{"version": 1, "host": {"directories": ["/mnt/label"], "mounts": [{"target": "/mnt/label", "source": "LABEL=edgecard", "type": "auto"}]}}
EOF
output=$(timeout 300 "$project/tests/sandbox/board" --quiet --bind "$scratch:$scratch" -- sh -c \
    "$scratch/x86_64/bin/edgeinit apply --manifest $scratch/label.json; grep ' /mnt/label ' /proc/self/mountinfo" 2>&1)
like "$output" '/mnt/label .* - (ext4|f2fs) /dev/block/mmcblk0p1' "the card is found by its label, and its file system known"

diag "the executables for ARM"
cat >"$scratch/board.sh" <<'EOF'
# $1: the unpacked distribution, $2: what qemu calls the architecture. The keeper is another program for the kernel: a script
# starts it in the emulation (a machine with binfmt_misc would need none).
q=/tmp/q
mkdir -p "$q"
cp "$1/bin/edgeinit" "$q/edgeinit"
cp "$1/bin/edgeinit-keeper" "$q/keeper"
printf '#!/bin/sh\nexec qemu-%s-static -0 "$0" %s/keeper "$@"\n' "$2" "$q" >"$q/edgeinit-keeper"
chmod +x "$q/edgeinit-keeper"
cat >"$q/manifest.json" <<'M'
{"version": 1,
 "host": {"directories": ["/data/x"], "mounts": [{"target": "/data/x", "type": "tmpfs"}], "sysctls": {"net.ipv4.ip_forward": "1"}},
 "services": {"hello": {"command": ["/bin/busybox", "sh", "-c", "echo hello; exec sleep 1000"]}}}
M
run() { qemu-"$arch"-static "$q/edgeinit" "$@"; }
arch=$2
run validate "$q/manifest.json" && echo VALID
run plan --manifest "$q/manifest.json"; echo "PLAN $?"
run doctor --json --manifest "$q/manifest.json" | grep -o '"code": *"clock.sane"'
run apply --manifest "$q/manifest.json" >/dev/null && echo APPLIED
run daemon --manifest "$q/manifest.json" 2>/tmp/q/log &
daemon=$!
run wait-ready --timeout 200s && echo READY
pid=$(run status --json | grep -oE '"pid": *[0-9]+' | tail -1)
kill -9 "$daemon"
run daemon --manifest "$q/manifest.json" 2>>/tmp/q/log &
daemon=$!
until run status >/dev/null 2>&1; do sleep 0.1; done
[ "$(run status --json | grep -oE '"pid": *[0-9]+' | tail -1)" = "$pid" ] && echo ADOPTED
run restart hello && echo RESTARTED
for _ in $(seq 500); do
    [ "$(run logs hello | wc -l)" = 2 ] && break
    sleep 0.1
done
run logs hello
# Not by SIGTERM to the daemon: the emulation's signals do not reach a signalfd(2).
run stop hello && echo ENDED
kill -9 "$daemon"
EOF
for arch in "${emulated[@]}"; do
    output=$(timeout 600 "$project/tests/sandbox/board" --quiet --bind "$scratch:$scratch" -- \
        bash "$scratch/board.sh" "$scratch/$arch" "$arch" 2>&1)
    for what in "VALID" "PLAN 2" '"code": *"clock.sane"' "APPLIED" "READY" "ADOPTED" "RESTARTED" "ENDED"; do
        ok "$arch: $what" grep -qx "$what" <<<"$output" || diag "$output"
    done
    is "$(grep -c ' hello$' <<<"$output")" 2 "$arch: the service has spoken twice"
done
done_testing
