#!/usr/bin/env bash
# Eleven real BraTS cases, four folds by patient, two seeds, equal time: lesion-wise by the rules of
# 2023, then regions by Dice and surface distance of the same masks.
#
#   scripts/evidence/brats.sh DATA OUT [BUDGET] [options of compare]
#
# DATA holds brats2018 and brats2018_more.
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-20m}
shift "$(($# < 3 ? $# : 3))"

brats_manifest "$DATA" "$OUT"
for protocol in brats2023-gli segmentation; do
  # shellcheck disable=SC2046
  inspire compare --task brats --validations 1 --data.patch_size 64,64,64 --optimizer.lr 2e-3 \
    --manifest "$OUT/brats.json" --fold each --run "$OUT/runs" --variants "$HERE/forms.yaml" \
    --seeds 2 --protocol "$protocol" $(budget "$BUDGET") "$@"
  cp "$OUT/runs/comparison.json" "$OUT/$protocol.json"
done
tables "$OUT"/{brats2023-gli,segmentation}.json
