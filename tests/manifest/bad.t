#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong is refused (by EDGEINIT), with every mistake in one go: stderr is NAME.expected, word for word. To make
# the expected text of a new file: edgeinit validate NAME.json 2>NAME.expected, and read it: is it true, does it help?
# shellcheck source=tests/manifest/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$top/tests/manifest/bad" || exit
for file in *.json; do
    [[ $file != *.base.json ]] || continue
    stack_of "$file"
    validate "${stack[@]}"
    is "$(cat "$scratch/err")" "$(cat "${file%.json}.expected")" "$file: all its mistakes"
    mistakes=$(grep -cv ': warning: ' "${file%.json}.expected")
    is "$code $(cat "$scratch/out")" "1 not good: $mistakes mistake$( ((mistakes == 1)) || echo s)" "$file is refused"
done

# Every message but those about a file as a whole names a line and a column.
is "$(grep -hvE '^[a-z0-9.-]+\.json:[0-9]+:[0-9]+: ' ./*.expected)" '' 'each mistake has its place'

# A warning makes nothing bad.
validate "$top/tests/manifest/good/selinux-permissive.json"
like "$code $(cat "$scratch/err")" '^0 .*:1:[0-9]+: warning: host.selinux: ' 'a warning is told, and the manifest accepted'

done_testing
