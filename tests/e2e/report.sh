#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pages of an evaluation: well-formed, and whole without anything beside them. tests/eval/test_page.c writes them.
. "$(dirname "$0")/lib.sh"

cat >"$TMP/parse.py" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

root = tree.parse(sys.argv[1]).getroot()
drawings = root.findall('.//{http://www.w3.org/2000/svg}svg')
sys.exit(0 if len(drawings) > 4 else f'{len(drawings)} drawings')
PYTHON
# parsed CODE NAME PAGE: python's parser of XML exits with CODE.
parsed() {
    if command -v python3 >/dev/null; then
        expect_named "$1" "$2" python3 "$TMP/parse.py" "$3"
    else
        skip "$2" "no python3"
    fi
}

mkdir "$TMP/pages"
check "pages of every kind of task are written" "$BUILD/tests/eval/test_page" "$TMP/pages"
# A picture is within the page.
outside='<(script|link|iframe|object)|src="($|[^d]|d[^a])|src=[^"]|href=|url\(|@import|https?://[^w]'
for kind in binary multiclass multilabel ordinal regression undefined; do
    page=$TMP/pages/$kind.html
    parsed 0 "$kind: the page and its drawings are well-formed" "$page"
    expect_named 1 "$kind: nothing outside the page is asked for" grep -nE "$outside" "$page"
    expect_named 1 "$kind: nothing is drawn where there is no number" grep -nE '\b(nan|inf)\b' "$page"
done

# The checks can fail.
sed 's|</main>|<img src="x">|' "$TMP/pages/binary.html" >"$TMP/bad.html"
parsed 1 "a page that is not well-formed would be found" "$TMP/bad.html"
expect_named 0 "what is outside would be found" grep -qE "$outside" "$TMP/bad.html"
