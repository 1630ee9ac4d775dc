#!/usr/bin/env bash
# What every train_*.sbatch does inside its allocation: train TASK on all of its tasks, save when
# the time is nearly over, and go back into the queue until the run is complete.
#
#   in_slurm.sh TASK [options of inspire-med train]
#
# Settings, from the environment: MANIFEST, RUN, FOLD, PYTHON, RESTARTS. MASTER_ADDR and MASTER_PORT, where
# set, replace the first node's name and the port made from the job's number.
set -euo pipefail

TASK=$1
shift
MANIFEST=${MANIFEST:-data/$TASK.json}   # written by: inspire-med prepare --task TASK ...
RUN=${RUN:-runs/$TASK}                  # run folder; an existing one is resumed
FOLD=${FOLD:-0}
PYTHON=${PYTHON:-.venv/bin/python}
CPUS=${SLURM_CPUS_PER_TASK:-2}
WORKERS=$((CPUS > 1 ? CPUS - 1 : 1))   # one core stays with the network
RESTARTS=${RESTARTS:-5}                 # how often in a row a job that lost a task starts again
STOPPED=75                              # train's exit status after a signal: there is more to do
LOST=76                                 # and of a task that ends because another one is gone

# A task of the start before may hold the job's port while Slurm waits for its end: every second
# start takes another one.
if [ $((${SLURM_RESTART_COUNT:-0} % 2)) -eq 1 ]; then
  export MASTER_PORT=${MASTER_PORT:-$((25000 + SLURM_JOB_ID % 7000))}
fi

# srun no longer takes the job's cpus-per-task by itself (Slurm 22.05 and later).
srun --cpus-per-task="$CPUS" --kill-on-bad-exit=1 "$PYTHON" -m inspire_med.train --task "$TASK" \
  --manifest "$MANIFEST" --run "$RUN" --fold "$FOLD" --data.workers "$WORKERS" "$@" &
step=$!

# USR1 comes before the time limit (--signal in the .sbatch), or from a person:
# scancel --signal=USR1 --batch JOB. srun hands it on to every task.
trap 'kill -USR1 "$step" 2>/dev/null || true' USR1

# A signal that the trap caught ends `wait` too, with the step still running.
while kill -0 "$step" 2>/dev/null; do
  wait "$step" || true
done
status=0
wait "$step" || status=$?   # bash remembers it

again=no
if [ "$status" -eq "$STOPPED" ]; then
  again="stopped before its end"
  rm -f "$RUN/lost"
elif [ "$status" -eq "$LOST" ] || [ "$status" -gt 128 ]; then
  # A lost node looks like this, and a bug that ends one task does too: so not for ever.
  lost=$(cat "$RUN/lost" 2>/dev/null || echo 0)
  if [ "$lost" -lt "$RESTARTS" ]; then
    again="a task was lost"
    echo $((lost + 1)) > "$RUN/lost"
  fi
fi
if [ "$again" != no ]; then
  echo "in_slurm.sh: $again; back into the queue"
  # One element of an array has the number of the whole array for its own.
  [ -z "${SLURM_ARRAY_JOB_ID:-}" ] || SLURM_JOB_ID=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
