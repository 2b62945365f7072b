#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real sweep without a GPU: twelve trainings on six slots, with the daemon and the sweep itself killed on the way; what
# is refused before anything starts; what is not run again; evaluations; the script for Slurm.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pool_daemon.sh"
. "$(dirname "$0")/small_run.sh"

if [ -z "$PYTHON" ]; then
    skip "a sweep" "no python3"
    exit 0
fi
says() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
query() { "$PYTHON" -S -c "import json, sys; d = json.load(sys.stdin); print($1)"; }

"$SYNTH" "$TMP/data" --images 24 --size 64 --val 0.3 --test 0 >"$TMP/synth" || exit 1
STEPS=12 write_config
train=$(realpath "$BUILD/train")
configs=$(realpath configs)
cd "$TMP" || exit 1
ln -s "$train" train
ln -s "$configs" configs
# A training that waits: the first six for the file `go`, the others until all twelve have begun, so that no slot is done
# before each has its trial.
cat >slow.sh <<'END'
#!/bin/sh
all_begun() { set -- begun.*; [ $# -ge 12 ]; }
if [ -e go ]; then over=all_begun; else over='test -e go'; fi
: >"begun.$$"
for i in $(seq 600); do
    $over && break
    sleep 0.1
done
exec ./train "$@"
END
chmod +x slow.sh
sweep_file() { printf '%s\n' "[sweep]" "name = $1" "base = small.ini" "metric = val_loss" "${@:2}" >"$1.ini"; }
grid=("[grid]" "optim.base_lr = 1e-3, 1e-2, 3e-2" "optim.weight_decay = 0.01, 0.1")

# --- Refused before anything starts -------------------------------------------------------------------------------------
sweep_file wrong "[grid]" "optim.bse_lr = 1, 2"
expect_exit 64 "$POOL" sweep wrong.ini
expect_output "wrong.ini: the trial optim.bse_lr = 1, train.seed = 1 is refused"
expect_output "optim.base_lr"
sweep_file early "[grid]" "optim.base_lr = 1" "[asha]" "eta = 4"
expect_exit 64 "$POOL" sweep early.ini
expect_output "early.ini:8: [asha] is not built yet"
sweep_file slip "[grid]" "optim.base_lr = 1, 2"
sed -i 's/metric = val_loss/metric = val_los/' slip.ini
expect_exit 64 "$POOL" sweep slip.ini
expect_output "run.json of ./train has no such number"
sed -i 's/metric = val_los/metric = eval:nothing:val/' slip.ini
expect_exit 64 "$POOL" sweep slip.ini
expect_output "there is no task configs/tasks/nothing.ini"
sed -i 's/metric = eval:nothing:val/metric = eval:drawn_eye:aurok/' slip.ini
expect_exit 64 "$POOL" sweep slip.ini
expect_output "a report has no figure aurok"
expect_exit 64 "$POOL" sweep slip.ini --json
expect_output "pool sweep show NAME --json"
expect_exit 64 "$POOL" sweep slip.ini --slurm --detach
expect_exit 64 "$POOL" sweep show slip --detach
# The sweeps that come with the program have no images here, and keys that the trainer knows.
for sweep in configs/sweeps/*.ini; do
    expect_exit 65 "$POOL" sweep "$sweep"
    expect_output "the training images are not there"
done
if [ -e runs ]; then not_ok "nothing is written" "$(ls runs)"; else ok "nothing is written"; fi
expect_exit 64 "$POOL" sweep show nothing
expect_exit 64 "$POOL" sweep show

# --- Twelve trainings on six slots --------------------------------------------------------------------------------------
slots 0 1 2 3 4 5
start_daemon
sweep_file lr "command = ./slow.sh {config} --resume" "seeds = 1, 2" "${grid[@]}"
"$POOL" sweep lr.ini >first.log 2>&1 &
client=$!
begun() { find . -name 'begun.*' | wc -l; }
if await '^6$' begun; then ok "six run at once"; else not_ok "six run at once" "$(cat first.log)"; fi
states() { "$POOL" jobs --json | query "*sorted(j['state'] for j in d)"; }
if await '^(running ){6}(waiting ?){6}$' states; then ok "and six wait"; else not_ok "and six wait" "$(states)"; fi
kill -9 $client
{ wait $client; } 2>/dev/null
# The same call goes on, and outlives the daemon.
"$POOL" sweep lr.ini >second.log 2>&1 &
client=$!
await 'running on GPU' cat second.log
kill_daemon
await 'waiting for the daemon' cat second.log
start_daemon
: >go
wait $client
says "called again, it goes on to the end" "$? $(grep -c 'sweep lr: 12 trials, 12 done; the smallest val_loss is the best' second.log)" "0 1"
"$POOL" jobs --all --json >jobs.json
says "each configuration ran once" "$(query "len(d), len({j['run_dir'] for j in d}), sum(len(j['attempts']) for j in d)" <jobs.json)" "12 12 12"
says "in two waves, one trial a slot" "$(query "sorted(sum(a['gpus'] == [g] for j in d for a in j['attempts']) for g in range(6))" <jobs.json)" "[2, 2, 2, 2, 2, 2]"
"$POOL" sweep show lr --json >show.json
says "the shape of show" "$(query "sorted(d)" <show.json)" "['base', 'direction', 'metric', 'name', 'trials']"
says "best first" "$(query "[t['score'] for t in d['trials']] == sorted(t['score'] for t in d['trials'])" <show.json)" True
says "a trial's fields" "$(query "[k for k in 'id params seed state score step gpu run_dir job reason'.split() if k not in d['trials'][0]]" <show.json)" "[]"
best=$(query "d['trials'][0]['run_dir']" <show.json)
says "the score is the run's" "$(query "d['trials'][0]['score']" <show.json)" "$(query "d['val_loss']" <"$best/run.json")"
says "the values are the run's" "$(query "d['trials'][0]['params']['optim.base_lr']" <show.json)" "$(sed -n 's/^base_lr = //p' "$best/config.ini")"
says "losers keep their newest checkpoint" "$(query "sum(len([n for n in __import__('os').listdir(t['run_dir'] + '/ckpt') if n.startswith('step-')]) == 1 for t in d['trials'])" <show.json)" 10
expect_exit 0 "$POOL" sweep lr.ini
says "called again nothing runs" "$("$POOL" jobs --all --json | query "len(d)")" 12

# --- What is the same run, and what fails -------------------------------------------------------------------------------
sweep_file same "command = ./slow.sh {config} --resume" "[grid]" "optim.base_lr = 1e-3, 1e-2" "log.every = 1, 2"
expect_exit 0 timeout 60 "$POOL" sweep same.ini --detach
says "another program's is its text" "$("$POOL" jobs --all --json | query "len(d)")" 16
sweep_file again "seeds = 1, 3" "[grid]" "optim.base_lr = 1e-3" "optim.weight_decay = 0.01" "log.every = 1, 2"
expect_exit 0 timeout 60 "$POOL" sweep again.ini
says "of equal trials one runs" "$("$POOL" jobs --all --json | query "len(d)")" 18
expect_output "the same run as"
sweep_file further "[grid]" "optim.base_lr = 1e-3" "optim.weight_decay = 0.01" "data.workers = 1, 3"
expect_exit 0 timeout 60 "$POOL" sweep further.ini
expect_output "ran in the sweep again"
says "what ran in another sweep does not run again" "$("$POOL" jobs --all --json | query "len(d)")" 18
# Another program, of which one trial fails for good.
cat >other.sh <<'END'
#!/bin/sh
dir=$(sed -n 's/^dir = //p' "$1") value=$(sed -n 's/^value = //p' "$1")
[ "$value" != 3 ] || [ -e repaired ] || exit 65
mkdir -p "$dir" && echo "{\"deep\": {\"score\": $value}}" >"$dir/run.json"
END
chmod +x other.sh
sweep_file other "command = ./other.sh {config}" "direction = max" "[grid]" "a.value = 1, 3, 2"
sed -i 's/metric = val_loss/metric = deep.score/' other.ini
expect_exit 1 timeout 60 "$POOL" sweep other.ini
expect_output "again: ./pool retry "
says "the best, and the failed one last" "$("$POOL" sweep show other --json | query "[(t['params']['a.value'], t['state']) for t in d['trials']]")" "[(2, 'done'), (1, 'done'), (3, 'failed')]"
jobs=$("$POOL" jobs --all --json | query "len(d)")
expect_exit 1 timeout 60 "$POOL" sweep other.ini
says "a failure is left alone" "$("$POOL" jobs --all --json | query "len(d)")" "$jobs"
: >repaired
expect_exit 0 "$POOL" retry "$("$POOL" sweep show other --json | query "d['trials'][2]['job']")"
expect_exit 0 timeout 60 "$POOL" sweep other.ini
says "but retried on request, alone" "$("$POOL" jobs --all --json | query "len(d)") $("$POOL" sweep show other --json | query "d['trials'][0]['score']")" "$jobs 3"
echo "# changed" >>small.ini
expect_exit 64 "$POOL" sweep other.ini
expect_output "has a run of another base"

# --- Evaluations --------------------------------------------------------------------------------------------------------
cat >eval <<'END'
#!/bin/sh
echo "$@" >>asked
mkdir -p "$1/eval/task" && echo '{"checkpoints": [{"val": 0.5, "by_image": {"figures": []}}]}' >"$1/eval/task/report.json"
END
chmod +x eval
printf '[data]\n' >task.ini
sweep_file scored "[grid]" "optim.base_lr = 2e-3, 3e-3"
sed -i 's/metric = val_loss/metric = eval:.\/task.ini:val/' scored.ini
expect_exit 0 timeout 60 "$POOL" sweep scored.ini
says "each is evaluated once, after its training" "$(wc -l <asked) $("$POOL" sweep show scored --json | query "[t['score'] for t in d['trials']]")" "2 [0.5, 0.5]"
# The shell around both passes the trainer's 75 on, and asks the evaluation for nothing then.
cat >stopped.sh <<'END'
#!/bin/sh
trap 'exit 75' TERM USR1
echo started >"$2"
while :; do sleep 0.05; done
END
chmod +x stopped.sh
setsid sh -c 'trap : TERM HUP USR1; ./stopped.sh x began "$@" && trap - TERM HUP USR1 && exec ./eval none' x &
shell=$!
await started cat began
kill -TERM -- -$shell
{ wait $shell; } 2>/dev/null
code=$?
says "75 is passed on" "$code $(grep -c none asked)" "75 0"

# --- Slurm --------------------------------------------------------------------------------------------------------------
sweep_file array "[grid]" "optim.base_lr = 1e-3, 7e-3" "optim.weight_decay = 0.3"
expect_exit 0 "$POOL" sweep array.ini --slurm
expect_output "2 of 2 trials: sbatch runs/sweeps/array/slurm.sh"
for text in "#SBATCH --array=0-1%8" "#SBATCH --signal=B:USR1@120" "RequeueExit=75"; do
    check "slurm.sh has $text" grep -qF -- "$text" runs/sweeps/array/slurm.sh
done
for task in 0 1; do SLURM_ARRAY_TASK_ID=$task expect_exit 0 bash runs/sweeps/array/slurm.sh; done
SLURM_ARRAY_TASK_ID=2 expect_exit 64 bash runs/sweeps/array/slurm.sh
says "its tasks are the trials" "$("$POOL" sweep show array --json | query "[t['state'] for t in d['trials']]")" "['done', 'done']"
expect_exit 0 "$POOL" sweep array.ini --slurm
expect_output "all 2 trials have run"
# Slurm signals the script: the trial stops with a checkpoint, and its task is queued again.
sweep_file halted "command = ./stopped.sh {config} halting" "[grid]" "optim.base_lr = 1e-3, 7e-3"
expect_exit 0 "$POOL" sweep halted.ini --slurm
mkdir bin
printf '#!/bin/sh\necho "$@" >>requeued\n' >bin/scontrol
chmod +x bin/scontrol
PATH=$TMP/bin:$PATH SLURM_ARRAY_JOB_ID=41 SLURM_ARRAY_TASK_ID=1 bash runs/sweeps/halted/slurm.sh &
task=$!
await started cat halting
kill -USR1 $task
wait $task
says "a task that is stopped is queued again" "$? $(cat requeued)" "75 requeue 41_1"
check "the daemon ends" stop_daemon
