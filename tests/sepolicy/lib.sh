# SPDX-License-Identifier: Apache-2.0
# For the tests of the SELinux policy: what all of them need. No kernel is asked; any machine will do.
# shellcheck shell=bash
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
policy=$(cd "$here/../../sepolicy" && pwd)
export LC_ALL=C
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0

# result STATUS NAME [FILE] — one TAP line; FILE says why it failed
result() {
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        [ $# -lt 3 ] || sed 's/^/# /' "$3" | head -30
    fi
}

# parts RELEASE — the directories that make the policy for a release
parts() {
    local words word
    read -ra words <<<"$(sed -n "s/^$1: //p" "$policy/releases")"
    for word in "${words[@]}"; do echo "$policy/$word"; done
}

# build RELEASE user|debug POLICY [FILE.te...] — our policy over the base of the release; the releases whose base must be
# edited get it edited
build() {
    local release=$1 variant=$2 output=$3 directories edits=()
    shift 3
    mapfile -t directories < <(parts "$release")
    case $release in 3.2 | 4.*) edits=(-e "$policy/edits") ;; esac
    "$here/compile" "${edits[@]}" "$release" "$variant" "$output" "${directories[@]}" "$@"
}
