#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is printed from the tables of options: help, man pages, completion for bash.
. "$(dirname "$0")/lib.sh"

programs="train stage eval convert pool synth"
version=$(sed -n 's/^#define FOVEA_VERSION "\(.*\)"/\1/p' include/base/version.h)

# says NAME GOT WANTED: ok when it is the same.
says() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi
}

# Lines "COMMAND OPTION" of the table that the text in FILE lacks; COMMAND - means none.
lacking() {
    local file=$1 name
    while read -r _ name; do
        grep -qE -- "(^|[^a-zA-Z-])$name([^a-zA-Z0-9-]|\$)" "$file" || echo "$name"
    done
}

for program in $programs; do
    "$BUILD/manual" list "$program" >"$TMP/list"
    check "$program has a table of options" test "$(wc -l <"$TMP/list")" -gt 4
    says "$program --version" "$("$BUILD/$program" --version)" "fovea $version"
    for command in $(cut -d' ' -f1 "$TMP/list" | sort -u); do
        words=()
        [ "$command" = - ] || words=("$command")
        check "$program ${words[*]} --help" "$BUILD/$program" "${words[@]}" --help
        says "lists every option" "$(grep -- "^$command " "$TMP/list" | lacking "$TMP/output")" ""
        says "in 100 columns" "$(sed '/^keys of [A-Z]*:/,$d' "$TMP/output" | awk 'length > 100')" ""
        option=$(sed -n "s/^$command \\(--.*\\)/\\1/p" "$TMP/list" | tail -n 1)
        expect_exit 64 "$BUILD/$program" "${words[@]}" "${option}x"
        expect_output "unknown option ${option}x; the nearest is $option ($program${words[*]:+ ${words[*]}} --help"
    done
    sed 's/\\-/-/g; s/\\f[BIP]//g' "$BUILD/man/$program.1" >"$TMP/page"
    says "the man page lists every option" "$(lacking "$TMP/page" <"$TMP/list")" ""
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES "EXIT STATUS" FILES "SEE ALSO"; do
        grep -qx ".SH $section" "$TMP/page" || echo "$section"
    done >"$TMP/missing"
    says "and has every section" "$(cat "$TMP/missing")" ""
    if command -v groff >/dev/null; then
        says "groff accepts the man page" "$(groff -man -Tutf8 -ww -z "$BUILD/man/$program.1" 2>&1)" ""
    else
        skip "groff accepts the man page" "no groff"
    fi
done
for program in train eval; do
    sed 's/\\-/-/g; s/\\f[BIP]//g' "$BUILD/man/$program.1" >"$TMP/page"
    "$BUILD/$program" --help | sed '1,/^keys of [A-Z]*:/d' | grep -o '^[a-z_]*\.[a-z0-9_*]*' >"$TMP/keys"
    check "$program has keys" test "$(wc -l <"$TMP/keys")" -gt 10
    says "the page of $program explains every key" "$(while read -r key; do grep -qF -- "$key " "$TMP/page" || echo "$key"; done <"$TMP/keys")" ""
done

# docs/stage.md explains the options of ./stage by topic; it may also name those of train, synth and azcopy.
"$BUILD/manual" list stage >"$TMP/list"
says "docs/stage.md names every option" "$(lacking docs/stage.md <"$TMP/list")" ""
says "and every command" "$(cut -d' ' -f1 "$TMP/list" | grep -v '^-' | sort -u | while read -r command; do
    grep -q "\./stage $command" docs/stage.md || echo "$command"
done)" ""
{ cat "$TMP/list" && "$BUILD/manual" list train && "$BUILD/manual" list synth && echo '- --help' && echo '- --properties'; } | cut -d' ' -f2 | sort -u >"$TMP/known"
says "and no option that does not exist" "$(grep -oE -- '--[a-z][a-z0-9-]*' docs/stage.md | sort -u | comm -23 - "$TMP/known")" ""

# docs/pool.md names those of ./pool; it may also name --resume, which the pool adds to a command.
"$BUILD/manual" list pool >"$TMP/list"
says "docs/pool.md names every option" "$(grep -- ' --' "$TMP/list" | lacking docs/pool.md)" ""
says "and every command of the pool" "$(cut -d' ' -f1 "$TMP/list" | sort -u | while read -r command; do
    grep -q "pool $command" docs/pool.md || echo "$command"
done)" ""
{ cat "$TMP/list" && echo '- --resume'; } | cut -d' ' -f2 | sort -u >"$TMP/known"
says "and no option that the pool does not have" "$(grep -oE -- '--[a-z][a-z0-9-]*' docs/pool.md | sort -u | comm -23 - "$TMP/known")" ""

# complete WORDS...: the completions that bash would offer for the last word.
complete_words() {
    bash -c '. "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "_fovea_$1"
        printf "%s\n" "${COMPREPLY[@]}"' - "$BUILD/completions/$1" "$@" | sort | paste -sd' '
}
says "options of train" "$(complete_words train --resu)" "--resume"
says "keys of train" "$(complete_words train configs/quickstart.ini --set optim.weight_d)" "optim.weight_decay="
says "keys to explain" "$(complete_words train --help guard.spi)" "guard.spike"
says "configurations" "$(complete_words train configs/quick)" "configs/quickstart.ini"
says "commands of stage" "$(complete_words stage f)" "folder forget"
says "options of a command" "$(complete_words stage aireadi --m)" "--max-bad --max-unlabelled --md5 --modality"
says "files after an option" "$(complete_words stage folder x --labels READ)" "README.md"
says "choices" "$(complete_words synth out --format "")" "jpeg mixed png"
says "choices after =" "$(complete_words synth out --format = pn)" "png"
says "nothing where anything goes" "$(complete_words synth out --seed "")" ""
says "choices of an operand" "$(complete_words pool filler o)" "off on"
says "and after another operand" "$(complete_words pool gpu 3 d)" "drain"
says "files of an operand" "$(complete_words pool sweep configs/quick)" "configs/quickstart.ini"
says "options before --" "$(complete_words pool submit --gp)" "--gpu-ids --gpu-mem --gpus"
says "another command's files after --" "$(complete_words pool run --time 2h -- ./train configs/quick)" "configs/quickstart.ini"
says "and none of the own options" "$(complete_words pool run -- ./train --sta)" ""
