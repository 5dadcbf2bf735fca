#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is right is accepted: good/*.json, each over its NAME.base.json if it has one, and the manifests shipped. (The program: EDGEINIT.)
# shellcheck source=tests/manifest/lib.sh
. "$(dirname "$0")/lib.sh"

# accepts NAME FILE...: exit 0, no mistake, only warnings
accepts()
{
    local name=$1
    shift
    validate "$@"
    is "$code $(grep -v ': warning: ' "$scratch/err")" '0 ' "$name is accepted"
    like "$(cat "$scratch/out")" '^good: [0-9]+ resources, [0-9]+ services$' "$name is called good"
}

cd "$top/tests/manifest/good" || exit
for file in *.json; do
    [[ $file != *.base.json ]] || continue
    stack_of "$file"
    accepts "$file" "${stack[@]}"
done

cd "$top/cfg" || exit
accepts 'edgeinit.json' edgeinit.json
for board in boards/*.json; do
    accepts "$board" edgeinit.json "$board"
done
accepts 'edgecore.json' edgeinit.json edgecore.json
accepts 'the whole stack of a DAYU200' edgeinit.json boards/dayu200.json boards/dayu200-edge.json edgecore.json \
    "$top/tests/manifest/good/edge-least.json"

done_testing
