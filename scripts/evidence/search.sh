#!/usr/bin/env bash
# A search among forms of INSPIRE, on a fold of PraNet's training cases alone: never on a test set.
#
#   scripts/evidence/search.sh DATA OUT [BUDGET] [options of compare]
#
# The best of them longer, with more seeds: another OUT, BUDGET and --variants BEST.yaml --seeds 3.
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-300}
shift "$(($# < 3 ? $# : 3))"

pranet_manifests "$DATA" "$OUT"
# shellcheck disable=SC2046
inspire compare --config "$HERE/pranet.yaml" --manifest "$OUT/train.json" --fold 0 \
  --run "$OUT/runs" --variants "$HERE/search.yaml" --seeds 1 $(budget "$BUDGET") "$@"
tables "$OUT/runs/comparison.json"
