#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./eval from photographs to the report: what learns, what is compared, the log of test, the control, what is refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_run.sh"

STEPS=12
"$SYNTH" "$TMP/data" --people 60 --size 64 --val 0.25 --test 0.4 >"$TMP/synth"
check "photographs are staged" "$BUILD/stage" folder "$TMP/data" --out "$TMP/pack" --size 32 --labels labels.csv --person person
write_config
check "and trained on" train "$TMP/run" --set data.train="$TMP/pack" --set data.val="$TMP/pack" --set monitor.every=0 \
    --set checkpoint.keep_at=50,100

# task NAME LINE...: a task file in $TMP.
task() {
    local name=$1
    shift
    printf '[data]\npacks = %s\n' "$TMP/pack" >"$TMP/$name.ini"
    printf '%s\n' "$@" >>"$TMP/$name.ini"
}
task eye 'label = eye' '[bands]' 'age = 50'
task age 'label = age' 'kind = regression'
task lesions 'label = lesions'
evaluate() { "$BUILD/eval" "$@" --out "$TMP/out" --bootstraps 200; }
# report KEY: its values in report.json, in their order.
report() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$TMP/out/report.json"; }
# The score of each checkpoint.
main_value() { sed -n '/"main": {/,/}/s/^ *"value": \([^,]*\),$/\1/p' "$TMP/out/report.json"; }
# same NAME GOT WANTED
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
reads() { wc -l <"$TMP/$1.reads.jsonl"; }

# --- Scores -------------------------------------------------------------------------------------------------------------
check "a run is evaluated against random weights" evaluate "$TMP/run" --against "$TMP/run:random" --task "$TMP/eye.ini"
expect_output "linear probe of 32 features (mean), C = "
expect_output "test images 48"
expect_output "baseline"
same "two tests are logged" "$(reads eye)" 2
same "and none came before" "$(report reads_before)" 0
same "as many people are tested as were put aside" "$(report people | sort -n | tail -n 1)" 24
check "with a page" grep -q '</html>' "$TMP/out/report.html"
same "that shows three right and three wrong images" "$(grep -o 'src="data:image/png;base64,iVBOR' "$TMP/out/report.html" | wc -l)" 12
check "again, by one thread" evaluate "$TMP/run" --against "$TMP/run:random" --task "$TMP/eye.ini" --threads 1
expect_output "features    120 images, from $TMP/run/eval/features-"
same "two tests came before" "$(report reads_before)" 2
first=$(report value)
check "and by two" evaluate "$TMP/run" --against "$TMP/run:random" --task "$TMP/eye.ini" --threads 2
same "which change no figure" "$(report value)" "$first"
same "the log has the score" "$(tail -n 2 "$TMP/eye.reads.jsonl" | sed 's/.*"score": \([^,]*\),.*/\1/')" "$(main_value)"

check "one checkpoint under two names" evaluate "$TMP/run" "$TMP/run/ckpt/step-12" --task "$TMP/eye.ini"
same "has a difference of 0" "$(report difference)" 0
same "and a p of 1" "$(report p | head -n 1)" 1

check "the checkpoints of a training" evaluate --curve "$TMP/run" --task "$TMP/eye.ini"
same "are those that were kept" "$(report share | tr '\n' ' ')" "0.5 1 "

