"""Conversations as parquet, beside the clips of a prepared store.

    conversations-000000.parquet  one row a conversation, see `SCHEMA`

A motion in a message is a reference to one of `motions`; its frame vectors lie in a parquet file of this store (`file`), or in
the corpus that the seeds were taken from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vimotion.artifacts import atomic_path
from vimotion.corpora.store import SPLITS
from vimotion.errors import UserError
from vimotion.tasks import Conversation, Message, MotionPart, Part, TextPart

_PART = pa.struct(
    [
        ("type", pa.string()),
        ("text", pa.string()),
        ("motion", pa.string()),
        ("people", pa.string()),
        ("start_frame", pa.int32()),
        ("stop_frame", pa.int32()),
    ]
)
_MOTION = pa.struct(
    [
        ("id", pa.string()),
        ("corpus", pa.string()),
        ("file", pa.string()),
        ("caption", pa.string()),
        ("made_by", pa.string()),
        ("num_frames", pa.int32()),
    ]
)
_PROVENANCE = pa.struct([("clip", pa.string()), ("corpus", pa.string()), ("corpus_sha256", pa.string()), ("code", pa.string())])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("source", pa.string()),
        ("kind", pa.string()),
        ("author", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("parts", pa.list_(_PART))]))),
        ("motions", pa.list_(_MOTION)),
        ("provenance", _PROVENANCE),
    ]
)
# What one random access reads: about 100 kB.
_ROW_GROUP = 64


@dataclass(frozen=True)
class Motion:
    """A motion that a conversation refers to.

    Attributes:
        id: of the clip.
        corpus: whose clip it is; "" of a new motion, which lies in this store.
        file: the parquet file of this store that holds it; "" of a clip of the corpus.
        caption: of the source one of its captions, else what it was made from.
        made_by: "corpus", "choreography", or the name of a generator.
        num_frames: at 30 fps.
    """

    id: str
    corpus: str
    file: str
    caption: str
    made_by: str
    num_frames: int


@dataclass(frozen=True)
class Provenance:
    """Where a conversation comes from: the clip it is about, whose corpus, which version of it, and the commit of the code."""

    clip: str
    corpus: str
    corpus_sha256: str
    code: str


@dataclass(frozen=True)
class Dialogue:
    """One row: a conversation and what is known of it.

    Attributes:
        id: unique in the store.
        split, source: those of the clip that it is about; dialogues of one source are never in two splits.
        kind: "editing", "reasoning", "story" or "role"; also the conversation's task.
        author: who wrote it.
        motions: everything that motion parts refer to, each once.
    """

    id: str
    split: str
    source: str
    kind: str
    author: str
    conversation: Conversation
    motions: tuple[Motion, ...]
    provenance: Provenance

    def texts(self) -> list[tuple[str, str]]:
        """Role and words of each message, a motion as its caption in brackets."""
        captions = {motion.id: motion.caption for motion in self.motions}

        def told(part: Part) -> str:
            return part.text if isinstance(part, TextPart) else f"[{captions[part.motion]}{shown_words(part)}]"

        return [(message.role, "".join(map(told, message.parts))) for message in self.conversation.messages]


class ConversationStore:
    """Conversations, opened for reading; they are read from disk when asked for, a row group at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = [pq.ParquetFile(path, memory_map=True) for path in conversation_files(folder)]
        self._places: list[tuple[int, int, int]] = []
        self._splits: list[str] = []
        for number, file in enumerate(self._files):
            for group in range(file.num_row_groups):
                splits = file.read_row_group(group, columns=["split"])["split"].to_pylist()
                self._places += [(number, group, row) for row in range(len(splits))]
                self._splits += splits
        self._group = lru_cache(maxsize=32)(self._read_group)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Dialogue:
        file, group, row = self._places[index]
        return self._group(file, group)[row]

    def __iter__(self) -> Iterator[Dialogue]:
        return (self[index] for index in range(len(self)))

    def split(self, name: str) -> list[int]:
        """Indices of the conversations of a split, in order."""
        if name not in SPLITS:
            raise UserError(f"There is no split {name!r}; choose {', '.join(SPLITS)}.")
        return [index for index, split in enumerate(self._splits) if split == name]

    def _read_group(self, file: int, group: int) -> list[Dialogue]:
        return [_dialogue(row) for row in self._files[file].read_row_group(group).to_pylist()]


def open_conversations(folder: Path | str) -> ConversationStore:
    """Open the conversations of a store.

    Raises:
        UserError: there are none in this folder, or they are damaged or of another form.
    """
    folder = Path(folder).expanduser()
    if not conversation_files(folder):
        raise UserError(f"{folder} holds no conversations; make some with `vimotion synthesize`.")
    try:
        for path in conversation_files(folder):
            if not pq.read_schema(path).equals(SCHEMA):
                raise UserError(f"{path} holds other columns than this VIMotion reads; write the store again.")
        return ConversationStore(folder)
    except pa.ArrowException as error:
        raise UserError(f"{folder} is damaged ({error}); write the store again.") from None


def conversation_files(folder: Path) -> list[Path]:
    """The parquet files of the conversations, in order."""
    return sorted(folder.glob("conversations-*.parquet"))


def write_conversations(dialogues: Iterable[Dialogue], path: Path) -> None:
    """One parquet file, whole or not at all; only a row group is in memory."""
    remaining = iter(dialogues)
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
        while rows := [_row(dialogue) for dialogue in islice(remaining, _ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def _row(dialogue: Dialogue) -> dict[str, Any]:
    return {
        "id": dialogue.id,
        "split": dialogue.split,
        "source": dialogue.source,
        "kind": dialogue.kind,
        "author": dialogue.author,
        "messages": [
            {"role": message.role, "parts": [_part_row(part) for part in message.parts]}
            for message in dialogue.conversation.messages
        ],
        "motions": [asdict(motion) for motion in dialogue.motions],
        "provenance": asdict(dialogue.provenance),
    }


def _part_row(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text, "motion": "", "people": "", "start_frame": 0, "stop_frame": None}
    return {
        "type": "motion",
        "text": "",
        "motion": part.motion,
        "people": part.people,
        "start_frame": part.start,
        "stop_frame": part.stop,
    }


def _dialogue(row: dict[str, Any]) -> Dialogue:
    messages = tuple(Message(message["role"], tuple(map(_part, message["parts"]))) for message in row["messages"])
    return Dialogue(
        id=row["id"],
        split=row["split"],
        source=row["source"],
        kind=row["kind"],
        author=row["author"],
        conversation=Conversation(messages, row["kind"]),
        motions=tuple(Motion(**motion) for motion in row["motions"]),
        provenance=Provenance(**row["provenance"]),
    )


def _part(row: dict[str, Any]) -> Part:
    if row["type"] == "text":
        return TextPart(row["text"])
    return MotionPart(row["motion"], row["people"], row["start_frame"], row["stop_frame"])


def shown_words(part: MotionPart) -> str:
    """What of a motion is shown, in words; "" of all of it."""
    shown: list[str] = [part.people] if part.people != "ab" else []
    shown += [f"from frame {part.start}"] if part.start else []
    shown += [f"until frame {part.stop}"] if part.stop is not None else []
    return f" | {', '.join(shown)}" if shown else ""
