#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The policy compiles for every release, user and debug, and no neverallow of the base is broken; the releases before 5.0 need
# the edits that we document, all of them and no others; labels, parameters and whitelists fit the policy.
# shellcheck source=tests/sepolicy/lib.sh
. "$(dirname "$0")/lib.sh"

mapfile -t releases < <(sed -n 's/^\([0-9.]*\): .*/\1/p' "$policy/releases")
for release in "${releases[@]}"; do
    for variant in user debug; do
        build "$release" $variant "$scratch/$release-$variant" >"$scratch/log" 2>&1
        result $? "$release $variant" "$scratch/log"
    done
done

# What they need edited is what is broken without, no less and no more.
for release in 3.2 4.0 4.1; do
    mapfile -t directories < <(parts "$release")
    "$here/compile" "$release" user "$scratch/less" "${directories[@]}" 2>/dev/null |
        sed -n 's/^BROKEN \([^ ]*\).*/\1/p' | sort -u >"$scratch/broken"
    grep -v '^#' "$policy/edits" | awk -F' *[|] *' -v release="$release" '" " $2 " " ~ " " release " " { print $1 }' |
        sort | diff - "$scratch/broken" >"$scratch/log"
    result $? "$release: each edit is needed, and no other" "$scratch/log"
done

# Nothing is permissive, and no option is on unless it is asked for.
! grep -rn '^ *permissive\b' "$policy" --include='*.te' >"$scratch/log"
result $? "no domain is permissive" "$scratch/log"
! grep -h 'security (setenforce' "$scratch"/*.cil >"$scratch/log"
result $? "nobody of ours may set the mode" "$scratch/log"
build 7.0 user "$scratch/option" "$policy/option/setenforce/system/edge_setenforce.te" >"$scratch/log" 2>&1 &&
    grep -q '(allow edgeinit security (security (.*setenforce' "$scratch/option.cil"
result $? "edgeinit may, with option/setenforce" "$scratch/log"

# Every program gets a label that is a way into a domain, every label is known.
python3 - "$policy/common/system/file_contexts" "$here/file_contexts" "$scratch/7.0-user.cil" >"$scratch/log" <<'PYTHON'
import re, sys
cil = open(sys.argv[3]).read()
types = set(re.findall(r'^\(type (\w+)\)', cil, re.M))
bad = False
for path in sys.argv[1:3]:
    for line in open(path):
        if line.strip() and not line.startswith('#'):
            expression, context = line.split()
            re.compile(expression)
            name = context.split(':')[2]
            if name not in types and name != 'board_exec':
                bad = not print(path, 'knows no type', name)
for name in re.findall(r'^\(type (edge\w*_exec)\)', cil, re.M):
    if name not in open(sys.argv[1]).read():
        bad = not print('no path has the label', name)
sys.exit(bad)
PYTHON
result $? "file_contexts" "$scratch/log"

# Names of user space: what stands in these two files must be a type of that kind.
# named FILE ATTRIBUTE NAME
named() {
    local label
    label=$(awk -v name="$3" '$1 == name { print $2 }' "$policy/common/system/$1")
    [ -n "$label" ] && grep -E "^\(typeattributeset $2 " "$scratch/7.0-user.cil" | grep -qw "$(cut -d: -f3 <<<"$label")"
    result $? "$1: $3 is $label, of $2"
}
named parameter_contexts parameter_attr edgeinit.
named service_contexts sa_service_attr 126318

# whitelisted KIND FILE JQ... — the whitelist says what is in the policy, no more and no less
whitelisted() {
    "$here/whitelist" "$scratch/7.0-user.cil" "$1" >"$scratch/wanted"
    python3 -c "import json,sys; print(json.dumps(sorted(json.load(open(sys.argv[1]))$3)))" "$policy/whitelist/$2" \
        >"$scratch/has"
    diff "$scratch/wanted" "$scratch/has" >"$scratch/log"
    result $? "whitelist/$2" "$scratch/log"
}
whitelisted domains domain_baseline.json '["user"]["native_system_domain"]'
whitelisted abilities domain_baseline.json '["user"]["sadomain"]'
whitelisted parameters parameter_baseline.json '["baseline"]["user"]["system_restricted_parameter_attr"]'
whitelisted executes perm_group_whitelist.json '["whitelist"][0]["user"]'

# With a tree at hand: OHOS_SELINUX_ADAPTER=DIRECTORY OHOS_RELEASE=6.0 compiles against the real base.
if [ -n "${OHOS_SELINUX_ADAPTER:-}" ]; then
    mapfile -t directories < <(parts "${OHOS_RELEASE:-7.0}")
    for variant in user debug; do
        "$here/real-tree" "$OHOS_SELINUX_ADAPTER" $variant "$scratch/real" "${directories[@]}" >"$scratch/log" 2>&1
        result $? "the tree's own base, $variant" "$scratch/log"
    done
fi
echo "1..$number"
