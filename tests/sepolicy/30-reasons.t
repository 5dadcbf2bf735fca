#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every rule of the policy says why it is there, and the check that says so sees a rule that does not.
# shellcheck source=tests/sepolicy/lib.sh
. "$(dirname "$0")/lib.sh"

mapfile -t files < <(find "$policy" -name '*.te' | sort)
"$here/reasons" "${files[@]}" >"$scratch/log"
result $? "$("$here/reasons" --count "${files[@]}") rules, each with its reason" "$scratch/log"

# Without its comments a file has no reasons left, as many as it has rules.
for file in "${files[@]}"; do
    sed 's/^ *#.*//; s/; #.*/;/' "$file" >"$scratch/bare.te"
    [ "$("$here/reasons" "$scratch/bare.te" | wc -l)" = "$("$here/reasons" --count "$file")" ]
    result $? "${file#"$policy/"} without its comments"
done

# One comment serves one rule, and a headline none.
printf '# why\nallow a b:file read;\nallow a b:dir read;\n# --- part ---\nallow a c:file read;\n' >"$scratch/one.te"
[ "$("$here/reasons" "$scratch/one.te" | sed 's/.*te:\([0-9]*\).*/\1/' | tr '\n' ' ')" = "3 5 " ]
result $? "one comment, one rule"
echo "1..$number"
