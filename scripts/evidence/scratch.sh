#!/usr/bin/env bash
# From random weights at 352 x 352 by PraNet's protocol: is the toolkit's own training as good as the
# field's? The published U-Net has 0.818 on Kvasir.
#
#   scripts/evidence/scratch.sh DATA OUT [BUDGET] [options of compare]
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-7200}
shift "$(($# < 3 ? $# : 3))"

pranet_manifests "$DATA" "$OUT"
# shellcheck disable=SC2046
inspire compare --task polyp --validations 1 --loss structure --data.scales 0.75,1,1.25 \
  --manifest "$OUT/train.json" --fold none --test "$OUT/kvasir.json,$OUT/clinicdb.json" \
  --allow_leak patient,sequence \
  --run "$OUT/runs" --variants concat,ise+isa --seeds 3 $(budget "$BUDGET") "$@"
tables "$OUT"/runs/test-{kvasir,clinicdb}/comparison.json
