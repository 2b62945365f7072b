#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training from packs: the same steps by any number of workers and any way of reading, a resumed run's too; a damaged
# record is skipped and counted, a pack that changed is refused.
. "$(dirname "$0")/lib.sh"
. tests/e2e/small_run.sh

stage() { "$BUILD/stage" folder "$TMP/data" --out "$1" --size 48 --labels "$TMP/data/labels.csv" --person person; }
from() { # PACK DIRECTORY ARGUMENT...
    local pack=$1 directory=$2
    shift 2
    train "$directory" --set data.train="$pack" --set data.val="$pack" "$@"
}
draw_images
write_config
check "stages a pack" stage "$TMP/pack"
check "40 steps from it" from "$TMP/pack" "$TMP/reference"
losses "$TMP/reference" >"$TMP/reference.losses"
train_count=$(awk -F, 'NR > 1 && $2 == "train"' "$TMP/data/labels.csv" | wc -l)
if [ "$(field "$TMP/reference" data_count)" = "$train_count" ]; then ok "only people of the split train"; else not_ok "only people of the split train" "$(field "$TMP/reference" data_count) images, not $train_count"; fi
check "three workers, read past the page cache" from "$TMP/pack" "$TMP/direct" --set data.workers=3 --set data.cache=direct
same_as_reference "the same steps" "$TMP/direct"
check "stopped at step 17" from "$TMP/pack" "$TMP/stopped" --until 17
check "and resumed" from "$TMP/pack" "$TMP/stopped" --resume
same_as_reference "to the same end" "$TMP/stopped"
if grep -q '"queue": [0-9]' "$TMP/reference/metrics.jsonl" && grep -q '"read_bytes_per_s": [1-9]' "$TMP/reference/metrics.jsonl"; then
    ok "metrics report the ring and the read rate"
else
    not_ok "metrics report the ring and the read rate" "$(tail -n 1 "$TMP/reference/metrics.jsonl")"
fi

# On a GPU, here an emulated one, records are cropped by its kernels; a folder's images are cropped by the host.
emulated=(--set train.device=emu --set log.recon_images=1 --until 6)
check "six steps on an emulated GPU" from "$TMP/pack" "$TMP/emulated" "${emulated[@]}"
check "and with three workers, kernel by kernel" from "$TMP/pack" "$TMP/plain" "${emulated[@]}" --set data.workers=3 --set train.capture=off
check "the same weights" cmp "$TMP/emulated/ckpt/latest/weights.safetensors" "$TMP/plain/ckpt/latest/weights.safetensors"
check "and with the records in its memory" from "$TMP/pack" "$TMP/held" "${emulated[@]}" --set data.cache=device
check "the same weights" cmp "$TMP/emulated/ckpt/latest/weights.safetensors" "$TMP/held/ckpt/latest/weights.safetensors"
check "they were read once" grep -q '"read_bytes_per_s": 0,' "$TMP/held/metrics.jsonl"
check "numbers, crops and masks were still copied" grep -q '"copy_bytes_per_s": [1-9]' "$TMP/held/metrics.jsonl"
# A signal that is there from the start: the kernel keeps it through exec.
stopped_early() { env --block-signal=TERM bash -c 'kill -TERM $$; exec "$@"' - "$BUILD/train" "$TMP/small.ini" --set run.dir="$TMP/early" --set data.train="$TMP/pack" --set data.val="$TMP/pack" "${emulated[@]}" --set data.cache=device; }
expect_exit 75 stopped_early
expect_output "before the first step"
check "and resumed from there" from "$TMP/pack" "$TMP/early" "${emulated[@]}" --set data.cache=device --resume
check "to the same weights" cmp "$TMP/emulated/ckpt/latest/weights.safetensors" "$TMP/early/ckpt/latest/weights.safetensors"
check "its steps can be profiled" "$BUILD/train" "$TMP/small.ini" --set data.train="$TMP/pack" --set train.device=emu --set data.cache=device --profile 1
expect_exit 64 train "$TMP/folder" "${emulated[@]}" --set data.cache=device
expect_output "data.cache = device"
check "on the CPU it is read as usual" from "$TMP/pack" "$TMP/cpu" --set data.cache=device
same_as_reference "the same steps" "$TMP/cpu"
"$BUILD/train" "$TMP/small.ini" --set data.train="$TMP/pack" --set train.device=emu --plan >"$TMP/plan" 2>&1
# Three batches of eight records of 48 x 48 pixels, their numbers, crops and masks of 16 patches, in multiples of 64 bytes.
check "the plan has room for whole records" grep -Eq 'ring of batches +168128 ' "$TMP/plan"

