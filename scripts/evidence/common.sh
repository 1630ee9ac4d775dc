#!/usr/bin/env bash
# What the scripts of this folder share; each sources it. PYTHON names the interpreter.
#
# Every script is resumable: the same command goes on where it was stopped, and neither trains nor
# predicts anything twice.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHON=${PYTHON:-$HERE/../../.venv/bin/python}

inspire() {
  "$PYTHON" -m inspire_med "$@"
}

# prepared MANIFEST [options of prepare]: writes the manifest unless it is there.
prepared() {
  local manifest=$1
  shift
  [ -f "$manifest" ] || inspire prepare --out "$manifest" "$@"
}

# phantoms TASK COUNT FOLDER: makes cases, and FOLDER/manifest.json of them, unless it is there.
phantoms() {
  [ -f "$3/manifest.json" ] || inspire prepare --task "$1" --phantom "$2" --out "$3"
}

# budget 1800 | 80m: options of train, steps for a plain number and else wall time alone.
budget() {
  case $1 in
    *[!0-9]*) echo --max_steps null --max_time "$1" ;;
    *) echo --max_steps "$1" ;;
  esac
}

# The plain U-Net as the eleven BraTS cases train it in short runs on a few cores.
# shellcheck disable=SC2034
PLAIN_UNET=(--task brats --network.skip concat --network.steps 1 --data.patch_size '64,64,64'
  --data.batch_size 2 --optimizer.lr 2e-3 --validations 1)

# tables COMPARISON.json...: what belongs into docs/evidence.md.
tables() {
  "$PYTHON" "$HERE/table.py" "$@"
}

# pranet_manifests DATA OUT: PraNet's split (900 + 550 to train on, 100 and 62 to test on).
pranet_manifests() {
  local polyp=$1/polyp out=$2
  prepared "$out/train.json" --task polyp --source "$polyp/Kvasir-SEG" \
    --source "$polyp/CVC-ClinicDB" --cases pranet-train
  prepared "$out/kvasir.json" --task polyp --source "$polyp/Kvasir-SEG" --cases pranet-test
  prepared "$out/clinicdb.json" --task polyp --source "$polyp/CVC-ClinicDB" --cases pranet-test
}

# brats_manifest DATA OUT: the eleven cases, four folds by patient.
brats_manifest() {
  local data=$1 out=$2
  mkdir -p "$out"
  prepared "$out/brats.json" --task brats --folds 4 \
    --source "$data/brats2018/HGG" --source "$data/brats2018/LGG" \
    --source "$data/brats2018_more/HGG" --source "$data/brats2018_more/LGG"
}
