#!/usr/bin/env bash
# How a model like the shipped one is made, from nothing, on one machine. Every step resumes where it stopped: run it again.
# Hours on two cores; LOG.md says how many, and what came out.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
home="${VIMOTION_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/vimotion}"
# With the machine to itself, threads that wait by spinning train the codec nearly twice as fast.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-ACTIVE}"

vimotion corpus scripted --count 20000 --seed 0 --workers "$(nproc)" --output "$home/corpora/scripted"
[ -f "$home/runs/tokenizer/manifest.json" ] || vimotion train tokenizer --recipe recipes/tokenizer/default.yaml --resume
[ -f "$home/runs/tokenizer-coarse/manifest.json" ] || vimotion train tokenizer --recipe recipes/tokenizer/coarse.yaml --resume
[ -f "$home/runs/tokenizer-decoder/manifest.json" ] || vimotion train tokenizer --recipe recipes/tokenizer/decoder.yaml --resume
[ -f "$home/runs/align/manifest.json" ] || vimotion train align --recipe recipes/align/default.yaml --resume
[ -f "$home/runs/instruct/manifest.json" ] || vimotion train instruct --recipe recipes/instruct/default.yaml --resume
[ -f "$home/runs/extractor/manifest.json" ] || vimotion train extractor --recipe recipes/extractor/default.yaml --resume
[ -f "$home/runs/intergen/manifest.json" ] || vimotion train intergen --recipe recipes/intergen/default.yaml --resume
[ -f "$home/runs/intergen-contacts/manifest.json" ] || vimotion train intergen --recipe recipes/intergen/contacts.yaml --resume
[ -f "$home/runs/intergen-refined/manifest.json" ] || vimotion train intergen --recipe recipes/intergen/refined.yaml --resume
python tools/pack_model.py "$home/runs/instruct"
python tools/pack_model.py "$home/runs/intergen-refined"
vimotion evaluate --recipe recipes/evaluate/default.yaml
