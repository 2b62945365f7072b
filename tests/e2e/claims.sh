#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The README may give a figure of a GPU only when tools/gpu-check measured it and tools/results contains it.
. "$(dirname "$0")/lib.sh"

# claims README: each sentence or row of a table, outside code blocks, that has a number, a unit of speed and a GPU.
# A table's heading belongs to each of its rows, because it contains the units.
claims() {
    awk '
        function judge(text, about) {
            about = text
            if (about !~ /images\/s|[TG]FLOP\/s|[TG]B\/s|MFU/) return
            if (!gsub(/(^|[^A-Za-z0-9])(GPUs?|[ABHLTV][0-9]+[A-Z]*|G[BH][0-9]+|RTX *[0-9]*|Hopper|Blackwell)([^A-Za-z0-9]|$)/, " ", about)) return
            if (about ~ /[0-9]/) print text
        }
        function flush(count, i, sentences) {
            count = split(paragraph, sentences, /[.!?] +/)
            for (i = 1; i <= count; i++) judge(sentences[i])
            paragraph = ""
        }
        /^```/ { flush(); code = !code; next }
        code { next }
        /^\|/ { flush(); if (!heading) heading = $0; judge(heading " " $0); next }
        { heading = "" }
        /^ *$/ { flush(); next }
        { paragraph = paragraph " " $0 }
        END { flush() }' "$1"
}

# objections README FILE...: its figures that the measurements in FILEs do not support; nothing when all are supported.
objections() {
    local readme=$1 file line named
    shift
    if [ $# -eq 0 ]; then
        claims "$readme" | sed 's/^/not measured: /'
        tr '\n' ' ' <"$readme" | grep -qE '(Nothing|[Nn]ot|[Nn]ever|No )[^.|]*measured on a GPU' ||
            echo "it does not say that nothing was measured on a GPU"
        return
    fi
    claims "$readme" | while read -r line; do
        named=
        for file; do [[ $line == *"$file"* ]] && named=$file; done
        [ "$named" ] || echo "names no file of tools/results: $line"
    done
    for file; do grep -q '"backend": "cuda"' "$file" || echo "$file was not measured on a GPU"; done
}

# --- The rule, on invented pages --------------------------------------------------------------------------------------
# page NAME WANTED TEXT [FILE...]: ok when the page's first objection has WANTED ("" for none).
page() {
    local name=$1 wanted=$2 found
    printf '%s\n' "$3" >"$TMP/page"
    shift 3
    found=$(cd "$TMP" && objections page "$@")
    if [ -z "$wanted" ] && [ -n "$found" ]; then
        not_ok "$name" "$found"
    elif [[ $found != *"$wanted"* ]]; then
        not_ok "$name" "it found: ${found:-nothing}"
    else
        ok "$name"
    fi
}
none="Nothing here has been
measured on a GPU yet."
mkdir -p "$TMP/tools/results"
h200=tools/results/gpu-h200.json
echo '{"machine": {"backend": "cuda"}}' >"$TMP/$h200"
echo '{"machine": {"backend": "emu"}}' >"$TMP/tools/results/gpu-emu.json"

page "a page that claims nothing" "" "$none"
page "that must be said" "does not say" "Fast on every GPU."
page "and be denied" "does not say" "All of it was measured on a GPU."
page "images a second" "not measured" "$none It takes 1,234 images/s on an H100."
page "over the end of a line" "not measured" "$none It takes 1,234 images/s
on an H100."
page "FLOP" "not measured" "$none On H200: 700 TFLOP/s."
page "bytes" "not measured" "$none An A100 copies 1.7 TB/s."
page "bytes, of a GPU" "not measured" "$none
- a GPU copies at 900 GB/s"
page "MFU" "not measured" "$none MFU on a GPU is 51 %."
page "rows of a table" "not measured" "$none

| GPU | images/s |
|---|---|
| L4 | 300 |"
page "figures of a CPU" "" "$none

| what | fovea |
|---|---|
| training | 469 images/s |

469 images/s on two cores. A GPU was not there."
page "a unit and a GPU without a number" "" "$none The H100's images/s will follow."
page "code" "" "$none

\`\`\`
bench   # 1,234 images/s on an H100
\`\`\`"
page "measured and named" "" "On an H200 $h200 has 1,234 images/s." $h200
page "measured, and not named" "names no file" "It takes 1,234 images/s on an H200." $h200
page "measured, and another named" "names no file" "On an H200 tools/results/gpu-h100.json has 1,234 images/s." $h200
page "measured by the emulator" "was not measured" "Fast." tools/results/gpu-emu.json

# --- The project's own page -----------------------------------------------------------------------------------------
if ! git -c safe.directory='*' rev-parse --is-inside-work-tree >"$TMP/output" 2>&1; then
    skip "README.md" "no git checkout: which results are the project's is not known"
    exit 0
fi
mapfile -t results < <(git -c safe.directory='*' ls-files 'tools/results/gpu-*.json')
found=$(objections README.md "${results[@]}")
if [ -z "$found" ]; then ok "README.md"; else not_ok "README.md" "$(tr '\n' '|' <<<"$found")"; fi
