"""The report: its figures are those of the stages, and its page shows them and conversations drawn at random."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_set import FRAMES, checked, draft, make_corpus, make_stages

from vimotion.corpora import Store, open_store
from vimotion.inter_mt2.conversations import ConversationStore
from vimotion.inter_mt2.lines import write_lines
from vimotion.inter_mt2.llm_author import Refused
from vimotion.inter_mt2.report import make_report, measure_retrieval
from vimotion.inter_mt2.report_page import write_report
from vimotion.inter_mt2.validator import Problem
from vimotion.inter_mt2.writer import origin_of, write_store
from vimotion.motion import FPS, Interaction

DRAFTS = {"000000": [draft(0), draft(1), draft(0, "story")], "000001": [draft(2), draft(3, "reasoning", "<i>llm</i>")]}
Set = tuple[Path, ConversationStore, Store, Store]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Set:
    folder = tmp_path_factory.mktemp("set")
    again = draft(0, "role").model_copy(update={"messages": draft(0).messages, "motions": draft(0).motions})
    made = make_stages(folder / "made", {**DRAFTS, "000002": [again]}, failed=[draft(1, "role"), draft(2, "role")])
    broken = [Problem(rule="sides", sentence="Left is <b>right</b>."), Problem(rule="retrieval", sentence="Far away.")]
    far = checked(draft(2, "role"), *broken)
    far = far.model_copy(update={"ranks": dict.fromkeys(far.ranks, 5)})
    write_lines([checked(draft(1, "role"), broken[0]), far], made / "rejected" / "000000.jsonl")
    refusal = Refused(id="clip-3.role", kind="role", author="llm", reason="no JSON", reply="Sorry.")
    write_lines([refusal], made / "refused" / "000000.jsonl")
    corpus = make_corpus(folder / "corpus")
    origin = origin_of(corpus, {"intergen": "trained on tiny", "<i>llm</i>": "its maker's terms"})
    store = write_store(made, folder / "store", origin)
    return made, store, open_store(store.folder), open_store(corpus)


def test_figures_are_those_of_the_stages(written: Set) -> None:
    made, store, *_ = written
    report = make_report(made, store)
    assert report["stages"] == {"seeds": 8, "drafts": 8, "passed": 6, "written": 5}
    assert report["authors"]["embedded"] == {"drafts": 7, "passed": 5, "written": 4}
    # two conversations of clip 0 and the repeated one hold a clip of the corpus beside their new motion
    assert report["motions"] == {
        "planned": 11,
        "rendered": {"intergen": 8, "corpus": 3},
        "failed": {},
        "edited": {"intergen": {"rendered": 8, "passed": 6}},
        "shown": {},
    }
    assert report["refused"] == {"no JSON": 1}
    assert report["rejections"] == {
        "sides": {"conversations": 2, "alone": 1, "such_as": ["Left is <b>right</b>."]},
        "duplicate": {"conversations": 1, "alone": 1, "such_as": ["It says nearly the same as clip-0.editing."]},
        "retrieval": {"conversations": 1, "alone": 0, "such_as": ["Far away."]},
    }
    assert report["asked"] == {"before": 6, "faster": 6}
    assert report["retrieval"] == {"as rendered": {"intergen": {"motions": 8, "recall": [7 / 8] * 3}}}


def test_what_the_conversations_are_like(written: Set) -> None:
    made, store, *_ = written
    found = make_report(made, store)["conversations"]
    assert found["kinds"] == {"editing": 3, "reasoning": 1, "story": 1} and found["user_turns"] == {"2": 5}
    assert found["splits"] == {"train": 3, "val": 1, "test": 1} and found["motions_each"] == {"2": 3, "3": 2}
    shown = found["lengths"]["seconds of a motion, as shown"]
    assert shown["longest"] == FRAMES / FPS and shown["p5"] == 1.0
    texts = [text for one in store for role, text in one.texts() if role == "user"]
    words = [len(re.sub(r"\[[^\]]*\]", " ", text).split()) for text in texts]
    assert found["lengths"]["words of a message, user"]["mean"] == pytest.approx(np.mean(words))


class Knowing:
    """An extractor that knows the motions of the corpus and none of the others."""

    def embed_texts(self, texts):
        self.texts = list(texts)
        return np.eye(len(texts) + 1)[: len(texts)]

    def embed_interactions(self, motions):
        rows = np.full((len(motions), len(self.texts) + 1), 0.0)
        for row, motion in zip(rows, motions, strict=True):
            row[self.known.get(motion.root_positions.tobytes(), -1)] = 1.0
        return rows


def test_retrieval_in_the_set_is_by_maker(written: Set) -> None:
    _, store, motions, corpus = written
    extractor = Knowing()
    captions = {one.motions[0].id: one.motions[0].caption for one in store} | {"clip-0-edit": "The edited one."}
    extractor.known = {
        corpus.by_id(clip).interaction().root_positions.tobytes(): place
        for place, (clip, _) in enumerate(sorted(captions.items(), key=lambda item: item[1]))
    }
    found = measure_retrieval(store, motions, corpus, extractor, pool=3)["in the set"]
    assert found == {"corpus": {"motions": 5, "recall": [1.0] * 3}, "intergen": {"motions": 5, "recall": [0.0, 0.0, 1.0]}}
    assert measure_retrieval(store, motions, corpus, extractor) == {"in the set": {}}


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words += data


def picture(motion: Interaction, path: Path) -> None:
    Image.new("RGB", (motion.num_frames, motion.num_people)).save(path, "PNG")


def test_page_shows_figures_and_samples(written: Set, tmp_path: Path) -> None:
    made, store, motions, corpus = written
    report = make_report(made, store)
    page = write_report(report, tmp_path, store, motions, corpus, picture)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    text = page.read_text()
    found = Tags(text)
    samples = [json.loads(line) for line in (page.parent / "samples.jsonl").read_text().splitlines()]
    told = [[(message["role"], message["text"]) for message in sample["messages"]] for sample in samples]
    assert told == [one.texts() for one in store] and {sample["kind"] for sample in samples} == {
        "editing",
        "reasoning",
        "story",
    }
    assert sum(tag == "article" for tag, _ in found.tags) == len(store) and "5 conversations, drawn at random" in found.words
    for words in (
        "Left is <b>right</b>.",
        "62.5%",
        "clip-3.reasoning",
        "Now they wave. ",
        "Two people hug. | until frame 30",
        "R@3",
    ):
        assert words in found.words, words
    assert not any(tag in ("script", "i") and attributes for tag, attributes in found.tags) and "<b>right" not in text
    assert "by <i>llm</i>, about clip-3" in found.words
    images = [attributes["src"] for tag, attributes in found.tags if tag == "img"]
    assert {path.name for path in page.parent.iterdir()} == {"index.html", "samples.jsonl", *images}
    assert len(set(images)) == len(images) == 17
    sizes = set()
    for name in images:
        with Image.open(page.parent / name) as image:
            sizes.add(image.size)
    # the first person alone, all of a motion, and the first second of one
    assert sizes == {(FRAMES, 1), (FRAMES, 2), (30, 2)}


def test_page_asks_no_other_machine(written: Set, tmp_path: Path) -> None:
    made, store, motions, corpus = written
    text = write_report(make_report(made, store), tmp_path, store, motions, corpus).read_text()
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", text)
    found = Tags(text)
    policy = next(attributes["content"] for tag, attributes in found.tags if "http-equiv" in attributes)
    assert policy and policy.startswith("default-src 'none'") and "script-src" not in policy and "unsafe" not in policy
    assert not any(tag == "img" or "style" in attributes for tag, attributes in found.tags)
