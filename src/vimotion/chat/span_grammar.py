"""What may still come in an open motion span, as a grammar in GBNF: llama.cpp and vLLM hold an answer to it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from vimotion.chat.legal import Draft, Spot
from vimotion.language.vocabulary import CODES, END, WHO
from vimotion.tokenizer.spec import PLACEMENT, CodecSpec


def spots_ahead(draft: Draft) -> list[Spot]:
    """Where an open span has a choice, from here to its longest end or to the next token that is certain.

    Who is in the span, and whether it begins with where they start, decide how it goes on, so such a choice stands alone.
    """
    trial, spots = copy(draft), list[Spot]()
    trial.tokens = list(draft.tokens)
    while trial.place.kind != "text" and len(ids := trial.legal.ids(*trial.at)) > 1:
        spots.append(trial.at)
        if trial.place.kind in ("who", "begin"):
            break
        trial.push(int(ids[-1]))  # never the end: its id comes before those of codes
    return spots


def grammar(spots: Sequence[Spot], spec: CodecSpec) -> str:
    """The grammar of a token at each of these spots; before each further step the span may also end."""
    rules = {
        "end": f'"{END}"',
        "place": _below(spec.placement_bins),
        "code": _below(spec.codebook_size),
    }
    rest = ""
    for number, (place, people) in reversed(list(enumerate(spots))):
        if place.kind == "who":
            name, rule = "who", " | ".join(f'"{WHO[choice]}"' for choice in people)
        elif place.kind == "begin":
            name, rule = "begin", f'"<|{PLACEMENT[0]}_" place "|>" | "<|{CODES[place.person]}0_" code "|>"'
        elif place.kind == "place":
            name, rule = PLACEMENT[place.level], f'"<|{PLACEMENT[place.level]}_" place "|>"'
        else:
            name = f"{CODES[place.person]}{place.level}"
            rule = f'"<|{name}_" code "|>"'
        rules[name] = rule
        rest = f"{name} {rest}".strip()
        if place.kind == "step":
            rules[f"step{number}"] = f"end | {rest}"
            rest = f"step{number}"
    return "\n".join(f"{name} ::= {rule}" for name, rule in {"root": rest, **rules}.items())


def _below(size: int) -> str:
    """The whole numbers from 0 to size − 1, without leading zeros."""
    top = str(size - 1)
    ways = ["[0-9]" if length == 1 else "[1-9]" + " [0-9]" * (length - 1) for length in range(1, len(top))]
    for at, digit in enumerate(top):
        least = int(at == 0 and len(top) > 1)
        if int(digit) > least:
            before = f'"{top[:at]}" ' if at else ""
            ways.append(f"{before}[{least}-{int(digit) - 1}]" + " [0-9]" * (len(top) - at - 1))
    return " | ".join([*ways, f'"{top}"'])
