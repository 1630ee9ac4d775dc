#!/usr/bin/env bash
# How to train the polyp tables' networks in the time there is: the plain U-Net in several ways, on a
# fold of PraNet's training cases alone.
#
#   scripts/evidence/recipe.sh DATA OUT [BUDGET] [options of compare]
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-8m}
shift "$(($# < 3 ? $# : 3))"

pranet_manifests "$DATA" "$OUT"
# shellcheck disable=SC2046
inspire compare --config "$HERE/pranet.yaml" --manifest "$OUT/train.json" --fold 0 \
  --network.skip concat --run "$OUT/runs" --variants "$HERE/recipe.yaml" --seeds 1 \
  $(budget "$BUDGET") "$@"
tables "$OUT/runs/comparison.json"
