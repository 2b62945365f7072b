#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A run that is killed, stopped or damaged and then resumed ends with the bytes of one that was left alone.
#
# Killed means SIGKILL inside a seeded call: tests/preload/crash.c. All runs have a probe of labels. FOVEA_LONG=1 kills 160 times instead of 8;
# FOVEA_SEED=N takes other points.
. "$(dirname "$0")/lib.sh"
STEPS=28
. tests/e2e/small_run.sh

SEED=${FOVEA_SEED:-1}
KINDS=(write fsync rename step rename-after symlink unlink mkdir)
if [ -n "${FOVEA_LONG:-}" ]; then ROUNDS=40 KILLS=4; else ROUNDS=4 KILLS=2; fi
RANDOM=$SEED
FILES=(log events image checkpoint run.json)
declare -A hits

# The class of a file of a run directory, of FILES.
class_of() {
    case ${1##*/killed/} in
    metrics.jsonl*) echo log ;;
    events.out.*) echo events ;;
    recon/* | curve.svg*) echo image ;;
    ckpt/*) echo checkpoint ;;
    run.json*) echo run.json ;;
    *) echo other ;;
    esac
}

# Runs the program until the call "KIND:NUMBER" kills it, or "KIND:NUMBER@FILE", which counts calls on that file or folder
# alone; its exit status is left in $status (137: killed).
killed_at() {
    local point=${1%@*} directory=$2 under=$2
    if [[ $1 = *@* ]]; then under=$directory/${1#*@}; fi
    shift 2
    status=0
    extra=(FOVEA_CRASH_UNDER="$under" FOVEA_CRASH_AT="$point" FOVEA_CRASH_SEED="$SEED" FOVEA_CRASH_LOG="$TMP/crash.log"
        LD_PRELOAD="$PRELOAD/crash.so:$PRELOAD/disk.so")
    { train "$directory" "$@" || status=$?; } >"$TMP/output" 2>&1 # with the shell's own "Killed"
    extra=()
}

# One of the first calls of a kind, such that $KILLS of them in a row are within what the reference made.
seeded_call() {
    local calls
    calls=$(awk -v kind="${1%-after}" '$1 == kind { print $2 }' "$TMP/calls")
    echo $((1 + RANDOM % (calls * 3 / 4 / KILLS)))
}

# killed_round NAME WORKERS POINT...: a run that is killed at each point in turn, then left to finish.
killed_round() {
    local name="killed at ${*:2} (workers $1)" workers=$1 directory=$TMP/killed point hit resume=()
    shift
    for point in "$@"; do
        : >"$TMP/crash.log"
        killed_at "$point" "$directory" "${resume[@]}" --set data.workers="$workers"
        if [ "$status" = 137 ] && [ -s "$TMP/crash.log" ]; then
            for hit in "${point%:*}" "$(class_of "$(cut -d ' ' -f 3- "$TMP/crash.log")")"; do
                hits[$hit]=$((${hits[$hit]:-0} + 1))
            done
        elif [ "$status" != 0 ]; then
            not_ok "$name" "seed $SEED: exit status $status at $point: $(tail -n 1 "$TMP/output")"
            return
        fi
        resume=(--resume)
    done
    status=0
    train "$directory" --resume --set data.workers="$workers" >"$TMP/output" 2>&1 || status=$?
    if [ "$status" = 0 ]; then
        same_as_reference "$name" "$directory"
        check "and its files can be read" files_are_whole "$directory"
        keep_events "$directory"
    else
        not_ok "$name" "seed $SEED: resuming ended with $status: $(tail -n 1 "$TMP/output")"
    fi
    rm -rf "$directory"
}

# The picture of the last step, if there are any, is the reference's, run.json is one object, nothing is left of a write that was cut off.
files_are_whole() {
    local picture=recon/step-$STEPS.png
    { [ ! -e "$TMP/reference/$picture" ] || cmp "$TMP/reference/$picture" "$1/$picture"; } &&
        [ "$(field "$1" status) $(field "$1" steps)" = "finished $STEPS" ] && [ "$(tail -c 2 "$1/run.json")" = "}" ] &&
        [ "$(tail -n 1 "$1/curve.svg")" = "</svg>" ] && [ -z "$(find "$1" -name '*.tmp-*')" ]
}

killed_rounds() {
    local round kill kind points line=""
    for ((round = 0; round < ROUNDS; round++)); do
        points=()
        for ((kill = round * KILLS; kill < (round + 1) * KILLS; kill++)); do
            kind=${KINDS[kill % ${#KINDS[@]}]}
            points+=("$kind:$(seeded_call "$kind")")
        done
        killed_round $((1 + round % 2)) "${points[@]}"
    done
    # In the event of a step after the first checkpoint, and once more six steps later; in a line of the log, in the last
    # picture, and before run.json says that the run ended.
    killed_round 2 event:16 event:6 write:2@metrics.jsonl write:1@recon rename:2@run.json
    # On a slow disk checkpoints are left out, and fewer calls come than were counted.
    for kind in "${KINDS[@]}" event; do
        if [ -z "${hits[$kind]:-}" ]; then killed_round 1 "$kind:2"; fi
        if [ -z "${hits[$kind]:-}" ]; then not_ok "a kill in $kind" "no such call was made"; fi
        line="$line $kind ${hits[$kind]:-0}"
    done
    echo "# kills by kind:$line"
    line=
    for kind in "${FILES[@]}"; do
        if [ -z "${hits[$kind]:-}" ]; then not_ok "a kill in a file of the kind $kind" "there was none"; fi
        line="$line $kind ${hits[$kind]:-0}"
    done
    echo "# kills by file:$line"
}

# The signal comes when five steps are logged, long before the last.
stopped_by() {
    local signal=$1 directory=$TMP/stopped job
    # Ten steps a second; the shell writes its process number, then becomes the program.
    # shellcheck disable=SC2016
    extra=(FOVEA_DISK_BPS=2500 sh -c 'echo $$ >"$0"; exec "$@"' "$TMP/process")
    train "$directory" >"$TMP/output" 2>&1 &
    job=$!
    extra=()
    until [ "$(grep -c . "$directory/metrics.jsonl" 2>/dev/null)" -ge 5 ] 2>/dev/null; do
        if ! kill -0 "$job" 2>/dev/null; then break; fi
        sleep 0.1
    done
    kill -s "$signal" "$(cat "$TMP/process")" 2>/dev/null
    status=0
    wait "$job" || status=$?
    if [ "$status" = 75 ] && [ -e "$directory/ckpt/step-$(field "$directory" steps)" ]; then
        ok "$signal: exit 75 with a checkpoint of the last step"
    else
        not_ok "$signal: exit 75 with a checkpoint of the last step" "exit status $status: $(tail -n 1 "$TMP/output")"
    fi
    check "$signal: --resume continues" train "$directory" --resume
    same_as_reference "$signal: equal at the end" "$directory"
    rm -rf "$directory"
}

# Validated are steps 7, 14, 21 and 28; with a checkpoint, of every third step and the last, 21 and 28.
best_of_reference() {
    local directory=$TMP/reference best wanted kept
    wanted=$(sed -n 's/^{"step": \(21\|28\), "val_loss": \([^,}]*\).*/\2 \1/p' "$directory/metrics.jsonl" | sort -g | head -n 1)
    best=$(field "$directory" best_step)
    if [ "$(field "$directory" best_val_loss) $best" = "$wanted" ] && [ "$(readlink "$directory/ckpt/best")" = "step-$best" ]; then
        ok "the best checkpoint is one that was validated itself"
    else
        not_ok "the best checkpoint is one that was validated itself" "best_step $best, not $wanted"
    fi
    # On a slow disk one may have been left out.
    kept=$(find "$directory/ckpt" -maxdepth 1 -name 'step-*' -printf '%f\n' | sort -t - -k 2 -gr | tail -n +3)
    if [ "${kept:-step-$best}" = "step-$best" ] && [ "$(find "$directory/ckpt" -maxdepth 1 -name 'step-*' | wc -l)" -ge 2 ]; then
        ok "the two newest are kept, and the best"
    else
        not_ok "the two newest are kept, and the best" "besides two: $kept"
    fi
}