check "with a model card" evaluate "$TMP/run" --task "$TMP/eye.ini" --card "$TMP/card.md"
check "which describes the run" grep -q "^| Steps | $STEPS of $STEPS |" "$TMP/card.md"
expect_exit 64 "$BUILD/eval" "$TMP/run" --task "$TMP/eye.ini" --features "$TMP/f.h5" --card "$TMP/card.md"
expect_output "--card is of a tested checkpoint"
for name in age lesions; do check "another label: $name" evaluate "$TMP/run" --task "$TMP/$name.ini"; done
check "neighbours" evaluate "$TMP/run" --task "$TMP/eye.ini" --set adapt.method=knn
expect_output "nearest neighbours of 32 features (mean)"
finetune() {
    evaluate "$TMP/run" --task "$TMP/eye.ini" --set adapt.method=finetune --recipe-set train.epochs=2 \
        --recipe-set optim.warmup_epochs=1 --recipe-set train.global_batch=16 "$@"
}
check "fine-tuning by two seeds" finetune --set adapt.seeds=2
expect_output "fine-tuned by configs/finetune_classify.ini, step "
seeds=$(sed -n 's/^ *"seeds": \[\(.*\)\],$/\1/p' "$TMP/out/report.json")
same "the first of them is scored" "${seeds%%,*}" "$(main_value)"
check "the second alone" finetune --seed 2
same "has the second's score" "$(main_value)" "${seeds##*, }"
if [ "${seeds%%,*}" != "${seeds##*, }" ]; then ok "which is another"; else not_ok "which is another" "$seeds"; fi
"$BUILD/eval" "$TMP/run" --task "$TMP/eye.ini" --set adapt.method=finetune --recipe-set train.epochs=1000000 >"$TMP/long" 2>&1 &
long=$!
for _ in {1..600}; do
    if [ -e "$TMP/run/eval/finetune/fine-tuning-1/run.json" ]; then break; fi
    sleep 0.05
done
check "while another call fine-tunes the same run" finetune
same "which changes no figure" "$(main_value)" "${seeds%%,*}"
kill -TERM "$long"
wait "$long"
same "that call can be stopped" "$? $(tail -n 1 "$TMP/long")" \
    "75 eval: stopped while fine-tuning, and no report is written; the next call starts again"
same "and leaves nothing behind" "$(ls "$TMP/run/eval/finetune" | grep -v '\.lock$')" ""
expect_exit 64 finetune --recipe-set train.seed=3
expect_output "--seed says"
expect_exit 64 finetune --recipe-set data.splits=all
expect_output "--recipe-set data.splits=all: the task and its checkpoint say that"
expect_exit 64 finetune --set adapt.recipe="$TMP/nowhere.ini"
expect_output "nowhere.ini: there is no such recipe"

# --- Without a test -----------------------------------------------------------------------------------------------------
before=$(reads eye)
check "photographs are predicted" "$BUILD/eval" "$TMP/run" --task "$TMP/eye.ini" --predict "$TMP/data" --out "$TMP/predictions.csv"
expect_output "predictions of 120 images"
same "each has a line" "$(grep -cE '^[^,]*\.(png|jpg),0\.[0-9]*$' "$TMP/predictions.csv") $(head -n 1 "$TMP/predictions.csv")" "120 file,p_eye"
check "what was forgotten" "$BUILD/eval" --forgetting "$TMP/run/ckpt/step-6" "$TMP/run" --task "$TMP/eye.ini,$TMP/age.ini" \
    --bootstraps 200
expect_output "above 0 it forgot"
same "of two tasks" "$(grep -c '"difference": -0.*"method": ' "$TMP/run/eval/forgetting.json")" 2
expect_exit 64 "$BUILD/eval" --forgetting "$TMP/run" --task "$TMP/eye.ini"
expect_output "name OLD and NEW"
expect_exit 64 "$BUILD/eval" --forgetting "$TMP/run/ckpt/step-6" "$TMP/run" --task "$TMP/eye.ini" --b 19
expect_output "leave --b out"
same "no test is logged" "$(reads eye)" "$before"

# --- Another set ----------------------------------------------------------------------------------------------------------
"$SYNTH" "$TMP/other" --people 16 --size 64 --seed 7 --val 0.25 --test 0.25 >"$TMP/synth"
check "another set is staged" "$BUILD/stage" folder "$TMP/other" --out "$TMP/other.pack" --size 32 --labels labels.csv --person person
printf '[data]\npacks = %s\nlabel = eye\nsplit = test\n' "$TMP/other.pack" >"$TMP/external.ini"
check "and tested" evaluate "$TMP/run" --task "$TMP/eye.ini" --external "$TMP/external.ini"
same "all of it" "$(reads external)" 1
expect_output "test images 32"

