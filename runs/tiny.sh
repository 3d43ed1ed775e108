#!/usr/bin/env bash
# The chain of runs/default.sh in minutes: a corpus of a few scenes, a small codec, a random backbone that reads bytes.
# What comes out cannot speak; that every stage takes what the one before it made is what this shows. Run it from anywhere:
#   VIMOTION_HOME=$(mktemp -d) bash runs/tiny.sh
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}"
home="${VIMOTION_HOME:?set VIMOTION_HOME to an empty folder}"

vimotion corpus scripted --count 72 --seed 5 --output "$home/corpora/tiny"
vimotion train tokenizer --recipe recipes/tokenizer/tiny.yaml
vimotion train align --recipe recipes/align/tiny.yaml
vimotion train instruct --recipe recipes/instruct/tiny.yaml
vimotion train extractor --recipe recipes/extractor/tiny.yaml
vimotion train intergen --recipe recipes/intergen/tiny.yaml
vimotion evaluate --recipe recipes/evaluate/tiny.yaml --output "$home/evaluation"
vimotion generate "Two people shake hands." --model "$home/runs/tiny-instruct" --duration 2 --seed 1 --output "$home/handshake.npz" --json
echo "Two people hug." | vimotion chat --model "$home/runs/tiny-instruct"
