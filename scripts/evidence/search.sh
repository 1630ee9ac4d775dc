#!/usr/bin/env bash
# A search among forms of INSPIRE, on a fold of PraNet's training cases alone: never on a test set.
#
#   scripts/evidence/search.sh DATA OUT [BUDGET] [options of compare]
#
# Small pictures and few steps: what is a little better here must be shown again with more of both.
# The best of them longer, with more seeds: another OUT, BUDGET and --variants BEST.yaml --seeds 3.
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-300}
shift "$(($# < 3 ? $# : 3))"

pranet_manifests "$DATA" "$OUT"
# shellcheck disable=SC2046
inspire compare --task polyp --manifest "$OUT/train.json" --fold 0 --run "$OUT/runs" \
  --network.encoder efficientnet-lite0 --network.weights imagenet --optimizer.encoder_lr 0.3 \
  --data.image_size 160,160 --precision bf16-mixed --validations 1 \
  --variants "$HERE/search.yaml" --seeds 1 $(budget "$BUDGET") "$@"
tables "$OUT/runs/comparison.json"
