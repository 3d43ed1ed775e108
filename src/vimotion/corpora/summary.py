"""What info.json says of a scripted corpus: which interactions, manners and edits it holds, and what it holds out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from vimotion.choreography import KINDS
from vimotion.choreography.captions import HELD_OUT_EVERY, held_out_combinations
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.wording import templates
from vimotion.corpora.store import read_rows

LICENCE = "Apache-2.0; no third-party motion"
_HELD_OUT_RULE = (
    "A combination of kind, actor's manner and side is held out where the CRC-32 of 'kind, manner, side' is divisible by "
    f"{HELD_OUT_EVERY} and the manner is not neutral; every scene that has one, or whose edited version has one, is in the test"
    " split."
)
_WORDINGS_RULE = "Templates of phrases and sentences that only the column held_out_captions uses."


def summary(folder: Path) -> dict[str, Any]:
    """Counts over the clips in `folder`: a clip counts once for every kind and every manner in it."""
    kinds, manners, edits = Counter(dict.fromkeys(KINDS, 0)), Counter(dict.fromkeys(MANNERS, 0)), Counter[str]()
    for row in read_rows(folder, ["facts", "edit"]):
        parameters = json.loads(row["facts"])["parameters"]
        kinds.update({act["kind"] for act in parameters["acts"]})
        manners.update(set(parameters["manners"]))
        edits.update([row["edit"].split()[0]] if row["edit"] else [])
    return {
        "licence": LICENCE,
        "kinds": dict(kinds),
        "manners": dict(manners),
        "edits": dict(edits),
        "held_out": {
            "rule": _HELD_OUT_RULE,
            "combinations": [", ".join(combination) for combination in held_out_combinations(KINDS)],
            "wordings": {"rule": _WORDINGS_RULE, "share": held_out_wordings()},
        },
    }


def held_out_wordings() -> float:
    """The share of the templates of phrases and sentences that no training example uses, three decimals."""
    rules = templates().rules
    apart, training = (sum(len(rules[prefix + depth]) for depth in ("phrase", "sentence")) for prefix in ("held-out-", ""))
    return round(apart / (apart + training), 3)
