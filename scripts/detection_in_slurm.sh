#!/usr/bin/env bash
# What train_detection.sbatch and test_detection.sbatch do inside their allocation: start one task a
# GPU, and go back into the queue when the time is up or a task was lost.
#
#   detection_in_slurm.sh train CONFIG WORK_DIR [options]
#   detection_in_slurm.sh test CONFIG CHECKPOINT [options]
#
# Settings, from the environment:
#   GPUS, GPUS_PER_NODE, CPUS_PER_TASK   tasks, tasks a node and cores a task, where they are to be
#                                        others than the allocation's own
#   SRUN_ARGS     more options of srun
#   PYTHON, RESTARTS
#   MASTER_PORT   where the tasks meet, instead of the port made from the job's number; the option
#                 --cfg-options env_cfg.dist_cfg.port=PORT wins over it
#   MASTER_ADDR   instead of the first node's name
set -euo pipefail

if [ $# -lt 3 ]; then
  echo "detection_in_slurm.sh: name CONFIG and WORK_DIR (test: CONFIG and CHECKPOINT)" >&2
  exit 2
fi
COMMAND=$1
words=("$2" --work-dir "$3" --resume auto)
[ "$COMMAND" = train ] || words=("$2" "$3")
shift 3

PYTHON=${PYTHON:-.venv/bin/python}
RESTARTS=${RESTARTS:-5}   # how often a job that lost a task starts again
LOST=76                   # exit status of a task that ends because another one is gone
# srun no longer takes the job's cpus-per-task by itself (Slurm 22.05 and later).
tasks=(--cpus-per-task="${CPUS_PER_TASK:-${SLURM_CPUS_PER_TASK:-1}}")
tasks+=(--ntasks="${GPUS:-${SLURM_NTASKS:-1}}")
per_node=${GPUS_PER_NODE:-${SLURM_NTASKS_PER_NODE:-}}
[ -z "$per_node" ] || tasks+=(--ntasks-per-node="$per_node")
read -r -a more <<< "${SRUN_ARGS:-}"

# A task of the start before may hold the job's port while Slurm waits for its end: every second
# start takes another one.
restarts=${SLURM_RESTART_COUNT:-0}
ports=($((15000 + SLURM_JOB_ID % 10000)) $((25000 + SLURM_JOB_ID % 7000)))
export MASTER_PORT=${MASTER_PORT:-${ports[restarts % 2]}}

# A mistake ends every task with the same status; killed by the first that ends, the others would
# look like lost ones. Who still waits for somebody after 30 s is ended.
srun "${tasks[@]}" --kill-on-bad-exit=0 --wait=30 "${more[@]}" \
  "$PYTHON" -m "inspire_med.detection.$COMMAND" "${words[@]}" --launcher slurm "$@" &
step=$!

# USR1 comes before the time limit (--signal in the .sbatch), or from a person:
# scancel --signal=USR1 --batch JOB. What came after the last checkpoint is done again; how often
# there is one: default_hooks.checkpoint.interval.
again=no
trap 'again="its time is up"; kill -TERM "$step" 2>/dev/null || true' USR1

# A signal that the trap caught ends `wait` too, with the step still running.
while kill -0 "$step" 2>/dev/null; do
  wait "$step" || true
done
status=0
wait "$step" || status=$?   # bash remembers it

# A lost node looks like this, and a bug that ends one task does too: so not for ever.
if [ "$again" = no ] && [ "$restarts" -lt "$RESTARTS" ]; then
  if [ "$status" -eq "$LOST" ] || [ "$status" -gt 128 ]; then
    again="a task was lost"
  fi
fi
if [ "$status" -ne 0 ] && [ "$again" != no ]; then
  echo "detection_in_slurm.sh: $again; back into the queue"
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
