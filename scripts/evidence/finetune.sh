#!/usr/bin/env bash
# Fine-tuning from made cases to the eleven real ones, against scratch at equal time: a plain U-Net
# learns from forty phantoms; then every fold of the real cases is trained from random weights, from
# its weights, and from them with the encoder frozen. Its own time is not counted.
#
#   scripts/evidence/finetune.sh DATA OUT [BUDGET] [options of train]
#
# DATA holds brats2018 and brats2018_more; BUDGET is that of every training. SEEDS=2 in the
# environment trains the folds with so many seeds, each from the one network.
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-20m}
shift "$(($# < 3 ? $# : 3))"

brats_manifest "$DATA" "$OUT"
OUT=$(cd "$OUT" && pwd)
phantoms brats 40 "$OUT/phantoms"
# shellcheck disable=SC2207
TRAINING=("${PLAIN_UNET[@]}" $(budget "$BUDGET") "$@")
inspire train --manifest "$OUT/phantoms/manifest.json" --fold none --run "$OUT/on-phantoms" \
  "${TRAINING[@]}"

cat > "$OUT/variants.yaml" << END
scratch: {}
from-phantoms: {init: "$OUT/on-phantoms"}
from-phantoms-frozen: {init: "$OUT/on-phantoms", freeze: encoder}
END
for protocol in brats2023-gli segmentation; do
  inspire compare --manifest "$OUT/brats.json" --fold each --run "$OUT/runs" \
    --variants "$OUT/variants.yaml" --seeds "${SEEDS:-1}" --protocol "$protocol" "${TRAINING[@]}"
  cp "$OUT/runs/comparison.json" "$OUT/$protocol.json"
done
tables "$OUT"/{brats2023-gli,segmentation}.json
