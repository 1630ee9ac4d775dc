#!/usr/bin/env bash
# What ISE, ISA and SSBA each bring: on PraNet's protocol and on the eleven BraTS cases, at equal
# steps.
#
#   scripts/evidence/parts.sh DATA OUT [BUDGET of pictures] [BUDGET of volumes]
set -euo pipefail
# shellcheck source=scripts/evidence/common.sh
source "$(dirname "$0")/common.sh"
DATA=$1 OUT=$2

VARIANTS=(--variants "$HERE/parts.yaml")
"$HERE/pranet.sh" "$DATA" "$OUT/polyp" "${3:-900}" "${VARIANTS[@]}"
"$HERE/brats.sh" "$DATA" "$OUT/brats" "${4:-300}" "${VARIANTS[@]}"
