# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # set for those who read this file
#
# For the tests of the manifest: the program under test, and manifests that may stand over a base.

# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../sandbox/lib.sh"
export LC_ALL=C
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
edgeinit=$(realpath "${EDGEINIT:-$top/out/edgeinit}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# validate FILE...: what it prints goes to $scratch/out and $scratch/err, the exit code to $code
validate()
{
    code=0
    "$edgeinit" validate "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
}

# stack_of NAME.json: the manifest, and before it NAME.base.json if there is one; in the array `stack`
stack_of()
{
    stack=("$1")
    [[ ! -e ${1%.json}.base.json ]] || stack=("${1%.json}.base.json" "$1")
}
