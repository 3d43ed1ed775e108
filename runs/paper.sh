#!/usr/bin/env bash
# The paper's own set-up: InterHuman, Inter-X and Motion-X, LLaMA-3.1-8B, many GPUs. Prepare the corpora first (they are
# licensed, and read from where you have them); `accelerate config` says how many processes and how they share the model.
# Values that the paper does not give are marked in the recipes as our choice.
set -euo pipefail
cd "$(dirname "$0")/.."

accelerate launch -m vimotion.cli train tokenizer --recipe recipes/tokenizer/paper.yaml --resume
accelerate launch -m vimotion.cli train align --recipe recipes/align/paper.yaml --resume
accelerate launch -m vimotion.cli train instruct --recipe recipes/instruct/paper.yaml --resume
