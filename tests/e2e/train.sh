#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The program ./train as a user meets it: runs that go well, input that is wrong, runs that are stopped or diverge.
. "$(dirname "$0")/lib.sh"

train="$BUILD/train"
data="$TMP/data"
runs="$TMP/runs"
config="$TMP/tiny.ini"

cat >"$config" <<END
[model]
preset = vit_tiny
image_size = 32
patch_size = 8
dim = 32
depth = 2
heads = 2
decoder_dim = 24
decoder_depth = 1
decoder_heads = 2
[data]
train = $data/train
val = $data/val
max_unreadable = 0
[train]
steps = 30
global_batch = 8
threads = 1
[optim]
base_lr = 0.02
warmup_epochs = 1
[val]
every = 10
images = 6
[checkpoint]
every = 10
[log]
every = 5
recon_images = 3
END

# Runs ./train with the tiny config into $runs/NAME: run NAME [option]...
run() {
    local name=$1
    shift
    "$train" "$config" --set "run.dir=$runs/$name" "$@"
}

# The value of a key of run.json that has a line of its own: value NAME KEY
value() {
    sed -n "s/^  \"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$runs/$1/run.json"
}

# same NAME A B: ok when the values are the same
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi
}

absent() {
    if [ -e "$2" ]; then not_ok "$1" "$2 exists"; else ok "$1"; fi
}

# has NAME FILE TEXT: ok when the file holds the text
has() {
    if grep -qF -- "$3" "$2"; then ok "$1"; else not_ok "$1" "'$3' is not in $2"; fi
}

weights() { echo "$runs/$1/ckpt/step-$2/weights.safetensors"; }

# One line on standard error, which starts with the program's name.
one_line_error() {
    local name=$1
    shift
    "$@" 2>"$TMP/stderr" >/dev/null </dev/null
    same "$name" "$(grep -c '' "$TMP/stderr") $(grep -c '^train: ' "$TMP/stderr")" "1 1"
}

check "drawn photographs" "$SYNTH" "$data" --images 50 --size 64 --val 0.2 --test 0
count=$(ls "$data/train" | wc -l)

# --- the command line

expect_exit 64 "$train"
expect_output "missing CONFIG; for example: train configs/quickstart.ini"
expect_exit 64 "$train" "$config" --resum
expect_output "unknown option --resum; the nearest is --resume"
expect_exit 64 "$train" "$config" "$config"
expect_output "unexpected argument '$config'"
expect_exit 64 "$train" "$config" --until 0
expect_output "--until takes a whole number from 1, not '0'"
expect_exit 64 "$train" "$config" --max-hours soon
expect_output "--max-hours takes a number above 0, not 'soon'"
expect_exit 64 "$train" "$config" --set
expect_output "--set needs a value: --set section.key=value"
expect_exit 64 "$train" "$TMP/none.ini"
expect_output "$TMP/none.ini"
expect_exit 64 run usage --set optim.base_lrr=1
expect_output "base_lr"
expect_exit 64 run usage --set model.dim=30 --set model.heads=4
expect_output "model.dim = 30 is not a multiple of model.heads = 4"
expect_exit 64 run usage --set train.steps=0 --set train.epochs=0.01 --set optim.warmup_epochs=0
expect_output "less than one step"
check "--help" "$train" --help
expect_output "optim.base_lr"
check "--help KEY" "$train" --help guard.spike
expect_exit 64 "$train" --help guard.spikes
expect_output "the nearest is guard.spike "
one_line_error "an error is one line" "$train" "$config" --bogus
absent "none of these left a run directory" "$runs/usage"

# --- missing data

expect_exit 65 run nodata --set data.train=
expect_output 'data.train is not set'
expect_output "\`make demo\`"
expect_output "./train $config --set data.train=demo/data/train --set data.val=demo/data/val"
expect_exit 65 run nodata --set "data.train=$TMP/nowhere"
expect_output "there is no folder $TMP/nowhere"
expect_output "data.train=demo/data/train"
one_line_error "missing data is one line" run nodata --set data.train=
mkdir "$TMP/empty"
expect_exit 65 run nodata --set "data.train=$TMP/empty"
expect_output "$TMP/empty"
expect_exit 65 run nodata --set "data.val=$TMP/empty"
expect_output "$TMP/empty: the folder contains no image"
expect_exit 65 run nodata --set "data.val=$data"
expect_output "the validation loss would not be that of unseen images"
expect_exit 65 run nodata --set train.global_batch=1000
expect_output "fewer than one batch"
absent "missing data leaves no run directory" "$runs/nodata"

# --- more memory than there is: some 13 TB

expect_exit 76 env ASAN_OPTIONS=allocator_may_return_null=1 "$train" "$config" --set "run.dir=$runs/large" \
    --set model.dim=16384 --set model.depth=256 --set model.heads=256
expect_output "out of memory"
absent "a model that does not fit leaves no run directory" "$runs/large"

# --- a whole run