# A second pack, shown half as often.
check "stages a second one" "$BUILD/stage" folder "$TMP/data/val" --out "$TMP/other" --size 48
mixed=(--set data.train="$TMP/pack,$TMP/other" --set data.weights=1,0.5 --set data.val=)
check "two packs with weights" train "$TMP/weighted" "${mixed[@]}" --until 3
samples=$(($(find "$TMP/data/val" -type f | wc -l) / 2))
share=$(awk -v a="$train_count" -v b="$samples" 'BEGIN { printf "%.1f", 100 * b / (a + b) }')
expect_output "$TMP/other: $share % of an epoch ($samples samples), each image 0.5 times"
"$BUILD/train" "$TMP/small.ini" "${mixed[@]}" --plan >"$TMP/output" 2>&1
expect_output "$TMP/other: $share % of an epoch ($samples samples), each image 0.5 times"
check "run.json has the samples of each" grep -q "\"path\": \"$TMP/other\", \"images\": $((2 * samples)), \"samples_per_epoch\": $samples}" "$TMP/weighted/run.json"
expect_exit 64 train "$TMP/weighted" "${mixed[@]}" --set data.weights=1,1 --resume
expect_output "data.weights"
# Killed by SIGKILL in the second of its epochs.
check "nine steps of them" train "$TMP/nine" "${mixed[@]}" --set data.workers=3 --until 9
extra=(FOVEA_CRASH_UNDER="$TMP/cut" FOVEA_CRASH_AT=step:8 FOVEA_CRASH_SEED=1 FOVEA_CRASH_LOG="$TMP/crash.log" LD_PRELOAD="$PRELOAD/crash.so:$PRELOAD/disk.so")
{ expect_exit 137 train "$TMP/cut" "${mixed[@]}" --until 9; } 2>"$TMP/killed"
extra=()
check "killed, it is resumed" train "$TMP/cut" "${mixed[@]}" --until 9 --resume
check "to the same weights" cmp "$TMP/nine/ckpt/latest/weights.safetensors" "$TMP/cut/ckpt/latest/weights.safetensors"
# A pretraining continued from an encoder alone, as docs/continue.md has it.
check "an encoder" "$BUILD/convert" "$TMP/weighted/ckpt/latest" "$TMP/encoder.safetensors" --encoder
continued=("${mixed[@]}" --set init.from="$TMP/encoder.safetensors" --set optim.l2sp=0.05 --set optim.layer_decay=0.85 --until 2)
expect_exit 65 train "$TMP/continued" "${continued[@]}"
expect_output "missing: mask_token, decoder_embed.weight"
check "continues with a fresh decoder" train "$TMP/continued" "${continued[@]}" --set init.fresh="mask_token, decoder"
expect_output "loaded "
if [ "$(field "$TMP/continued" init_sha256)" = "$(sha256sum "$TMP/encoder.safetensors" | cut -d ' ' -f 1)" ]; then ok "run.json knows the file"; else not_ok "run.json knows the file"; fi
# Paths as long as the system allows: they are read, stored, and compared by --resume.
long=$(printf '%0200d' 0)
first="$TMP/1/$long/$long/$long/$long/$long/$long/$long/$long/$long/$long"
second="$TMP/2/$long/$long/$long/$long/$long/$long/$long/$long/$long/$long"
mkdir -p "$first" "$second"
cp -r "$TMP/pack" "$first/pack" && cp -r "$TMP/other" "$second/pack"
check "two packs on paths of 2000 bytes" train "$TMP/long" --set data.train="$first/pack,$second/pack" \
    --set data.weights=1,0.5 --set data.val= --until 3
check "the same weights" cmp "$TMP/weighted/ckpt/latest/weights.safetensors" "$TMP/long/ckpt/latest/weights.safetensors"
check "its own configuration resumes" "$BUILD/train" "$TMP/long/config.ini" --resume --until 4
expect_exit 64 train "$TMP/wrong" --set data.train="$TMP/pack,$TMP/other" --set data.weights=1 --set data.val=
expect_output "1 weights for 2 packs; give one for each (data.weights)"

# One byte of a record, in a copy of the pack: the fourth record's first.
cp -r "$TMP/pack" "$TMP/flipped"
printf '\377' | dd of="$TMP/flipped/shards/00000.h5" bs=1 seek=$((4096 + 3 * 48 * 48 * 3)) conv=notrunc status=none
expect_exit 65 "$BUILD/stage" verify "$TMP/flipped"
expect_output "record 3"
check "a damaged record is tolerated" from "$TMP/flipped" "$TMP/flipped_run" --set data.max_unreadable=0.1 --until 20
if [ "$(grep -c '"reason"' "$TMP/flipped_run/run.json")" = 1 ] && grep -q checksum "$TMP/flipped_run/run.json"; then
    ok "and named in run.json"