until_and_on() {
    check "--until 17 ends well" train "$TMP/until" --until 17
    if [ "$(field "$TMP/until" best_step)" = -1 ] && [ ! -e "$TMP/until/ckpt/best" ]; then
        ok "no checkpoint is the best by the validation of an earlier step"
    else
        not_ok "no checkpoint is the best by the validation of an earlier step" "best_step $(field "$TMP/until" best_step)"
    fi
    if [ "$(field "$TMP/until" exit_reason)" = until ] && [ -d "$TMP/until/ckpt/step-17" ]; then
        ok "--until 17 leaves a checkpoint of step 17"
    else
        not_ok "--until 17 leaves a checkpoint of step 17" "$(ls "$TMP/until/ckpt")"
    fi
    check "--until: --resume continues" train "$TMP/until" --resume
    same_as_reference "--until: equal at the end" "$TMP/until"
}

# Inverts the byte in the middle of a file.
damage() {
    local place byte
    place=$(($(stat -c %s "$1") / 2))
    byte=$(od -An -tu1 -j "$place" -N 1 "$1")
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\x$(printf %02x $((byte ^ 255)))" | dd of="$1" bs=1 seek="$place" conv=notrunc status=none
}

damaged() {
    local file=$1 directory=$TMP/damaged before
    train "$directory" --until 20 >"$TMP/output" 2>&1
    before=$(find "$directory/ckpt" -maxdepth 1 -name 'step-*' ! -name step-20 | sed 's/.*step-//' | sort -n | tail -n 1)
    damage "$directory/ckpt/step-20/$file"
    check "a damaged $file: --resume continues" train "$directory" --resume
    expect_output "step-20 skipped"
    expect_output "$file"
    expect_output "resuming from step $before"
    same_as_reference "a damaged $file: equal at the end" "$directory"
    rm -rf "$directory"
}