check "a run" run whole
expect_output "finished at step 30 of 30"
for file in config.ini run.json metrics.jsonl curve.svg recon/step-30.png ckpt/latest ckpt/best \
    ckpt/step-{10,30}/{weights,optimizer}.safetensors; do
    if [ -s "$runs/whole/$file" ]; then ok "wrote $file"; else not_ok "wrote $file"; fi
done
same "run.json: status" "$(value whole status)" finished
same "run.json: exit code" "$(value whole exit_code)" 0
same "run.json: steps" "$(value whole steps)" 30
same "run.json: images" "$(value whole data_count)" "$count"
same "metrics: steps" "$(sed -n 's/^{"step": \([0-9]*\), "epoch.*/\1/p' "$runs/whole/metrics.jsonl" | tr '\n' ' ')" \
    "5 10 15 20 25 30 "
same "metrics: validations" "$(sed -n 's/^{"step": \([0-9]*\), "val_loss.*/\1/p' "$runs/whole/metrics.jsonl" | tr '\n' ' ')" \
    "10 20 30 "
if awk -F'"loss": ' '/"loss"/ { split($2, a, ","); if (!n++) first = a[1]; last = a[1] } END { exit !(last < first) }' \
    "$runs/whole/metrics.jsonl"; then ok "the loss falls"; else not_ok "the loss falls"; fi
check "the stored config runs again" "$train" "$runs/whole/config.ini" --set "run.dir=$runs/again"
check "and gives the same weights" cmp "$(weights whole 30)" "$(weights again 30)"
same "and the same hash" "$(value again config_hash)" "$(value whole config_hash)"

check "one thread" run one --set train.threads=1 --set data.workers=1 --set data.prefetch_batches=1
check "two threads" run two --set train.threads=2 --set data.workers=3
check "threads change no bit" cmp "$(weights one 30)" "$(weights two 30)"

check "accumulation" run parts --set train.micro_batch=2
expect_exit 76 "$train" configs/vit_base.ini --set train.device=cpu --set train.micro_batch=0 --plan
expect_output "train: out of memory: with 4096 images at a time"
losses() { sed -n 's/.*"loss": \([^,]*\),.*/\1/p' "$runs/$1/metrics.jsonl" | head -2; }
# The same sums in another order; FP32 rounding over ten steps stays far below this.
if paste <(losses whole) <(losses parts) | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 1e-5) bad = 1; n++ } END { exit bad || n != 2 }'; then
    ok "accumulated losses are the whole batch's"
else
    not_ok "accumulated losses are the whole batch's" "$(paste <(losses whole) <(losses parts) | tr '\n' ' ')"
fi

check "another seed" run seed --set train.seed=2
if cmp -s "$(weights whole 30)" "$(weights seed 30)"; then not_ok "another seed, other weights"; else ok "another seed, other weights"; fi

# --- run directories, stopping and resuming

expect_exit 64 run whole
expect_output "--resume"
expect_output "--force"
expect_exit 64 run whole --resume --force
expect_output "--resume and --force exclude each other"
expect_exit 64 "$train" "$config" --set "run.dir=$data" --force
expect_output "not a run directory"
check "resuming a finished run" run whole --resume
expect_output "nothing left to do"
echo "mine" >"$runs/whole/notes.txt"
check "--force starts over" run whole --force --until 3
has "--force leaves other files" "$runs/whole/notes.txt" mine
same "--force removed the old run" "$(ls "$runs/whole/ckpt" | tr '\n' ' ')" "latest step-3 "
same "run.json: until" "$(value whole status)" until
check "--resume" run whole --resume --set log.every=1 --set train.threads=2
check "gives the uninterrupted run's weights" cmp "$(weights whole 30)" "$(weights again 30)"
same "each step has one line" "$(grep -c '"loss"' "$runs/whole/metrics.jsonl")" 27
check "--max-hours" run hours --max-hours 1e-7
same "run.json: max_hours" "$(value hours status)" max_hours
mkdir "$data/elsewhere" && ln -s "$data/elsewhere" "$data/train/link" && : >"$data/train/scan.dcm"
check "--resume without a run starts one" run fresh --resume --until 1
expect_output "starting from step 0"
expect_output "1 link to folders is not followed, such as link"
expect_output "1 DICOM file is not read; ./stage folder makes a pack of all its images"
rm "$data/train/link" "$data/train/scan.dcm" && rmdir "$data/elsewhere"
expect_exit 64 run hours --resume --set optim.beta2=0.9
expect_output "optim.beta2 = 0.9"

