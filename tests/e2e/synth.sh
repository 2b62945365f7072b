#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The generator of fundus photographs: what it writes, that it depends on the seed alone, and what it refuses.
. "$(dirname "$0")/lib.sh"

synth="$BUILD/synth"
decode="$BUILD/accept/preprocess"

# same NAME A B: ok when the values are the same
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi
}

# empty NAME TEXT: ok when TEXT, the complaint, is empty
empty() {
    if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$(head -n 1 <<<"$2")"; fi
}

images() {
    (cd "$1" && find train val test -type f | sort)
}

# bright FILE SIDE: pixels of much green in the left and in the right half, which is where the disc is
bright() {
    "$decode" "$1" "$TMP/image.rgb" decode && od -An -v -tu1 -w3 "$TMP/image.rgb" |
        awk -v side="$2" '$2 > 150 { if ((NR - 1) % side < side / 2) left++; else right++ } END { print left + 0, right + 0 }'
}

# The same seed gives the same bytes, whatever the threads; another seed gives other people.
check "draws 12 people" "$synth" "$TMP/one" --people 12 --visits 2 --size 64 --seed 7 --format mixed --threads 1
check "draws them with two threads" "$synth" "$TMP/two" --people 12 --visits 2 --size 64 --seed 7 --format mixed --threads 2
check "draws another seed" "$synth" "$TMP/other" --people 12 --visits 2 --size 64 --seed 8 --format mixed
check "one and two threads write the same bytes" diff -r "$TMP/one" "$TMP/two"
shared=$(cat <(cd "$TMP/one" && find . -type f -exec cksum {} + | cut -d' ' -f1,2) \
    <(cd "$TMP/other" && find . -type f -exec cksum {} + | cut -d' ' -f1,2) | sort | uniq -d)
empty "another seed shares no file with it" "$shared"

# How many, and where.
same "12 people x 2 eyes x 2 visits" 48 "$(images "$TMP/one" | wc -l)"
same "labels.csv lists exactly the files" "$(images "$TMP/one")" "$(tail -n +2 "$TMP/one/labels.csv" | cut -d, -f1 | sort)"
same "one person of 12 is in val and one in test" "1 1" \
    "$(for s in val test; do find "$TMP/one/$s" -name 'P*' -printf '%f\n' | cut -d_ -f1 | sort -u | wc -l; done | xargs)"
empty "no person is in two splits" "$(tail -n +2 "$TMP/one/labels.csv" | cut -d, -f2,3 | sort -u | cut -d, -f2 | sort | uniq -d)"
empty "the split is the folder" "$(awk -F, 'NR > 1 && index($1, $2 "/") != 1' "$TMP/one/labels.csv")"
check "--images 7" "$synth" "$TMP/seven" --images 7 --visits 2 --size 64 --seed 7 --val 0 --test 0
same "writes 7 photographs" 7 "$(images "$TMP/seven" | wc -l)"
same "of 2 people, the last visit left out" "P000001_L_01 P000001_L_02 P000001_R_01 P000001_R_02 P000002_L_01 P000002_R_01 P000002_R_02" \
    "$(images "$TMP/seven" | sed 's/.*\///; s/\..*//' | xargs)"

# The labels.
same "columns" "file,split,person,eye,visit,device,lesions,grade,tortuosity,cup_to_disc,age" "$(head -n 1 "$TMP/one/labels.csv")"
check "draws 60 people for their labels" "$synth" "$TMP/many" --people 60 --size 64 --seed 3
empty "every value is in its range" "$(awk -F, 'NR > 1 && (NF != 11 || $2 !~ /^(train|val|test)$/ || $3 !~ /^P[0-9][0-9][0-9][0-9][0-9][0-9]$/ ||
    $4 !~ /^[RL]$/ || $5 != 1 || $6 !~ /^(desk|clipped|handheld)$/ || $7 !~ /^[01]$/ || $8 !~ /^[0-4]$/ ||
    $9 !~ /^[0-9.]+$/ || $9 < 1 || $9 > 1.6 || $10 !~ /^[0-9.]+$/ || $10 < 0.1 || $10 > 0.9 || $11 !~ /^[0-9]+$/ ||
    $11 < 20 || $11 > 100)' "$TMP/many/labels.csv")"
empty "no lesions without a grade" "$(awk -F, 'NR > 1 && $8 == 0 && $7 != 0' "$TMP/many/labels.csv")"
same "every grade occurs" "0 1 2 3 4" "$(tail -n +2 "$TMP/many/labels.csv" | cut -d, -f8 | sort -u | xargs)"
same "every device occurs" "clipped desk handheld" "$(tail -n +2 "$TMP/many/labels.csv" | cut -d, -f6 | sort -u | xargs)"
empty "the eyes of a person differ by less than people do" "$(awk -F, 'NR > 1 { sum += $9; squares += $9 * $9; n++
    if ($4 == "R") right[$3] = $9; else { between += ($9 - right[$3]) ^ 2; pairs++ } }
    END { variance = squares / n - (sum / n) ^ 2; if (between / pairs / 2 > 0.4 * variance) print between / pairs, variance }' "$TMP/many/labels.csv")"