add_probe() {
    printf '[probe]\ntrain = %s\nval = %s\nlabel = age\nkind = regress\n' "$TMP/data/train" "$TMP/data/val" >>"$TMP/small.ini"
}

# towards OBJECTIVE LABEL KEY...: the same towards labels, with everything that is drawn for a sample.
towards() {
    local key keys=("train.objective=$1" "data.label=$2" data.jitter=0.3 data.erase=0.3 model.drop_path=0.3 train.head_epochs=1)
    write_config
    for key in "${keys[@]}" "${@:3}"; do
        sed -i "s/^\\[${key%%.*}\\]\$/&\n${key#*.}/" "$TMP/small.ini"
    done
    add_probe
    rm -rf "$TMP/reference"
    make_reference
    check "towards $1" grep -q val_figures "$TMP/reference/metrics.jsonl"
    killed_round 2 "$(printf 'rename:%d' $((1 + RANDOM % 10)))" "$(printf 'write:%d' $((1 + RANDOM % 30)))"
}

# A run that rolls back to step 21 twice, from 24 and then from 22. A checkpoint takes longer to write here than the
# seven steps to the next one. A run is killed as the first rollback drops lines of the log; once more after both, before
# there is a new checkpoint.
rolled_back() {
    local renames=${hits[rename]:-0} steps=${hits[step]:-0}
    write_config
    add_probe
    sed -i 's/^base_lr = .*/base_lr = 1e-3/; s/^global_batch = .*/global_batch = 2/; s/^every = 3$/every = 7/' "$TMP/small.ini"
    printf '[guard]\naction = rollback\nspike = 1.001\n' >>"$TMP/small.ini"
    rm -rf "$TMP/reference"
    make_reference
    check "rolled back twice" test "$(grep -c '"action": "rollback"' "$TMP/reference/run.json")" = 2
    extra=(FOVEA_DISK_UNDER="$TMP/busy/ckpt" FOVEA_DISK_BPS=2500000)
    check "rolled back on a slow disk" train "$TMP/busy"
    extra=()
    same_as_reference "rolled back on a slow disk: equal at the end" "$TMP/busy"
    killed_round 2 rename:1@metrics.jsonl step:4
    if [ "${hits[rename]:-0} ${hits[step]:-0}" = "$((renames + 1)) $((steps + 1))" ]; then
        ok "both kills came"
    else
        not_ok "both kills came" "the rollbacks are at other steps"
    fi
}

# What events_match needs of a run.
keep_events() {
    kept=$((kept + 1))
    mkdir -p "$TMP/events/$kept"
    cp "$1"/metrics.jsonl "$1"/events.out.tfevents.* "$TMP/events/$kept"
}