mkdir "$TMP/grown"
cp "$data"/train/* "$TMP/grown"
check "a run on data that will change" run change --set "data.train=$TMP/grown" --until 2
cp "$(ls "$TMP"/grown/* | head -1)" "$TMP/grown/zz.jpg"
expect_exit 65 run change --set "data.train=$TMP/grown" --resume
expect_output "have changed"
rm "$TMP/grown/zz.jpg"
mv "$TMP/grown" "$TMP/moved"
check "the same data elsewhere is the same" run change --set "data.train=$TMP/moved" --resume --until 4

# stop SIGNAL: a long run gets the signal once it is under way
stop() {
    local name=stopped-$1 status=0 tries=0
    "$train" "$config" --set "run.dir=$runs/$name" --set train.steps=1000000 --set checkpoint.every=0 \
        --set val.every=0 >"$TMP/stopped" 2>&1 &
    local process=$!
    until [ -s "$runs/$name/metrics.jsonl" ] || [ $tries = 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    expect_exit 64 run "$name" --resume --set train.steps=1000000
    expect_output "another run is writing"
    kill "-$1" "$process"
    wait "$process" || status=$?
    same "SIG$1: exit 75" "$status" 75
    same "SIG$1: run.json" "$(value "$name" status), $(value "$name" exit_reason)" "stopped, stopped by SIG$1"
    if [ -s "$(weights "$name" "$(value "$name" steps)")" ]; then
        ok "SIG$1: checkpoint of the last step"
    else
        not_ok "SIG$1: checkpoint of the last step"
    fi
}
stop TERM
stop USR1
# A shell's background processes ignore SIGINT; ./train blocks and polls it, so it still sees it.
stop INT
last=$(($(value stopped-TERM steps) + 7))
long=(--until "$last" --set train.steps=1000000 --set checkpoint.every=0 --set val.every=0)
check "a stopped run continues" run stopped-TERM --resume "${long[@]}"
check "an undisturbed one" run calm "${long[@]}"
check "they are the same" cmp "$(weights stopped-TERM $last)" "$(weights calm $last)"

# --- damaged and unusual images

mkdir "$TMP/bad"
cp "$data"/train/* "$TMP/bad"
first=$(ls "$TMP/bad" | head -1)
head -c 900 "$TMP/bad/$first" >"$TMP/bad/truncated.jpg"
: >"$TMP/bad/nothing.png"
echo "no image" >"$TMP/bad/text.jpeg"
cp tests/cases/odd/smaller_than_a_patch.png "$TMP/bad/small.png"
check "unreadable images are skipped" run bad --set "data.train=$TMP/bad" --set data.max_unreadable=0.2
for name in truncated.jpg nothing.png text.jpeg small.png; do
    has "run.json lists $name" "$runs/bad/run.json" "\"path\": \"$TMP/bad/$name\", \"reason\": \""
done
same "run.json lists no other" "$(grep -c '"path"' "$runs/bad/run.json")" 4
has "metrics count them" "$runs/bad/metrics.jsonl" '"bad_records": 4'
expect_exit 65 run worse --set "data.train=$TMP/bad" --set data.max_unreadable=0.05
expect_output "data.max_unreadable"
same "run.json: failed" "$(value worse status), $(value worse exit_code)" "failed, 65"

mkdir "$TMP/odd"
for copy in 1 2 3 4; do
    for file in tests/cases/odd/{grey,cmyk}.jpg tests/cases/odd/{grey16,rgb16,alpha,palette}.png; do
        cp "$file" "$TMP/odd/$copy-$(basename "$file")"
    done
done
check "grey, CMYK, 16 bits, alpha and palette" run odd --set "data.train=$TMP/odd"
same "none of them is bad" "$(grep -c '"path"' "$runs/odd/run.json")" 0

# --- runs that diverge

diverging=(--set optim.base_lr=100 --set optim.weight_decay=10 --set train.steps=200)
expect_exit 77 run wild "${diverging[@]}" --set checkpoint.every=1
expect_output "diverged at step"
expect_output "first in"
expect_output "last good checkpoint: $runs/wild/ckpt/step-"
expect_output ".jpg"
same "run.json: diverged" "$(value wild status), $(value wild exit_code)" "failed, 77"
has "run.json names the tensor" "$runs/wild/run.json" '"tensor": "'
has "run.json names the records" "$runs/wild/run.json" '"records": ["'
expect_exit 77 run wilder "${diverging[@]}" --set guard.action=rollback --set checkpoint.every=1 \
    --set guard.max_events=2
expect_output "more than guard.max_events"
expect_exit 77 run none "${diverging[@]}" --set guard.action=rollback --set checkpoint.every=0
expect_output "no checkpoint to return to"

# One image of noise among drawn ones: its batches' losses stand out.
mkdir "$TMP/noisy"
cp $(ls "$data"/train/* | head -12) "$TMP/noisy"
cp tests/cases/odd/noise.png "$TMP/noisy/noise.png"
noisy=(--set "data.train=$TMP/noisy" --set train.global_batch=2 --set train.steps=120 --set guard.spike=1.25
    --set guard.max_events=1000 --set optim.base_lr=0.3)
for action in skip rollback; do
    check "guard.action = $action" run "$action" "${noisy[@]}" --set "guard.action=$action"
    same "$action: all steps are done" "$(value $action status), $(value $action steps)" "finished, 120"
    has "$action: run.json records it" "$runs/$action/run.json" "\"kind\": \"spike\", \"action\": \"$action\""
    same "$action: each step has one line" \
        "$(sed -n 's/^{"step": \([0-9]*\), "epoch.*/\1/p' "$runs/$action/metrics.jsonl" | uniq | wc -l)" 24
done
expect_exit 77 run spike "${noisy[@]}"
expect_output "times its running mean"
