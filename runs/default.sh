#!/usr/bin/env bash
# How a model of all kinds of the scripted corpus is made, from nothing, on one machine with or without a GPU. Every step resumes
# where it stopped: run it again. Hours on two cores; LOG.md says how many, and what came out. The language model and the codecs in
# the repository are older than some of these recipes.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
home="${VIMOTION_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/vimotion}"
# With the machine to itself, threads that wait by spinning train the codec nearly twice as fast.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-ACTIVE}"
# Memory that is given back to the system after every product comes again a page at a time: a tenth of a step on a CPU.
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=2000000000:glibc.malloc.trim_threshold=8000000000:glibc.malloc.top_pad=268435456}"
on=default
python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' && on=gpu
train() { # stage, run, recipe
  [ -f "$home/runs/$2/manifest.json" ] || vimotion train "$1" --recipe "recipes/$1/$3.yaml" --resume
}

vimotion corpus scripted --count 20000 --seed 0 --workers "$(nproc)" --output "$home/corpora/scripted"
train extractor extractor default
# The generator that renders half of the edited motions of Inter-MT2, in parts that go on from one another.
train intergen intergen default
train intergen intergen-contacts contacts
train intergen intergen-refined refined
generator=intergen-refined
if [ $on = gpu ]; then
  train intergen intergen-gpu gpu
  generator=intergen-gpu
fi
python tools/pack_model.py "$home/runs/$generator"
vimotion synthesize --recipe recipes/inter_mt2/scripted.yaml
# Words alone, so that the model goes on talking.
[ -f "$home/corpora/talk.jsonl" ] || python tools/make_talk.py corpora/talk.jsonl
# The three stages; on a CPU the first and the last in two parts.
if [ $on = gpu ]; then
  train tokenizer tokenizer gpu
  train align align gpu
  train instruct instruct gpu
else
  train tokenizer tokenizer-three three_levels
  train tokenizer tokenizer default
  train align align default
  train instruct pairs pairs
  train instruct instruct default
fi
python tools/pack_model.py "$home/runs/instruct"
vimotion evaluate --recipe recipes/evaluate/default.yaml
