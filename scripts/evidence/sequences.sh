#!/usr/bin/env bash
# PraNet's ClinicDB test frames lie beside its training frames in the same videos. Here whole
# sequences are held out: 5, 15 and 25 of the 29; the other frames and all of Kvasir-SEG train.
#
#   scripts/evidence/sequences.sh DATA OUT [BUDGET] [options of compare]
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2 BUDGET=${3:-1800}
shift "$(($# < 3 ? $# : 3))"
POLYP=$DATA/polyp

# frames CONDITION: numbers of the frames whose sequence s fulfils it.
frames() {
  tr -d '\r' < "$POLYP/splits/cvc_clinicdb_sequences.csv" |
    awk -F, "NR > 1 { s = \$3; if ($1) for (frame = \$1; frame <= \$2; frame++) print frame }"
}

mkdir -p "$OUT"
frames "s % 10 == 5" > "$OUT/held_out.txt"
{ cat "$POLYP"/splits/pranet_{train_kvasir_900,test_kvasir_100}.txt; frames "s % 10 != 5"; } \
  > "$OUT/train.txt"
prepared "$OUT/train.json" --task polyp --source "$POLYP/Kvasir-SEG" \
  --source "$POLYP/CVC-ClinicDB" --cases "$OUT/train.txt"
prepared "$OUT/sequences.json" --task polyp --source "$POLYP/CVC-ClinicDB" \
  --cases "$OUT/held_out.txt"
# shellcheck disable=SC2046
inspire compare --config "$HERE/pranet.yaml" --manifest "$OUT/train.json" --fold none \
  --test "$OUT/sequences.json" --run "$OUT/runs" \
  --variants "$HERE/forms.yaml" --seeds 3 $(budget "$BUDGET") "$@"
tables "$OUT"/runs/test-sequences/comparison.json
