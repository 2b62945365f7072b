# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/doctor: what it found, as lines or as JSON.

lines=()
exit_code=0
warnings=0

# ok CHECK VALUE; warns CHECK VALUE ADVICE; fails CODE CHECK VALUE ADVICE
ok() { lines+=("ok" "$1" "$2" ""); }
warns() {
    lines+=("warns" "$1" "$2" "$3")
    warnings=$((warnings + 1))
}
fails() {
    lines+=("fails" "$2" "$3" "$4")
    if [ "$exit_code" = 0 ]; then exit_code=$1; fi
}

json_text() {
    local text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    printf '"%s"' "${text//[[:cntrl:]]/ }"
}

print_json() {
    local i between=
    printf '{"exit_code": %d, "checks": [' "$exit_code"
    for ((i = 0; i < ${#lines[@]}; i += 4)); do
        printf '%s\n  {"state": "%s", "check": "%s", "value": %s, "advice": %s}' "$between" \
            "${lines[i]}" "${lines[i + 1]}" \
            "$(json_text "${lines[i + 2]}")" "$(json_text "${lines[i + 3]}")"
        between=,
    done
    printf '\n]}\n'
}

print_lines() {
    local i
    for ((i = 0; i < ${#lines[@]}; i += 4)); do
        printf '%-6s %-12s %s\n' "${lines[i]}" "${lines[i + 1]}" "${lines[i + 2]}${lines[i + 3]:+; ${lines[i + 3]}}"
    done
    if [ "$exit_code" != 0 ]; then
        echo "a run cannot do its work here: see the lines that fail"
    elif [ $warnings -gt 0 ]; then
        echo "nothing hinders a run; warnings: $warnings"
    else
        echo "nothing hinders a run"
    fi
}
