"""What a token of an answer is told apart from: those that may come in its place (`chat.legal`), not the whole vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import linear, pad

from vimotion.language.layout import Layout
from vimotion.language.vocabulary import CODES
from vimotion.tokenizer.spec import PLACEMENT

# The head reads multiples of so many places.
_PLACES = 64


def filled(places: Tensor) -> Tensor:
    """Places (n,) and a few more, so that the head meets few shapes: a CPU compiles a product of each."""
    return pad(places, (0, -len(places) % _PLACES))


class Alternatives:
    """The head's rows in families: a token is told apart from the tokens of its family alone.

    Words stand beside a motion's start; a motion's end and the first number of a placement beside the first codes of a step;
    who is in a motion, each later number of a placement, and the codes of each later level of each person for themselves.
    Decoding never takes another, so nothing is lost, and a step is a tenth shorter on a CPU (LOG.md).
    """

    def __init__(self, layout: Layout) -> None:
        spec = layout.spec
        words = range(layout.first_id)
        frame = range(layout.first_id, layout.place_ids(0).start)
        places = [layout.place_ids(number) for number in range(len(PLACEMENT))]
        codes = [[layout.level_ids(level, person) for level in range(spec.levels)] for person in CODES]
        # as they follow one another in the vocabulary
        self._pieces = [words, frame, *places, *(ids for person in codes for ids in person)]
        later = [*places[1:], *(ids for person in codes for ids in person[1:])]
        families = [
            ([layout.start, *words], [words, frame]),
            (list(layout.who.values()), [frame]),
            ([layout.end, *places[0], *codes[0][0], *codes[1][0]], [frame, places[0], codes[0][0], codes[1][0]]),
            *((list(ids), [ids]) for ids in later),
        ]
        self._members = [[self._pieces.index(piece) for piece in pieces] for _, pieces in families]
        self._family = torch.empty(self._pieces[-1].stop, dtype=torch.long)
        self._place = torch.empty_like(self._family)
        for number, (own, pieces) in enumerate(families):
            order = torch.cat([torch.arange(piece.start, piece.stop) for piece in pieces])
            self._family[own] = number
            self._place[own] = torch.searchsorted(order, torch.tensor(own))

    def logits(self, weights: Tensor, states: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Of each family that is there: logits (n + some, members), the labels' places in them (n,), and the labels (n,).

        Args:
            weights: the head's, (vocabulary, width).
            states: (N, width), each before one of `labels` (N,).
        """
        pieces = weights.to(states.dtype).split([len(piece) for piece in self._pieces])
        families = self._family.to(labels.device)[labels]
        for number, members in enumerate(self._members):
            found = (families == number).nonzero()[:, 0]
            if len(found):
                rows = torch.cat([pieces[member] for member in members]) if len(members) > 1 else pieces[members[0]]
                own = labels[found]
                yield linear(states[filled(found)], rows), self._place.to(labels.device)[own], own
