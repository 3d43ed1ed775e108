#!/usr/bin/env bash
# The paper's own run, from the unpacked archives to a model of 8B parameters: docs/paper.md says where to get what, and how long
# it takes. Every step goes on where it stopped: run it again. Values that the paper does not give are marked in the recipes as our
# choice. `PLAN=1 bash runs/paper.sh` only tells what the three stages are going to take.
#
#   INTERHUMAN=… INTERX=… MOTIONX=… SMPLX=…/SMPLX_NEUTRAL.npz bash runs/paper.sh
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
home="${VIMOTION_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/vimotion}"
gpus="${GPUS:-8}"
train() { # which configuration of accelerate, stage, its recipe and run where they are not the paper's
  [ -f "$home/runs/${3:-paper-$2}/manifest.json" ] && return
  accelerate launch --config_file "recipes/accelerate/$1.yaml" --num_processes "$gpus" \
    -m vimotion.cli train "$2" --recipe "recipes/$2/${3:-paper}.yaml" --resume
}
prepare() { # data set, its folder, further options; it sees itself what is done
  vimotion corpus prepare "$1" "$2" --output "$home/corpora/$1" --workers "$(nproc)" "${@:3}"
}
join() { # name, corpora; it is there whole or not at all
  [ -f "$home/corpora/$1/info.json" ] || (cd "$home/corpora" && vimotion corpus join "${@:2}" --output "$home/corpora/$1")
}

if [ -n "${PLAN:-}" ]; then
  for stage in tokenizer align instruct; do
    echo "== $stage"
    vimotion train "$stage" --recipe "recipes/$stage/paper.yaml" --set plan.gpus="$gpus" --plan
  done
  exit
fi

# The data. The pairs' training clips also come in the mirror, as InterGen's loader has them.
prepare interhuman "${INTERHUMAN:?the folder where InterHuman was unpacked}" --mirror
prepare interx "${INTERX:?the folder where Inter-X was unpacked}" --mirror ${SMPLX:+--body "$SMPLX"}
prepare motionx "${MOTIONX:?the folder where Motion-X was unpacked}" ${SMPLX:+--body "$SMPLX"}
join interhuman-interx interhuman interx
join interhuman-interx-motionx interhuman interx motionx

# Stages 1 and 2.
train ddp tokenizer
train fsdp2 align

# Inter-MT2: InterGEN on InterHuman renders what the language model wrote (OPENAI_API_KEY; see the recipe for other servers), and
# an extractor of InterHuman tells whether the motion is what was written.
train ddp intergen
train ddp extractor interclip
vimotion synthesize --recipe recipes/inter_mt2/paper.yaml

# Stage 3, and a folder that others load.
train fsdp2 instruct
[ -d "$home/models/vim-8b" ] || vimotion export-model "$home/models/vim-8b" --model paper-instruct --dtype bfloat16
