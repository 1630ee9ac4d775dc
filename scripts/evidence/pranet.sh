#!/usr/bin/env bash
# PraNet's protocol: trained on 900 pictures of Kvasir-SEG and 550 of CVC-ClinicDB, tested on 100 and
# 62 others, with an ImageNet encoder at 352 x 352. Its ClinicDB frames are of sequences that train.
#
#   scripts/evidence/pranet.sh DATA OUT [BUDGET] [options of compare]
#
# DATA holds polyp/{Kvasir-SEG,CVC-ClinicDB}; BUDGET of each training is steps (1800, some 20
# epochs) or time (80m). lite2 beside: --network.encoder efficientnet-lite2 and another OUT.
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-1800}
shift "$(($# < 3 ? $# : 3))"

pranet_manifests "$DATA" "$OUT"
# shellcheck disable=SC2046
inspire compare --config "$HERE/pranet.yaml" --manifest "$OUT/train.json" --fold none \
  --test "$OUT/kvasir.json,$OUT/clinicdb.json" --allow_leak patient,sequence --run "$OUT/runs" \
  --variants "$HERE/forms.yaml" --seeds 3 $(budget "$BUDGET") "$@"
tables "$OUT"/runs/test-{kvasir,clinicdb}/comparison.json
