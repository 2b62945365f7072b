#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The written pages: their links and the paths they name exist, no line is too long, and README stays short.
. "$(dirname "$0")/lib.sh"

# paths PAGE: what it names in backquotes that starts like a path of the repository; not those with a placeholder in
# capitals (src/ROOM), a variable or a file that a program writes; not the changelog, which names what is gone.
paths() {
    [ "$1" != CHANGELOG.md ] || return
    grep -v '^    ' "$1" | grep -oE '`[^` ]+`' | tr -d '`' |
        grep -E '^(include|src|kernels|tests|tools|configs|docs|data|\.ci|\.github)/' |
        grep -vE '[A-Z]{3}|[$<>]|^tools/results/gpu|^data/data' | sed -E 's/[:(].*//; s/\/$//' | sort -u
}

# links PAGE: the files its links lead to, from the page's own folder.
links() {
    grep -oE '\]\([^)#]+' "$1" | cut -c3- | grep -v '://' | sort -u
}

# objections PAGE: one line for each link or path that leads nowhere, and each prose line over 120 columns.
objections() {
    local page=$1 path
    links "$page" | while read -r path; do
        [ -e "$(dirname "$page")/$path" ] || echo "no file for the link $path"
    done
    paths "$page" | while read -r path; do
        # Unquoted: a pattern (tests/e2e/stage*.sh) may match several files.
        compgen -G "$path" >"$TMP/matches" || echo "no file $path"
    done
    awk 'length > 120 && !/^\|/ { print "line " FNR " has " length " columns" }' "$page"
}

# --- The check finds planted mistakes ---------------------------------------------------------------------------------
mkdir -p "$TMP/pages"
# shellcheck disable=SC2016 # backquotes are the page's
printf '%s\n' 'See `src/base/nowhere.c` and [that](gone.md).' "$(printf '%0121d' 0)" >"$TMP/pages/bad.md"
objections "$TMP/pages/bad.md" >"$TMP/found"
check "a path that does not exist would be found" grep -q 'no file src/base/nowhere.c' "$TMP/found"
check "a link that leads nowhere would be found" grep -q 'no file for the link gone.md' "$TMP/found"
check "a long line would be found" grep -q 'line 2 has 121 columns' "$TMP/found"

# --- The project's pages ----------------------------------------------------------------------------------------------
for page in *.md docs/*.md docs/*/*.md data/*.md .github/*.md; do
    found=$(objections "$page")
    if [ -z "$found" ]; then ok "$page"; else not_ok "$page" "$(tr '\n' '|' <<<"$found")"; fi
done
check "README has fewer than 150 lines" test "$(wc -l <README.md)" -lt 150
check "and none over 120 columns, tables included" awk 'length > 120 { exit 1 }' README.md
