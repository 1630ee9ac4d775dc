#!/usr/bin/env bash
# Cross-validation of the eleven real BraTS cases, and what its out-of-fold predictions tell: scores,
# rules of postprocessing with what they bring, who should be looked at, and whether large windows
# give as good masks as those of the training. Then one case by all folds.
#
#   scripts/evidence/cross_validation.sh DATA OUT [BUDGET] [options of train]
#
# DATA holds brats2018 and brats2018_more; BUDGET of each fold is steps (450) or time (20m).
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-450}
shift "$(($# < 3 ? $# : 3))"
CV=$OUT/cv

brats_manifest "$DATA" "$OUT"
# shellcheck disable=SC2046
inspire train --manifest "$OUT/brats.json" --run "$CV" --fold each "${PLAIN_UNET[@]}" \
  $(budget "$BUDGET") "$@"
PREDICTED=$CV/predictions/predictions.json

if [ ! "$OUT/tuned.txt" -nt "$PREDICTED" ]; then
  inspire tune --run "$CV" --protocol brats2023-gli --overwrite > "$OUT/tuned.part"
  mv "$OUT/tuned.part" "$OUT/tuned.txt"
fi

# out_of_fold NAME [options of predict]: each case once more by its own fold's network, in the same
# precision, to OUT/NAME.
PRECISION=$("$PYTHON" -c "import json, sys; print(json.load(sys.stdin)['precision'])" < "$PREDICTED")
out_of_fold() {
  local masks=$OUT/$1 run fold own
  shift
  mkdir -p "$masks"
  for run in "$CV"/fold*/run; do
    fold=${run%/run} fold=${fold##*/fold}
    own=$masks-fold$fold
    if [ ! "$own/predictions.json" -nt "$OUT/tuned.txt" ]; then
      inspire predict --run "$run" --fold "$fold" --output "$own" --input "$OUT/brats.json" \
        --precision "$PRECISION" --overwrite "$@"
    fi
    cp "$own"/*.nii.gz "$masks"
  done
}
out_of_fold ruled --postprocess "$CV/postprocess.yaml"
out_of_fold largest --postprocess off --windows largest --memory 6GiB
inspire evaluate --prediction off="$CV/predictions" stored="$OUT/ruled" largest="$OUT/largest" \
  --baseline off --reference "$OUT/brats.json" --protocol brats2023-gli --output "$OUT/scores" \
  --overwrite

# Three of the four networks were trained on it: this shows the way, and scores nothing.
case=$(find "$DATA/brats2018/HGG" -mindepth 1 -maxdepth 1 -type d | sort | head -n 1)
inspire predict --run "$CV" --input "$case" --output "$OUT/together" --doubt --precision "$PRECISION" \
  --overwrite

echo
cat "$OUT/tuned.txt"
echo
tables "$OUT/scores/comparison.json"
cat "$OUT/together/doubt/cases.csv"