else
    not_ok "and named in run.json" "$(grep -A3 bad_records "$TMP/flipped_run/run.json")"
fi
expect_output "1 unreadable images so far; run.json lists them"

# A folder that only another user may read is not reported as missing.
if [ "$(id -u)" = 0 ]; then
    as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
    cp "$BUILD/stage" "$BUILD/train" "$TMP/"
    chmod 755 "$TMP" "$TMP/stage" "$TMP/train" && chmod 644 "$TMP/small.ini"
    expect_exit 65 as_nobody "$TMP/stage" verify "$TMP/pack"
    expect_output "cannot be accessed: Permission denied"
    mkdir -m 700 "$TMP/closed" && mv "$TMP/other" "$TMP/closed/"
    expect_exit 65 as_nobody "$TMP/train" "$TMP/small.ini" --set run.dir="$TMP/nobody" --set data.train="$TMP/closed/other"
    expect_output "cannot be accessed: Permission denied"
else
    skip "another user's pack" "only root can become another user"
fi

# Of licensed data no image is left, unless it is asked for.
check "draws a licensed download" "$BUILD/synth" "$TMP/aireadi" --layout aireadi --people 10 --size 64 --seed 2
check "stages it" bash -c 'umask 002; "$@"' - "$BUILD/stage" aireadi "$TMP/aireadi" --out "$TMP/licensed" --size 48
if [ "$(stat -c %a "$TMP/licensed" "$TMP/licensed/pack.json" "$TMP"/licensed/shards/*.h5 | paste -sd ' ')" = "770 660 660" ]; then
    ok "for the user and the group alone"
else
    not_ok "for the user and the group alone" "$(stat -c '%a %n' "$TMP/licensed" "$TMP/licensed/pack.json" "$TMP"/licensed/shards/*.h5)"
fi
check "trains from it" from "$TMP/licensed" "$TMP/quiet" --until 2
if [ -z "$(ls -A "$TMP/quiet/recon" 2>/dev/null)" ]; then ok "no reconstruction of licensed data"; else not_ok "no reconstruction of licensed data"; fi
check "and with images" from "$TMP/licensed" "$TMP/images" --until 2 --set log.recon_licensed=on
if [ -e "$TMP/images/recon/step-2.png" ]; then ok "but where it was asked for"; else not_ok "but where it was asked for"; fi
check "and drawn once more" from "$TMP/licensed" "$TMP/images" --until 3 --set log.recon_licensed=on --set log.recon_every=1 --resume
if [ "$(sort "$TMP/licensed/derived.tsv")" = "$(realpath "$TMP"/images/recon/step-[23].png)" ]; then
    ok "the pack lists them"
else
    not_ok "the pack lists them" "$(cat "$TMP/licensed/derived.tsv")"
fi
if [ ! -e "$TMP/pack/derived.tsv" ]; then ok "others list none"; else not_ok "others list none"; fi
printf '[data]\npacks = %s\nlabel = eye\n' "$TMP/licensed" >"$TMP/eye.ini"
check "is evaluated on" "$BUILD/eval" "$TMP/quiet" --task "$TMP/eye.ini" --bootstraps 100 --out "$TMP/report"
expect_named 1 "no image is in the page" grep -E '<img|data:image' "$TMP/report/report.html"
check "which says why" grep -q 'None is shown: the tested data are licensed' "$TMP/report/report.html"
check "and is forgotten" "$BUILD/stage" forget "$TMP/licensed" --delete
if [ -z "$(find "$TMP/images/recon" "$TMP/licensed" -type f 2>/dev/null)" ]; then
    ok "with the images"
else
    not_ok "with the images" "$(find "$TMP/images/recon" "$TMP/licensed" -type f | tr '\n' ' ')"
fi

# Another split is other data.
cp -r "$TMP/pack" "$TMP/changed"
check "8 steps" from "$TMP/changed" "$TMP/run" --until 8
check "another split" "$BUILD/stage" split "$TMP/changed" --val 0.3 --test 0 --seed 5
expect_exit 65 from "$TMP/changed" "$TMP/run" --resume
expect_output "cannot resume: the images in $TMP/changed have changed since step 8"
truncate -s -1 "$TMP/changed/shards/00000.h5"
expect_exit 65 from "$TMP/changed" "$TMP/new"
expect_output "$TMP/changed/shards/00000.h5: "
expect_output "truncated, or another file"
rm "$TMP/changed/pack.json"
expect_exit 65 from "$TMP/changed" "$TMP/new"
expect_output "unfinished"