# --- The control --------------------------------------------------------------------------------------------------------
expect_exit 0 evaluate "$TMP/run:random" --task "$TMP/eye.ini" --control --b 19
same "nothing learnt or clean" "$(report verdict)" clean
before=$(reads eye)
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --control --b 18
expect_output "19"
expect_exit 65 evaluate "$TMP/run" --task "$TMP/eye.ini" --control --pretraining "$TMP/nowhere.tsv"
expect_output "there is no such table"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --pretraining "$TMP/nowhere.tsv"
expect_output "--pretraining needs --control"
expect_exit 74 "$BUILD/eval" "$TMP/run" --task "$TMP/eye.ini" --set features.tokens=cls --out "$TMP/synth"
expect_output "name another folder (--out)"
if grep -q "^features " "$TMP/output"; then not_ok "no feature is computed for it"; else ok "no feature is computed for it"; fi
expect_exit 74 evaluate "$TMP/run" --task "$TMP/eye.ini" --card "$TMP/synth/card.md"
expect_output "(--card)"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --card "$TMP/run"
expect_output "--card takes a file to write"
expect_exit 64 "$BUILD/eval" "$TMP/run" --task "$TMP/eye.ini" --features "$TMP/f.h5" --control
expect_output "leave --control out"
same "a call that could not be finished tests nothing" "$(reads eye)" "$before"
check "a run is trained on the test images, too" train "$TMP/seen" --set data.train="$TMP/pack" --set data.splits=all \
    --set data.val= --set val.every=0 --set train.steps=2
expect_exit 65 evaluate "$TMP/seen" --task "$TMP/eye.ini" --control --b 19
expect_output "contamination: $TMP/seen was pretrained on 48 of the 48 test images"
expect_output "$TMP/seen: data.train"
check "a set without people is staged" "$BUILD/stage" folder "$TMP/data" --out "$TMP/nobody.pack" --size 32 --labels labels.csv
expect_exit 65 evaluate "$TMP/run" --task "$TMP/eye.ini" --set data.packs="$TMP/nobody.pack" --control --b 19
expect_output "suspect: people"
same "which its report says" "$(report verdict)" suspect

# --- What is refused ----------------------------------------------------------------------------------------------------
expect_exit 64 "$BUILD/eval" "$TMP/run"
expect_output "--task is missing"
expect_exit 64 "$BUILD/eval" --task "$TMP/eye.ini"
expect_output "CHECKPOINT is missing"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --set data.labl=eye
expect_output "data.label"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --set score.metric=r2
expect_output "auroc"
expect_exit 65 evaluate "$TMP/run" --task "$TMP/eye.ini" --set data.label=hba1c
expect_output "hba1c"
expect_exit 64 evaluate "$TMP/nowhere" --task "$TMP/eye.ini"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --recipe-set train.epochs=2
expect_output "adapt.method=finetune"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --set adapt.seeds=2
expect_output "adapt.seeds = 2: only fine-tuning draws anything"
expect_exit 65 evaluate "$TMP/run" --task "$TMP/eye.ini" --set data.label=grade --set data.kind=ordinal
expect_output "no image of the split train has grade = 3"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/external.ini"
expect_output "data.split = test, so nobody trains; name it with --external"
expect_exit 64 evaluate "$TMP/run" --task "$TMP/eye.ini" --external "$TMP/eye.ini"
expect_output "data.split = test"
before=$(reads eye)
printf '{"time": 17' >>"$TMP/eye.reads.jsonl"
check "a line of the log that a crash cut short is dropped" evaluate "$TMP/run" --task "$TMP/eye.ini"
check "for good" evaluate "$TMP/run" --task "$TMP/eye.ini"
same "and counts as no test" "$(reads eye)" "$((before + 2))"
before=$(reads eye)
printf 'x' >>"$TMP/eye.reads.jsonl" && printf '\n' >>"$TMP/eye.reads.jsonl"
expect_exit 65 evaluate "$TMP/run" --task "$TMP/eye.ini"
expect_output "eye.reads.jsonl:$((before + 1))"
