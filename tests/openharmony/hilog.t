#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is logged arrives at hilogd (a stand-in, hilogd.py): every line of a service that crashes in a loop, edgeinit's own with
# their levels, in the layout of the release; before hilogd is there, and while it is gone, in the kernel's log. The same from
# the static build. HILOG_SECONDS=60 makes the crash-loop long.
set -u
here=$(dirname "$(readlink -f "$0")")
sandbox=$here/../sandbox
# shellcheck source=tests/sandbox/edge.sh
source "$sandbox/edge.sh"
seconds=${HILOG_SECONDS:-10}
static=$edge_root/out/static-x86_64/edgeinit

# hilogd LAYOUT
hilogd()
{
    # A queue of ten datagrams, as a new network namespace has it, is full while a stand-in in Python waits for a processor, and what
    # is said then is lost. (It counts for sockets that are made after this.)
    echo 100000 >/proc/sys/net/unix/max_dgram_qlen
    "$here/hilogd.py" "$1" "$work/lines" &
    hilogd=$!
    wait_for 5 test -S /dev/unix/socket/hilogInput
}

release()
{
    mkdir -p "/system/etc/param${2:-}"
    printf '# parameters\nconst.ohos.releasetype=Release\nconst.ohos.apiversion=%s\n' "$1" >"/system/etc/param${2:-}/ohos.para"
}

# In the background, with the standard streams that OpenHarmony's init gives a service.
daemon_of_init()
{
    "$EDGEINIT" daemon --manifest "$work/m.json" </dev/null >/dev/null 2>&1 &
    daemon=$!
}

# said PYTHON-EXPRESSION over the list "lines"
said()
{
    /usr/bin/python3 -I -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1]) if line.endswith("\n")]  # the last one may be on its way
print(eval(sys.argv[2]))' "$work/lines" "$1"
}

# says EXPRESSION ANSWER
says()
{
    [[ $(said "$1") == "$2" ]]
}

looping()
{
    cat >"$work/loop" <<'EOF'
#!/bin/busybox sh
trap '' TERM # what was begun is also counted
n=$(cat /tmp/work/number 2>/dev/null || echo 0)
for i in 1 2 3 4 5; do
    n=$((n + 1))
    echo "line $n über alles"
done
echo $n >/tmp/work/number
exit 3
EOF
    chmod +x "$work/loop"
    cat >"$work/m.json" <<EOF
{"version": 1, "services": {"looping": {"command": ["$work/loop"],
 "restart": {"delay": "50ms", "max_delay": "50ms", "jitter": 0}}}}
EOF
}

crash_loop()
{
    looping
    hilogd "$1"
    daemon_of_init
    sleep "$seconds"
    kill -9 "$daemon"
    wait "$daemon" 2>/dev/null
    daemon_of_init # goes on where the other was killed
    wait_for 10 "$EDGEINIT" status
    "$EDGEINIT" stop looping >/dev/null 2>&1
    written=$(<"$work/number")
    wait_for 10 grep -q "line $written " "$work/lines"
    wait_for 10 says 'sum("exit code 3" in l["text"] for l in lines if l.get("tag") == "edgeinit") > 3' True
    kill "$daemon"
    wait "$daemon" 2>/dev/null
    kill "$hilogd"
    diag "layout $1: $written lines in $seconds s, $(wc -l <"$work/lines") datagrams"
    is "$(said 'sorted({int(l["text"].split()[1]) for l in lines if l.get("tag") == "looping"}) == list(range(1, '"$written"' + 1))')" \
        True "layout $1: every line of the crash-loop arrives"
    is "$(said '[l["refused"] for l in lines if "refused" in l][:3]')" '[]' "layout $1: nothing is refused"
    is "$(said 'len({l["domain"] for l in lines if l["tag"] == "looping"})')" 1 "layout $1: one domain for the service"
    is "$(said 'all(l["domain"][:5] == "d002c" for l in lines)')" True "layout $1: below StartUp"
    is "$(said '{l["domain"] for l in lines if l["tag"] == "edgeinit"}')" "{'d002c00'}" "layout $1: edgeinit's own"
    is "$(said '{l["level"] for l in lines if l["tag"] == "looping"}')" '{4}' "layout $1: INFO"
    is "$(said 'any("über alles" in l["text"] for l in lines if "text" in l)')" True "layout $1: UTF-8"
    ok "layout $1: edgeinit says why it ended" \
        test "$(said 'sum("exit code 3" in l["text"] for l in lines if l["tag"] == "edgeinit")')" -gt 3
}

stage_newer()
{
    release 20 /ohos_const
    crash_loop 3.2
}

stage_oldest()
{
    release 8
    crash_loop 3.1
}

stage_static()
{
    EDGEINIT=$static
    crash_loop 3.2
}

stage_mistakes()
{
    hilogd 3.2
    echo '{"version": 1, "hosts": {}}' >"$work/m.json"
    daemon_of_init
    wait "$daemon"
    is "$?" 1 "a manifest with a mistake"
    wait_for 5 says 'sorted({l["level"] for l in lines})' '[5, 6]'
    is "$(said 'sorted({l["level"] for l in lines})')" '[5, 6]' "is told at WARN and ERROR"
    like "$(said 'lines[0]["text"]')" 'm.json:1:16:.*hosts: unknown key' "with its place"
    long=$(printf 'x%.0s' {1..5000})
    printf '#!/bin/busybox sh\necho "ä%s"\nexec sleep 1000\n' "$long" >"$work/long"
    chmod +x "$work/long"
    echo '{"version": 1, "services": {"a-name-of-thirty-one-letters-xy": {"command": ["'"$work"'/long"]}}}' >"$work/m.json"
    daemon_of_init
    wait_for 10 "$EDGEINIT" wait-ready
    wait_for 5 says 'sum(len(l["text"]) for l in lines if l.get("tag", "")[:1] == "a")' 5001
    is "$(said '"".join(l["text"] for l in lines if l.get("tag", "")[:1] == "a") == "ä" + "x" * 5000')" True \
        "a long line comes in pieces, whole"
    is "$(said '[l for l in lines if "refused" in l]')" '[]' "none of them too long"
    diag "hilogd is gone, and comes back"
    kill "$hilogd"
    rm /dev/unix/socket/hilogInput
    "$EDGEINIT" restart a-name-of-thirty-one-letters-xy >/dev/null 2>&1
    is "$?" 0 "edgeinit does its work without it"
    : >"$work/lines"
    hilogd 3.2
    sleep 1.1
    "$EDGEINIT" restart a-name-of-thirty-one-letters-xy >/dev/null 2>&1
    ok "and finds it again" wait_for 5 grep -q xxxx "$work/lines"
    diag "a flood"
    printf '#!/bin/busybox sh\nwhile :; do echo "%.300s"; done\n' "$long" >"$work/long"
    "$EDGEINIT" restart a-name-of-thirty-one-letters-xy >/dev/null 2>&1
    sleep 3
    wait_for 10 grep -q suppressed "$work/lines"
    is "$(said '[l["refused"] for l in lines if "refused" in l][:3]')" '[]' "a flood stays below hilogd's quota"
    like "$(said '[l["text"] for l in lines if "suppressed" in l.get("text", "")][:1]')" 'lines suppressed' "and it is said"
    kill "$daemon"
    wait "$daemon" 2>/dev/null
    kill "$hilogd"
}

on_board newer
on_board oldest
[[ ! -x $static || $EDGEINIT != "$edge_root/out/edgeinit" ]] || on_board static
on_board mistakes
done_testing