# Every number of metrics.jsonl, and no other, is what a reader of the events finds: TensorBoard's, and a small one that
# also checks the checksums and counts the files whose last event was cut short.
events_match() {
    local python='' candidate
    cat >"$TMP/events.py" <<'PYTHON'
import glob, json, struct, sys

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82f63b78 * (crc & 1)
    return crc ^ 0xffffffff

def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff)

def fields(data):
    at = 0
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}[key & 7] if key & 7 != 2 else varint()
        yield key >> 3, data[at : at + size]
        at += size

def read(folder):
    found, cut = {}, 0
    for path in sorted(glob.glob(folder + "/events.out.tfevents.*")):
        data = open(path, "rb").read()
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 8], "little")
            if at + 12 > len(data) or at + size + 16 > len(data):
                cut += 1
                break
            event = data[at + 12 : at + 12 + size]
            assert data[at + 8 : at + 12] == masked(data[at : at + 8]) and data[at + 12 + size : at + size + 16] == masked(event)
            at += size + 16
            parts = dict(fields(event))
            step = parts.get(2, 0)
            if 7 in parts:  # START
                found = {key: value for key, value in found.items() if key[0] < step}
            for _, value in fields(parts.get(5, b"")):
                scalar = dict(fields(value))
                key = step, scalar[1].decode()
                assert key not in found, key
                found[key] = struct.unpack("<f", scalar[2])[0]
    return found, cut

def accumulated(folder):
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
    accumulator.Reload()
    events = [((event.step, tag), event.value) for tag in accumulator.Tags()["scalars"] for event in accumulator.Scalars(tag)]
    assert len(dict(events)) == len(events), "a step twice"
    return dict(events), 0

def numbers(outer, fields):
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from numbers(outer + name + "/", value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and outer + name != "step":
            yield outer + name, struct.unpack("<f", struct.pack("<f", value))[0]

if sys.argv[1] == "tensorboard":
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    read = accumulated
cuts = 0
for folder in sys.argv[2:]:
    lines = [json.loads(line) for line in open(folder + "/metrics.jsonl")]
    wanted = {(line["step"], tag): value for line in lines for tag, value in numbers("", line)}
    found, cut = read(folder)
    cuts += cut
    assert len(wanted) > 400, folder
    wrong = [key for key in sorted(wanted.keys() | found.keys()) if wanted.get(key) != found.get(key)]
    assert not wrong, (folder, wrong[:3])
print(cuts, "files of events are cut short")
PYTHON
    if ! command -v python3 >/dev/null; then
        skip "events are the numbers of metrics.jsonl" "no python3"
        return
    fi
    check "events are the numbers of metrics.jsonl in $kept runs" python3 "$TMP/events.py" own "$TMP"/events/*
    if grep -q '^[1-9]' "$TMP/output"; then ok "$(cat "$TMP/output")"; else not_ok "a kill cuts an event short" "none was"; fi
    for candidate in "${FOVEA_PYTHON-}" python3 /usr/bin/python3; do
        if [ "$candidate" ] && "$candidate" -c 'import tensorboard' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ "$python" ]; then
        check "TensorBoard reads the same" "$python" "$TMP/events.py" tensorboard "$TMP"/events/*
    else
        skip "TensorBoard reads the same" "no Python with tensorboard (FOVEA_PYTHON names one)"
    fi
}

kept=0
draw_images
write_config
add_probe
make_reference
check "validations have a probe" grep -q probe_r2 "$TMP/reference/metrics.jsonl"
keep_events "$TMP/reference"
best_of_reference
check "two workers" train "$TMP/workers" --set data.workers=2
same_as_reference "two workers: equal" "$TMP/workers"

killed_rounds
stopped_by TERM
stopped_by HUP
until_and_on
keep_events "$TMP/until"
damaged weights.safetensors
damaged optimizer.safetensors
rolled_back
towards classify lesions data.balance=on
if [ -n "${FOVEA_LONG:-}" ]; then
    towards ordinal grade train.class_weights=on
    towards multilabel lesions
    towards regress age,cup_to_disc optim.l2sp=0.1
fi
events_match
