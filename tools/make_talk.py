"""Conversations in words alone for stage 3 (`talk` of its recipe): what the backbone answers, and what VIMotion says of itself.

    python tools/make_talk.py corpora/talk.jsonl

Requests are drawn from talk_requests.txt and answered by the backbone, whole sentences of it, so that a model tuned on motion
goes on talking as it did; talk_own.txt has the rest. Run again, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from vimotion.artifacts import atomic_path, vimotion_home
from vimotion.grammar import Grammar
from vimotion.language.backbone import SMOLLM2, load_backbone

TOOLS = Path(__file__).parent
BATCH, LONGEST = 32, 56
# How often a conversation has a second request, as it also must know what was said before.
_FURTHER = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="JSON lines; a relative path lies under the VIMotion home")
    parser.add_argument("--answered", type=int, default=320, help="requests that the backbone answers")
    parser.add_argument("--own", type=int, default=800, help="conversations of talk_own.txt")
    parser.add_argument("--backbone", default=SMOLLM2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    output = vimotion_home() / arguments.output
    part = output.with_name(output.name + ".part")
    output.parent.mkdir(parents=True, exist_ok=True)
    requests = list(islice(different_requests(arguments.seed), arguments.answered))
    model: Any
    model, tokenizer = load_backbone(arguments.backbone)
    model.to(torch.bfloat16)
    answered = earlier(part, requests)
    with part.open("a", encoding="utf-8") as file:
        for start in tqdm(range(len(answered), len(requests), BATCH), unit="batch"):
            torch.manual_seed(arguments.seed + start)
            batch = requests[start : start + BATCH]
            pairs = list(zip(batch, answers(model, tokenizer, batch), strict=True))
            answered += pairs
            file.write(json.dumps(pairs) + "\n")
            file.flush()
    random, own = np.random.default_rng(arguments.seed), Grammar.read(TOOLS / "talk_own.txt")
    told = [[pair] for pair in answered if pair[1]] + [conversation(own, random) for _ in range(arguments.own)]
    with atomic_path(output) as temporary:
        temporary.write_text("".join(lines(told, random)), encoding="utf-8")
    part.unlink()
    print(f"{output}: {len(told)} conversations")


def earlier(part: Path, requests: list[str]) -> list[tuple[str, str]]:
    """What a run that was stopped wrote, a batch in a line; nothing of other requests. A line that was cut off is removed."""
    content = part.read_text(encoding="utf-8") if part.exists() else ""
    whole = content[: content.rfind("\n") + 1]
    pairs = [(request, answer) for line in whole.splitlines() for request, answer in json.loads(line)]
    if [request for request, _ in pairs] != requests[: len(pairs)]:
        whole, pairs = "", []
    with atomic_path(part) as temporary:
        temporary.write_text(whole, encoding="utf-8")
    return pairs


def different_requests(seed: int) -> Iterator[str]:
    grammar, random, seen = Grammar.read(TOOLS / "talk_requests.txt"), np.random.default_rng(seed), set()
    while True:
        request = str(grammar.say("request", random))
        if request not in seen:
            seen.add(request)
            yield request


def answers(model: Any, tokenizer: PreTrainedTokenizerFast, requests: list[str]) -> list[str]:
    """The whole sentences among the first tokens of each answer; "" where there is none."""
    tokenizer.padding_side = "left"
    prompts = [
        tokenizer.apply_chat_template([{"role": "user", "content": request}], tokenize=False, add_generation_prompt=True)
        for request in requests
    ]
    batch = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    with torch.inference_mode():
        written = model.generate(**batch, max_new_tokens=LONGEST, do_sample=True, temperature=0.5, top_p=0.9)
    texts = tokenizer.batch_decode(written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return ["".join(re.findall(r"[^.!?\n]+[.!?]+(?= |$)", text.strip().partition("\n")[0])).strip() for text in texts]


def conversation(grammar: Grammar, random: np.random.Generator) -> list[tuple[str, str]]:
    """One or two turns of talk_own.txt."""
    rules = ["greeting", "self", "self", "manners"]
    turns = []
    for _ in range(1 + (random.random() < _FURTHER)):
        request, _, answer = str(grammar.say(rules[int(random.integers(len(rules)))], random)).partition(">>")
        turns.append((request.strip(), answer.strip()))
    return turns


def lines(told: list[list[tuple[str, str]]], random: np.random.Generator) -> Iterator[str]:
    """In a random order, so that every part of the file is of both kinds."""
    for index in random.permutation(len(told)).tolist():
        messages = [
            {"role": role, "content": text}
            for pair in told[index]
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        yield json.dumps({"messages": messages}) + "\n"


if __name__ == "__main__":
    main()
