#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./stage from a folder of photographs to a pack: it finds every planted case and nothing else, gives every file one fate,
# writes the same bytes with any number of threads, and refuses wrong input and folders with a reason.
. "$(dirname "$0")/lib.sh"

STAGE=$BUILD/stage
data=$TMP/data
stage() { # OUT ARGUMENT...: the photographs in $data
    "$STAGE" folder "$data" --out "$@" --size 64 --labels "$data/labels.csv" --person person --md5 "$data/md5" --max-bad 50%
}
md5_list() { (cd "$data" && md5sum ./*/*.jpg | sed 's|  \./|  |' >md5); }
# same NAME A B: ok when the values are the same
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
# The lines of findings.tsv as a truth list has them.
found() { tail -n +2 "$1/findings.tsv" | cut -f1-4 | LC_ALL=C sort; }
same_findings() { # NAME OUT, the truth is in $TMP/truth
    if diff <(LC_ALL=C sort "$TMP/truth") <(found "$2") >"$TMP/diff"; then ok "$1"; else not_ok "$1" "$(head -n 5 "$TMP/diff" | tr '\n' '|')"; fi
}
# The card's rows as a recount has them: the rows of labels.csv whose files are neither quarantined nor excluded.
recount() {
    awk 'NR == FNR { if ($1 == "quarantined" || $1 == "excluded") gone[$3]; next }
        FNR == 1 { for (i = 7; i <= NF; i++) label[i] = $i; next }
        !($1 in gone) {
            rows["photographs", $2]++; rows[$6, $2]++; rows[$4, $2]++; rows["cfp", $2]++
            if (!($3 in people)) { people[$3]; rows["people", $2]++ }
            for (i in label) if ($i != "") rows[label[i], $2]++
        }
        END {
            for (key in rows) { split(key, part, SUBSEP); names[part[1]] }
            for (name in names) {
                a = rows[name, "train"]; b = rows[name, "val"]; c = rows[name, "test"]
                printf "| %s | %d | %d | %d | 0 | %d |\n", name, a, b, c, a + b + c
            }
        }' FS='\t' "$1/findings.tsv" FS=, "$data/labels.csv"
}
counts_agree() { # OUT, staged by the last command
    local line missing="" rows
    rows=$(recount "$1" | wc -l)
    while read -r line; do
        tr -s ' ' <"$1/card.md" | grep -qF -- "$line" || missing="$missing $line"
    done < <(recount "$1")
    same "the card counts as the tables do, $rows rows" "" "$missing"
    same "which are photographs, people, a kind, cameras, eyes and labels" 13 "$rows"
    same "findings are counted as findings.tsv has them" "$(found "$1" | cut -f1,2 | sort | uniq -c | awk '{ print "| " $3 " | " $2 " | " $1 " |" }' | sort)" \
        "$(tr -s ' ' <"$1/card.md" | sed -n '/^| found/,/^$/p' | tail -n +3 | grep . | cut -d'|' -f1-4 | sed 's/$/|/' | sort)"
    same "and the call ends with the card's tables" "$(grep '^|' "$1/card.md")" "$(grep '^|' "$TMP/output")"
}
plant() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$TMP/truth"; }
# planted FATE [KIND]: the number of such cases
planted() { awk -F'\t' -v fate="$1" -v kind="${2-}" '$1 == fate && (kind == "" || $2 == kind) { n++ } END { print n + 0 }' "$TMP/truth"; }
drawn=24
# Draws 12 people's photographs again.
draw() {
    "$SYNTH" "$data" --people 12 --size 160 --seed 3 --val 0.2 --test 0.2 --force >"$TMP/synth" && md5_list
    : >"$TMP/truth"
}

# --- Sound photographs --------------------------------------------------------------------------------------------------
check "draws photographs" draw
check "stages them" stage "$TMP/pack"
expect_output "$drawn files: $drawn packed, 0 quarantined, 0 excluded; 0 done by earlier calls"
same_findings "nothing is found" "$TMP/pack"
counts_agree "$TMP/pack"
check "verifies" "$STAGE" verify "$TMP/pack"
check "describes it" "$STAGE" info "$TMP/pack"
expect_output "records   $drawn of 64 x 64 in 1 shard"
of_split() { awk -F, -v split_name="$1" 'NR > 1 && $2 == split_name { n++ } END { print n + 0 }' "$data/labels.csv"; }
expect_output "split     train $(of_split train), val $(of_split val), test $(of_split test), none 0"
expect_output "label     grade: known for $drawn"
same "the card has the grades as often as the table" \
    "$(awk -F, 'NR > 1 { n[$8]++ } END { for (g = 0; g < 5; g++) if (g in n) printf "%s%d: %d", c++ ? ", " : "", g, n[g] }' "$data/labels.csv")" \
    "$(tr -s ' ' <"$TMP/pack/card.md" | sed -n 's/^| grade |.*| 0 | \(.*\) |$/\1/p')"
same "and as many without a circle as info" "$(sed -n 's/^circle *not found in \([0-9]*\),.*/\1/p' "$TMP/output")" "$(sed -n 's/.*In \([0-9]*\) no circle.*/\1/p' "$TMP/pack/card.md")"
check "one thread" stage "$TMP/one" --threads 1
check "and three make the same bytes" diff -r "$TMP/pack" "$TMP/one"
check "a second call has nothing to do" stage "$TMP/one"
expect_output "; $drawn done by earlier calls"
check "and leaves the same bytes" diff -r "$TMP/pack" "$TMP/one"
expect_named 64 "another process at work there is refused" flock "$TMP/one/.lock" "$STAGE" folder "$data" --out "$TMP/one" --size 64 \
    --labels "$data/labels.csv" --person person --md5 "$data/md5" --max-bad 50%
expect_output "another process"
truncate -s -5 "$TMP/one/shards/00000.h5"
expect_exit 65 "$STAGE" verify "$TMP/one"
check "a shard cut short is made again" stage "$TMP/one"
expect_output "; 0 done by earlier calls"
check "with the same bytes" diff -r "$TMP/pack" "$TMP/one"
check "sha256sum agrees" bash -c 'cd "$1" && sha256sum -c --quiet manifest-sha256.txt' - "$TMP/pack"
same "for this user and the group alone" "" "$(find "$TMP/pack" -perm /027)"

# --- Planted damage -----------------------------------------------------------------------------------------------------
mapfile -t files < <(cd "$data" && find train -name '*.jpg' | LC_ALL=C sort)
truncate -s 60% "$data/${files[0]}" 2>/dev/null || truncate -s 2000 "$data/${files[0]}"
plant quarantined decode "${files[0]}" ""
: >"$data/${files[1]}"
plant quarantined empty "${files[1]}" ""
# Bytes before the end mark, as some cameras have them, and EXIF data: orientation 6.
{ head -c -2 "$data/${files[8]}" && printf '%064d\377\331' 0; } >"$TMP/filled" && mv "$TMP/filled" "$data/${files[8]}"
plant told decoder "${files[8]}" ""
{ printf '\377\330\377\341\0\042Exif\0\0MM\0*\0\0\0\010\0\1\1\022\0\3\0\0\0\1\0\6\0\0\0\0\0\0' && tail -c +3 "$data/${files[9]}"; } \
    >"$TMP/turned" && mv "$TMP/turned" "$data/${files[9]}"
plant told orientation "${files[9]}" ""
md5_list
printf 'x' | dd of="$data/${files[2]}" bs=1 seek=3000 conv=notrunc status=none
plant quarantined md5 "${files[2]}" ""
rm "$data/${files[3]}"
plant quarantined missing "${files[3]}" ""
cp "$data/${files[4]}" "$data/${files[5]}"
(cd "$data" && md5sum "${files[5]}") | awk -v f="${files[5]}" 'NR == FNR { new = $0; next } $2 == f { print new; next } 1' - "$data/md5" >"$TMP/md5"
cp "$TMP/md5" "$data/md5"
plant excluded duplicate "${files[5]}" "${files[4]}"
cp "$data/${files[6]}" "$data/train/stranger.jpg"
plant excluded unlisted train/stranger.jpg ""
rm "$data/${files[7]}" && ln -s nowhere.jpg "$data/${files[7]}"
plant quarantined unreadable "${files[7]}" ""
ln -s ../train "$data/train/loop"
plant told link train/loop ""
check "stages damaged ones" stage "$TMP/damaged"
all=$((drawn + $(planted excluded unlisted)))
quarantined=$(planted quarantined)
excluded=$(planted excluded)
expect_output "$all files: $((all - quarantined - excluded)) packed, $quarantined quarantined, $excluded excluded"
same_findings "finds what was planted and nothing else" "$TMP/damaged"
counts_agree "$TMP/damaged"
check "verifies" "$STAGE" verify "$TMP/damaged"
same "quarantine.tsv has a line for each" "$quarantined" "$(tail -n +2 "$TMP/damaged/quarantine.tsv" | wc -l)"
same "with the hash of what could be read" "$(sha256sum <"$data/${files[0]}" | cut -d' ' -f1)" \
    "$(awk -F'\t' -v f="${files[0]}" '$1 == f { print $2 }' "$TMP/damaged/quarantine.tsv")"
strict() { "$STAGE" folder "$data" --out "$TMP/strict" --size 64 --labels "$data/labels.csv" --person person --md5 "$data/md5" "$@"; }
expect_exit 65 strict
expect_output "--max-bad"
if [ -e "$TMP/strict/pack.json" ]; then not_ok "publishes nothing"; else ok "publishes nothing"; fi
check "a higher limit: continues" strict --max-bad 0.5
check "to the same bytes" diff -r "$TMP/damaged" "$TMP/strict"

# A file that was mended since: only the records it changes are staged again, and the pack is that of a first call.
draw
rm "$data/train/loop" "$data/train/stranger.jpg"
check "mended: staged again" stage "$TMP/damaged"
# The journal holds the files' times.
check "to the bytes of sound ones" diff -r --exclude=journal "$TMP/pack" "$TMP/damaged"

# --- Mistakes of the split ----------------------------------------------------------------------------------------------
test_file=$(cd "$data" && find test -name '*.jpg' | LC_ALL=C sort | head -n 1)
cp "$data/$test_file" "$data/${files[4]}"
md5_list
plant refused duplicate_split "${files[4]}" "$test_file"
expect_exit 65 stage "$TMP/refused"
expect_output "another side of the split"
same_findings "the pair is named" "$TMP/refused"
if [ -e "$TMP/refused/pack.json" ]; then not_ok "publishes nothing"; else ok "publishes nothing"; fi
echo "${files[4]}" >"$TMP/exclude"
check "left out, the rest is staged" stage "$TMP/refused" --exclude "$TMP/exclude"
expect_output "$((drawn - 1)) packed, 0 quarantined, 1 excluded"
draw
person=$(awk -F, 'NR > 1 && $2 == "train" { print $3; exit }' "$data/labels.csv")
awk -F, -v OFS=, -v p="$person" '$3 == p && !done { $2 = "test"; done = 1 } 1' "$data/labels.csv" >"$TMP/labels" && cp "$TMP/labels" "$data/labels.csv"
plant refused person_split "$person" ""
expect_exit 65 stage "$TMP/people"
expect_output "$person"
same_findings "the person is named" "$TMP/people"
draw

# --- Wrong input --------------------------------------------------------------------------------------------------------
expect_exit 64 "$STAGE"
expect_output "missing command: aireadi, folder, verify, info, split or forget"
expect_exit 64 "$STAGE" unpack "$data"
expect_output "unknown command unpack"
expect_exit 64 "$STAGE" aireadi "$data"
expect_output "missing --out PACK"
expect_exit 64 "$STAGE" folder "$data" --out "$TMP/x" --size 8
expect_exit 64 "$STAGE" aireadi "$data" --out "$TMP/x" --labels y
expect_output "takes no --labels"
mkdir "$TMP/stranger" && : >"$TMP/stranger/notes"
expect_exit 64 "$STAGE" folder "$data" --out "$TMP/stranger"
expect_output "contains notes, which was not staged"
expect_exit 64 "$STAGE" folder "$data" --out "$TMP/pack" --size 32
expect_output "was staged with other options"
expect_exit 65 "$STAGE" aireadi "$TMP/nowhere" --out "$TMP/x"
expect_exit 65 "$STAGE" verify "$TMP/nowhere"
if [ "$(id -u)" = 0 ]; then
    expect_exit 74 "$STAGE" folder "$data" --out /proc/pack
else
    mkdir -m 500 "$TMP/closed"
    expect_exit 74 "$STAGE" folder "$data" --out "$TMP/closed/pack"
fi

# --- A full disk --------------------------------------------------------------------------------------------------------
full() {
    env FOVEA_DISK_UNDER="$TMP" FOVEA_DISK_FULL_AFTER="$1" LD_PRELOAD="build/tests/disk.so" \
        "$STAGE" folder "$data" --out "$TMP/full" --size 64 --labels "$data/labels.csv" --person person --md5 "$data/md5" --max-bad 50%
}
if [ "$BUILD" = build ]; then
    for room in 50 200000 500000; do
        expect_named 74 "a disk of $room bytes: exit 74" full "$room"
        expect_output "disk full"
    done
    check "with room again it continues" stage "$TMP/full"
    check "to the same bytes" diff -r --exclude=journal "$TMP/pack" "$TMP/full"
fi

# --- Images, split and forgetting -------------------------------------------------------------------------------------
check "a contact sheet" "$STAGE" info "$TMP/pack" --sheet "$TMP/sheet.png"
check "is an image" "$BUILD/accept/preprocess" "$TMP/sheet.png" "$TMP/sheet.rgb" decode
check "another split" "$STAGE" split "$TMP/pack" --val 0.25 --test 0.5 --seed 9
expect_output "before: 12 people: train "
expect_output "now: 12 people: train 3, val 3, test 6, none 0"
same "split.tsv has these people" "6 test,3 train,3 val" "$(cut -f2 "$TMP/pack/split.tsv" | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd,)"
cp "$TMP/pack/split.tsv" "$TMP/split9"
check "with another seed" "$STAGE" split "$TMP/pack" --val 0.25 --test 0.5 --seed 10
if cmp -s "$TMP/split9" "$TMP/pack/split.tsv"; then not_ok "it is another one"; else ok "it is another one"; fi
check "and with the first seed" "$STAGE" split "$TMP/pack" --val 0.25 --test 0.5 --seed 9
check "the first one" cmp "$TMP/split9" "$TMP/pack/split.tsv"
expect_exit 64 flock "$TMP/pack/.lock" "$STAGE" split "$TMP/pack" --val 0.5 --seed 9
expect_output "another process"
check "is reported" "$STAGE" split "$TMP/pack"
expect_output "12 people: train 3, val 3, test 6, none 0"
check "forget lists" "$STAGE" forget "$TMP/pack"
expect_output "$TMP/pack/shards/00000.h5"
expect_output "$TMP/sheet.png"
check "and deletes" "$STAGE" forget "$TMP/pack" --delete
if [ -e "$TMP/pack" ] || [ -e "$TMP/sheet.png" ]; then not_ok "nothing is left" "$(ls -A "$TMP/pack")"; else ok "nothing is left"; fi
expect_exit 65 "$STAGE" forget "$TMP/pack"
