"""Live batching: answers that are written together, each from the moment it is asked for until it is whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vimotion.chat.legal import Draft, Spot

if TYPE_CHECKING:
    from vimotion.chat.decode import Decoder, Request

# Rows × width up to which a step takes one thread: its matrices are read before a second thread has woken, and on a busy
# machine one that has to be waited for costs 30 times the step (measured with two threads on two busy cores).
_ONE_THREAD = 2048


@dataclass(eq=False)
class Writing:
    """A request in a batch: what it asked for, and its answer so far."""

    request: Request
    draft: Draft
    length: int  # tokens that its slot must have room for
    guidance: float
    generator: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.request.seed)

    @property
    def cached(self) -> int:
        """Tokens in the cache: all but the newest, which the next step adds."""
        return len(self.request.prompt) + len(self.draft.tokens) - 1

    @property
    def guided(self) -> bool:
        """Whether its next token is one of a motion that is guided."""
        return self.guidance != 1 and self.draft.place.kind != "text"

    @property
    def begins_motion(self) -> bool:
        """Whether the newest token begins a motion."""
        return self.draft.place.kind == "who"

    @property
    def cached_unsaid(self) -> int:
        """Tokens that what is unsaid has in its cache: a prompt, and of the answer its motion."""
        return len(self.request.unsaid) + self.draft.span_tokens - 1


# Slot → the state (1, width) after its last token.
_States = dict[int, Tensor]


class Batch:
    """Answers that share the steps of one network. What an answer says does not depend on the others.

    Requests may come and go between steps. `slots` of them are answered at a time; the others wait in the order in which they
    came. The network's cache has as many slots and is as long as was needed, and is given back when nothing is left to do.
    For one thread at a time.
    """

    def __init__(self, decoder: Decoder, slots: int) -> None:
        self.slots = slots
        self._decoder, self._network, self._legal = decoder, decoder.network, decoder.legal
        self._few = _ONE_THREAD // decoder.width
        # of what was said, and of guided answers also of the same without words
        self._cache: Any = None
        self._unsaid: Any = None
        self._size = (0, 0)
        self._running: list[Writing | None] = []
        self._waiting: deque[Writing] = deque()

    def add(self, request: Request) -> Writing:
        """Ask for an answer; the next steps write it.

        Raises:
            UserError: it could grow longer than the network reads.
        """
        own = request.motion.guidance
        guidance = self._decoder.guidance if own is None else own
        writing = Writing(request, self._legal.begin(request.rules), self._decoder.length(request), guidance)
        self._waiting.append(writing)
        return writing

    def cancel(self, writing: Writing) -> None:
        """Leave an answer as it is; its slot is free for another. One that is whole or was cancelled stays so."""
        if writing in self._waiting:
            self._waiting.remove(writing)
        if writing in self._running:
            self._running[self._running.index(writing)] = None
        self._rest()

    def waits(self, writing: Writing) -> bool:
        """Whether an answer has no slot yet."""
        return writing in self._waiting

    @property
    def busy(self) -> bool:
        """Whether there is an answer to write."""
        return bool(self._waiting) or any(self._running)

    @torch.inference_mode()
    def step(self) -> list[tuple[Writing, int]]:
        """Write one token of every answer that has a slot; `draft.done` says that an answer is whole."""
        active = {slot: writing for slot, writing in enumerate(self._running) if writing}
        states = self._start()
        with _threads(1 if len(active) <= self._few else None):
            states |= self._advance(active)
            tokens = self._choose(states, self._advance_unsaid(active))
        for writing, token in tokens.values():
            writing.draft.push(token)
        self._running = [writing if writing and not writing.draft.done else None for writing in self._running]
        self._rest()
        return list(tokens.values())

    def _rest(self) -> None:
        """Give the cache back when nobody needs it."""
        if not self.busy:
            self._cache, self._unsaid, self._size, self._running = None, None, (0, 0), []

    def _start(self) -> _States:
        """Give free slots to those who wait longest, and read their prompts."""
        self._make_room()
        states: _States = {}
        for slot, writing in enumerate(self._running):
            if writing is None and self._waiting:
                fresh = self._running[slot] = self._waiting.popleft()
                states[slot] = self._network.prefill(self._cache, slot, torch.tensor(fresh.request.prompt))
        return states

    def _make_room(self) -> None:
        """A cache that takes everybody who is here, up to the number of slots."""
        here = [writing for writing in (*self._running, *self._waiting) if writing]
        slots, length = self._size
        wanted = min(len(here), self.slots)
        if wanted > slots and slots:
            wanted = min(self.slots, max(wanted, 2 * slots))  # seldom, because all that is cached has to be copied
        size = max(slots, wanted), max([length, *(writing.length for writing in here)])
        if size != self._size:
            self._cache = self._network.new_cache(*size, self._cache)
            self._running += [None] * (size[0] - slots)
        guided = self._unsaid is not None or any(writing.guidance != 1 for writing in here)
        if guided and (size != self._size or self._unsaid is None):
            self._unsaid = self._network.new_cache(*size, self._unsaid)
        self._size = size

    def _advance(self, active: dict[int, Writing]) -> _States:
        """One step of what runs."""
        return self._step(self._cache, active, [writing.cached for writing in active.values()])

    def _advance_unsaid(self, active: dict[int, Writing]) -> _States:
        """The same of what is guided, without the words."""
        guided = {slot: writing for slot, writing in active.items() if writing.guided}
        for slot, writing in guided.items():
            if writing.begins_motion:
                self._network.prefill(self._unsaid, slot, torch.tensor(writing.request.unsaid))
        return self._step(self._unsaid, guided, [writing.cached_unsaid for writing in guided.values()])

    def _step(self, cache: Any, active: dict[int, Writing], lengths: list[int]) -> _States:
        if not active:
            return {}
        newest = torch.tensor([writing.draft.tokens[-1] for writing in active.values()])
        states = self._network.step(cache, torch.tensor(list(active)), torch.tensor(lengths), newest).split(1)
        return dict(zip(active, states, strict=True))

    def _choose(self, states: _States, unsaid: _States) -> dict[int, tuple[Writing, int]]:
        """Slot → its answer and next token. Only the head's legal rows are computed: a level has few of the vocabulary."""
        together: dict[Spot, list[int]] = {}
        running = {slot: writing for slot, writing in enumerate(self._running) if writing}
        for slot in states:
            together.setdefault(running[slot].draft.at, []).append(slot)
        chosen: dict[int, tuple[Writing, int]] = {}
        for at, slots in together.items():
            ids = self._legal.ids(*at)
            if len(ids) == 1:
                chosen |= {slot: (running[slot], int(ids)) for slot in slots}
                continue
            head = self._decoder.head(at)
            for slot, row in zip(slots, head(torch.cat([states[slot] for slot in slots])), strict=True):
                writing = running[slot]
                if slot in unsaid:
                    without = head(unsaid[slot])[0]
                    row = without + writing.guidance * (row - without)
                sampling = writing.request.words if at[0].kind == "text" else writing.request.motion
                chosen[slot] = writing, int(ids[sampling.pick(row, writing.generator)])
        return chosen


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """So many threads for torch inside, None for as many as it has."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
