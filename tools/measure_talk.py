"""Whether a model still talks: everyday questions with an answer each (talk_questions.yaml), which no training saw.

    python tools/measure_talk.py smollm2-135m-instruct ~/.cache/vimotion/runs/align ~/.cache/vimotion/runs/instruct

For each answer the question is chosen, of four, after which the model finds it likeliest: chance is 25 %. Beside it the loss of
a letter of the answers, which models of other vocabularies share.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import yaml
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from vimotion.language.backbone import load_backbone
from vimotion.language.cutting import cut_depth
from vimotion.language.model_folder import ModelFolder

QUESTIONS = Path(__file__).parent / "talk_questions.yaml"
CHOICES, DRAWS = 4, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="backbones (NAME, or NAME:0,1,21 for some of its layers) and model folders")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pairs = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    for name in arguments.models:
        model, random = load(name), np.random.default_rng(arguments.seed)
        right, own = [], []
        for index, (question, answer) in enumerate(pairs):
            others = random.choice(np.delete(np.arange(len(pairs)), index), (DRAWS, CHOICES - 1), replace=False)
            own.append(loss(*model, question, answer))
            right += [own[-1] < min(loss(*model, pairs[other][0], answer) for other in drawn) for drawn in others]
        letters = sum(len(answer) for _, answer in pairs)
        print(f"{name}: right {np.mean(right):.1%}, loss a letter {sum(own) / letters:.3f}", flush=True)


def load(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    if Path(name).is_dir():
        folder = ModelFolder.load(Path(name))
        return folder.model.eval(), folder.tokenizer
    backbone, _, layers = name.partition(":")
    model, tokenizer = load_backbone(backbone)
    if layers:
        cut_depth(model, [int(layer) for layer in layers.split(",")])
    return model.eval(), tokenizer


def loss(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, question: str, answer: str) -> float:
    """Of the whole answer, in nats."""
    asked = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    ids, words = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, answer))
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[*ids, *words]])).logits[0, len(ids) - 1 : -1]
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor(words), reduction="sum"))


if __name__ == "__main__":
    main()