# The images.
if [ -x "$decode" ]; then
    wrong=
    for file in $(images "$TMP/one"); do
        "$decode" "$TMP/one/$file" "$TMP/image.rgb" decode && [ "$(stat -c %s "$TMP/image.rgb")" = $((64 * 64 * 3)) ] ||
            wrong="$wrong $file"
    done
    empty "all of them decode to 64 x 64" "$wrong"
    # The disc is on the nasal side: right of the middle in a right eye, left in a left one, in every photograph. The desk
    # camera's are even enough in light for a threshold.
    check "draws at 128 pixels" "$synth" "$TMP/discs" --people 12 --size 128 --seed 3
    wrong=
    while IFS=, read -r file _ _ eye _ device lesions _; do
        [ "$device$lesions" = desk0 ] || continue
        read -r left right < <(bright "$TMP/discs/$file" 128)
        [ $((left + right)) -gt 20 ] || wrong="$wrong $file: no disc"
        if [ "$eye" = R ]; then [ "$right" -gt $((4 * left)) ]; else [ "$left" -gt $((4 * right)) ]; fi || wrong="$wrong $file: $left $right"
    done <"$TMP/discs/labels.csv"
    empty "the disc is on the nasal side" "$wrong"
else
    skip "all of them decode to 64 x 64" "no $decode"
    skip "the disc is on the nasal side" "no $decode"
fi
empty "a name matches its format" "$(for file in $(images "$TMP/one"); do
    case $file:$(head -c 4 "$TMP/one/$file" | od -An -tx1 | tr -d ' ') in
    *.jpg:ffd8ff* | *.png:89504e47) ;;
    *) echo "$file" ;;
    esac
done)"
same "mixed is both" "jpg png" "$(images "$TMP/one" | sed 's/.*\.//' | sort -u | xargs)"
check "png" "$synth" "$TMP/png" --images 1 --size 65 --format png
same "is png alone" "png" "$(images "$TMP/png" | sed 's/.*\.//' | sort -u)"

# A folder that is not empty.
expect_exit 64 "$synth" "$TMP/one" --people 1 --size 64
expect_output "$TMP/one is not empty"
touch "$TMP/many/train/mine.jpg"
check "--force draws over it" "$synth" "$TMP/many" --people 2 --size 64 --seed 5 --force
mkdir "$TMP/mine" && echo "file,label" >"$TMP/mine/labels.csv"
expect_exit 64 "$synth" "$TMP/mine" --people 2 --size 64 --force
expect_output "was not written by this program"
same "and leaves no photograph of the earlier run, but other files" "$(tail -n +2 "$TMP/many/labels.csv" | cut -d, -f1 | cat - <(echo train/mine.jpg) | sort)" "$(images "$TMP/many")"

# Wrong use, and a place that cannot be written.
expect_exit 0 "$synth" --help
expect_output "usage: synth OUT"
expect_output "--manifest V"
expect_output "--mistakes K"
expect_exit 64 "$synth"
expect_output "missing OUT; for example: synth demo/data"
expect_exit 64 "$synth" "$TMP/new"
expect_output "--people N or --images N"
expect_exit 64 "$synth" "$TMP/new" --people 2 --images 2
expect_output "--people and --images exclude each other"
expect_exit 64 "$synth" "$TMP/new" --people 0
expect_output "--people takes a whole number from 1"
expect_exit 64 "$synth" "$TMP/new" --people 2 --size 63
expect_output "--size takes a whole number from 64 to 3000, not '63'"
expect_exit 64 "$synth" "$TMP/new" --people 2 --size 3001
expect_output "--size takes a whole number from 64 to 3000, not '3001'"
expect_exit 64 "$synth" "$TMP/new" --people 2x
expect_output "--people takes a whole number from 1 to 1000000, not '2x'"
expect_exit 64 "$synth" "$TMP/new" --people 2 --format gif
expect_output "--format takes jpeg, png or mixed, not 'gif'"
expect_exit 64 "$synth" "$TMP/new" --people 2 --quality 101
expect_output "--quality takes a whole number from 1 to 100, not '101'"
expect_exit 64 "$synth" "$TMP/new" --people 2 --val 0.6 --test 0.5
expect_output "leave no people for training: their sum is 1.1"
expect_exit 64 "$synth" "$TMP/new" --people 2 --test nan
expect_output "--test takes a share from 0 to 1, not 'nan'"
expect_exit 64 "$synth" "$TMP/new" --people 2 --colour red
expect_output "unknown option --colour"
for option in "--plant damage" "--mistakes 2" "--manifest 1"; do
    expect_exit 64 "$synth" "$TMP/new" --people 2 $option
    expect_output "go with --layout aireadi"
done
expect_exit 64 "$synth" "$TMP/new" --people 2 --layout aireadi --visits 2
expect_output "--layout aireadi takes --people, but not --images, --visits, --format or --force"
expect_exit 64 "$synth" "$TMP/new" --people 1000 --layout aireadi
expect_output "--layout aireadi takes 1 to 999 people"
expect_exit 64 "$synth" "$TMP/new" --people
expect_output "--people needs a value: --people N"
expect_exit 64 "$synth" "$TMP/new" "$TMP/newer" --people 2
expect_output "unexpected argument '$TMP/newer'"
if [ -e "$TMP/new" ]; then not_ok "wrong use writes nothing" "$TMP/new exists"; else ok "wrong use writes nothing"; fi
touch "$TMP/file"
expect_exit 74 "$synth" "$TMP/file" --people 1 --size 64
expect_output "cannot open $TMP/file: Not a directory"
expect_exit 74 "$synth" "$TMP/file/below" --people 1 --size 64
expect_output "cannot open $TMP/file/below: Not a directory"
