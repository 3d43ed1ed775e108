"""All stages together, on a small scripted corpus."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fake_server import Act, refuses, says, serving
from small_set import FRAMES, draft, seed

from vimotion.cli import main
from vimotion.config import load_config
from vimotion.corpora.scripted import scene_records
from vimotion.corpora.store import finish_store, write_clips
from vimotion.errors import UserError
from vimotion.inter_mt2 import pipeline
from vimotion.inter_mt2.lines import read_stage
from vimotion.inter_mt2.motions import GeneratorRecipe, Renderer
from vimotion.inter_mt2.pipeline import Synthesis, SynthesizeRecipe
from vimotion.inter_mt2.rendered import Rendered
from vimotion.inter_mt2.schema import Seed
from vimotion.inter_mt2.seeds import make_seeds
from vimotion.inter_mt2.store_check import check_store
from vimotion.motion import Interaction, Skeleton

RECIPES = Path(__file__).parents[2] / "recipes" / "inter_mt2"
SMALL = ["corpus=corpora/tiny", "count=12", "block=3", "validator.pool=2", "corpus_licence=CC0"]


class Blind:
    """An extractor for which every motion and every caption lies somewhere else."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[len(text), 0.0] for text in texts])

    def embed_interactions(self, motions: Sequence[Interaction | None]) -> np.ndarray:
        return np.array([[0.0, motion.num_frames] for motion in motions if motion])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("home")
    corpus = home / "corpora" / "tiny"
    corpus.mkdir(parents=True)
    write_clips([record for number in range(8) for record in scene_records(number, 0)], corpus / "clips-00000.parquet")
    finish_store(corpus, {"corpus": "scripted"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIMOTION_HOME", str(home))
        yield home


def recipe(name: str, *settings: str) -> SynthesizeRecipe:
    return load_config(SynthesizeRecipe, RECIPES / "tiny.yaml", [*SMALL, f"name={name}", *settings])


def synthesis(name: str, *settings: str, shard: tuple[int, int] = (1, 1)) -> Synthesis:
    return Synthesis(recipe(name, *settings), lambda extractor: Blind(), shard)


def content(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(home: Path) -> dict[str, bytes]:
    store = synthesis("undisturbed").run()
    assert store is not None and len(store) == 12
    return content(store.folder)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_loads(path: Path) -> None:
    assert load_config(SynthesizeRecipe, path).count > 0


def test_the_store_holds_what_it_says(undisturbed: dict[str, bytes], home: Path) -> None:
    assert not check_store(home / "corpora" / "undisturbed", home / "corpora" / "tiny")
    figures = json.loads(undisturbed["report.json"])
    assert figures["stages"] == {"seeds": 12, "drafts": 12, "passed": 12, "written": 12}
    assert set(figures["conversations"]["kinds"]) == {"editing", "reasoning", "story", "role"}


def test_a_run_that_was_killed_again_and_again_ends_the_same(
    undisturbed: dict[str, bytes], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before every file that is written, or before every second one."""
    kept, left = pipeline.write_lines, 0

    def killed(items, path: Path) -> None:  # type: ignore[no-untyped-def]
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        kept(items, path)

    monkeypatch.setattr(pipeline, "write_lines", killed)
    for kills in range(100):
        left = 1 + kills % 2
        try:
            store = synthesis("killed").run()
        except KeyboardInterrupt:
            continue
        assert store is not None and content(store.folder) == undisturbed
        assert kills > 8
        return
    raise AssertionError("it never ended")


def test_shards_make_the_same_together(undisturbed: dict[str, bytes], home: Path) -> None:
    first, second = (synthesis("sharded", shard=(part, 2)) for part in (1, 2))
    assert second.run() is None and second.missing() == 6
    store = first.run()
    assert store is not None and content(store.folder) == undisturbed


def test_another_recipe_needs_another_name(undisturbed: dict[str, bytes], home: Path) -> None:
    with pytest.raises(UserError, match="another name"):
        synthesis("undisturbed", "count=10")


def test_seeds_are_of_all_kinds_and_never_twice(home: Path) -> None:
    seeds = make_seeds(home / "corpora" / "tiny", 14, {"editing": 1, "story": 1}, seed=3)
    assert len({seed.id for seed in seeds}) == 14 and sorted(seed.kind for seed in seeds) == ["editing"] * 7 + ["story"] * 7
    assert seeds == make_seeds(home / "corpora" / "tiny", 14, {"editing": 1, "story": 1}, seed=3)
    with pytest.raises(UserError, match="too few"):
        make_seeds(home / "corpora" / "tiny", 18, {"editing": 1})
    with pytest.raises(UserError, match="Shares"):
        make_seeds(home / "corpora" / "tiny", 2, {"editing": -1})


class Standing:
    """A generator whose people stand still."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __call__(self, captions: Sequence[str], num_frames: Sequence[int], seeds: Sequence[int]) -> list[Interaction]:
        self.asked += zip(captions, seeds, strict=True)
        return [self.motion(frames) for frames in num_frames]

    def motion(self, frames: int) -> Interaction:
        places = np.tile([[[0.0, 0.95, 0.0], [0.3, 0.95, 1.0]]], (frames, 1, 1))
        turns = np.tile(np.eye(3), (frames, 2, 22, 1, 1))
        return Interaction(places, turns, (Skeleton.standard(),) * 2)


def standing_in(patch: pytest.MonkeyPatch) -> None:
    """Whatever generator a recipe names, it is there and makes people stand still."""
    patch.setattr(GeneratorRecipe, "folder", lambda recipe: Path(recipe.model))
    patch.setattr(GeneratorRecipe, "load", lambda recipe: Standing())


def reply_of(lines: Sequence[str]) -> str:
    roles = ["user", "assistant"] * len(lines)
    return json.dumps(
        {"messages": [{"role": role, "text": text} for role, text in zip(roles, lines, strict=False)], "motions": []}
    )


def test_a_language_model_writes_and_a_generator_renders(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a server that is busy now and then; what the generator made and nobody can find in it is left out."""
    standing_in(monkeypatch)

    def play(number: int, request: dict[str, object]) -> Act:
        if number % 3 == 1:
            return refuses(503)
        told = re.findall(r"- ([^.]*)", str(request["messages"][1]["content"]))  # type: ignore[index]
        lines = [
            f"Here is a scene: [source]. What if it was number {number}?",
            f"It becomes [{told[0]} again, {number}].",
            f"And now more slowly, {number} times?",
            f"Like this: [{told[0]} slowly, {number}].",
        ]
        return says(reply_of(lines))

    settings = [
        "author={model: nobody, pause: 0.0, in_flight: 4, prices: {input: 1.0, output: 1.0}}", "generator={model: standing}",
        "shares={editing: 1}", "count=9", "terms={nobody: free, standing: free}", "validator.trusted=[standing, corpus]",
    ]  # fmt: skip
    with serving(play) as server:
        settings.append(f"author.base_url={server.url}")
        assert synthesis("served", *settings).estimate().requests == 9
        assert not (home / "inter_mt2" / "served").exists()  # to ask what it costs begins nothing
        with pytest.raises(UserError, match="budget of 5 requests"):
            synthesis("served", *settings).run(max_requests=5)
        store = synthesis("served", *settings).run()
        asked = len(server.requests)
        assert store is not None and len(store) == 9 and synthesis("served", *settings).estimate().requests == 0
    assert asked == 9 + sum(number % 3 == 1 for number in range(asked))
    assert {motion.made_by for one in store for motion in one.motions} == {"corpus", "standing"}
    # the same drafts, but now the motions are looked at: first whatever place a caption takes is good enough
    looked = synthesis("looked", *settings, "validator.trusted=[corpus]", "validator.pool=8", "validator.retrieved=8").run()
    assert looked is not None and len(looked) == 9
    found = json.loads((looked.folder / "report.json").read_text())["retrieval"]["as rendered"]["standing"]
    assert found["motions"] == 18
    # and then the generator has to be believed
    filtered = [*settings, "validator.trusted=[corpus]", "validator.pool=8", "validator.retrieved=1"]
    making = synthesis("filtered", *filtered)
    with pytest.raises(UserError, match="No conversation of the training split"):
        making.run()


def test_without_a_scene_and_a_generator_nobody_makes_a_motion() -> None:
    """A clip of the corpus is still found."""
    rendered, records = Renderer().render([draft(0)], [seed(0)], {"clip-0-edit": FRAMES})
    assert ["nobody can make it" in motion.failure for motion in rendered] == [True, False] and not records
    assert rendered[1].made_by == "corpus" and rendered[1].num_frames == FRAMES


def test_draws_need_somebody_who_looks(home: Path) -> None:
    with pytest.raises(ValueError, match="judge"):
        synthesis("unlooked", "generator={model: standing, draws: 2}", "terms={standing: free}")
    assert not (home / "inter_mt2" / "unlooked").exists()


@pytest.mark.parametrize("good", [1, 9])
def test_half_of_the_edits_are_drawn_until_they_show_their_scene(
    home: Path, monkeypatch: pytest.MonkeyPatch, good: int
) -> None:
    """Three times at most. The judge sees nothing in the motions of a kind but from the `good`-th that it looks at."""
    standing_in(monkeypatch)
    generator, looked = Standing(), Counter[str]()
    monkeypatch.setattr(GeneratorRecipe, "load", lambda recipe: generator)

    def judge(motion: Interaction, kinds: Sequence[str]) -> bool:
        assert kinds
        looked.update(kinds[:1])
        return looked[kinds[0]] >= good

    settings = ["generator={model: standing, draws: 3}", "shares={editing: 1}", "terms={standing: free}", "count=8"]
    trusted = "validator.trusted=[standing, corpus, choreography]"
    name = f"drawn-{good}"
    making = Synthesis(recipe(name, *settings, trusted), lambda extractor: Blind(), judge=judge)
    store = making.run()
    rendered = list(read_stage(making.folder / "motions", Rendered))
    by_generator = [motion for motion in rendered if motion.made_by == "standing"]
    draws = Counter(caption for caption, _ in generator.asked)
    assert len(set(generator.asked)) == len(generator.asked)  # each time from other noise
    assert by_generator and all(motion.shown is not None for motion in by_generator)
    assert all(motion.shown is None for motion in rendered if motion.made_by != "standing")
    assert sum(looked.values()) == len(generator.asked) and max(draws.values()) <= 3
    assert store is not None
    figures = json.loads((store.folder / "report.json").read_text())
    made = figures["motions"]
    assert made["edited"]["standing"]["rendered"] == len(by_generator)
    assert made["shown"]["standing"] == pytest.approx(np.mean([motion.shown for motion in by_generator]))
    if good == 1:
        assert set(draws.values()) == {1} and made["shown"]["standing"] == 1 and len(store) == 8
    else:
        assert 3 in draws.values() and made["shown"]["standing"] < 1
        assert "acts" in figures["rejections"] and len(store) < 8
        assert made["edited"]["standing"]["passed"] < made["edited"]["standing"]["rendered"]


def asks_for_nothing(name: str, *settings: str) -> UserError:
    """What a run says that sends no request."""
    with serving(lambda *_: says("sorry")) as server:
        author = f"author={{model: nobody, base_url: '{server.url}', cache: cache/{name}}}"
        with pytest.raises(UserError) as caught:
            synthesis(name, author, "count=2", "shares={editing: 1}", *settings).run()
        assert not server.requests
    return caught.value


def test_a_generator_that_is_not_there_is_told_before_anything_is_asked(home: Path, tmp_path: Path) -> None:
    settings = ["generator={model: nowhere}", "terms={nobody: free, nowhere: free}"]
    assert "There is no motion generator 'nowhere'" in str(asks_for_nothing("no-generator", *settings))
    making = synthesis("no-generator-batch", "author={model: batch}", *settings, "terms={batch: free, nowhere: free}")
    with pytest.raises(UserError, match="no motion generator"):
        making.write_batches(tmp_path / "round")
    assert making.estimate().requests == 12  # what costs nothing needs none


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["terms={nobody: free}", "corpus_licence=''"], "on what terms"),
        ([], "the output of 'nobody'"),
        (["terms={nobody: free}", "generator={model: intergen}"], "the output of 'intergen'"),
        (["terms={nobody: free}", "name=tiny"], "holds something else"),  # the corpus itself
    ],
)
def test_what_the_recipe_lacks_is_told_before_anything_is_asked(home: Path, settings: list[str], said: str) -> None:
    """And the folder is not begun, so the recipe can be put right under its name."""
    assert said in str(asks_for_nothing("lacking", *settings))
    assert not (home / "inter_mt2" / "lacking").exists() and not (home / "inter_mt2" / "tiny").exists()


def test_batch_files_come_back(home: Path, tmp_path: Path) -> None:
    settings = ["author={model: batch}", "shares={reasoning: 1}", "count=4", "terms={batch: free}"]
    making = synthesis("batch", *settings)
    files = making.write_batches(tmp_path / "round")
    asked = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert len(asked) == 4
    with pytest.raises(UserError, match="beside them"):
        making.read_batches(tmp_path / "round")
    answers = []
    for number, line in enumerate(asked):
        lines = [
            f"Look at [source], number {number}. Why do they do that?", "They are friends.",
            "What did they do before?", f"They met: [One person walks up to the other, who waits for the {number}th time.]",
        ]  # fmt: skip
        body = json.loads(says(reply_of(lines)).body)
        answers.append({"custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}})
    (tmp_path / "round" / "output.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    assert making.read_batches(tmp_path / "round") == ()
    assert making.estimate().requests == 0


def test_the_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["synthesize", "--recipe", str(RECIPES / "tiny.yaml"), "--json"]
    for setting in [*SMALL, "name=commanded"]:
        arguments += ["--set", setting]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--shard", "2/2"])
    said = json.loads(capsys.readouterr().out)
    assert not ended.value.code and said["missing"] == 6
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--dry-run"])
    assert ended.value.code == 2 and "costs nothing" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--shard", "1/2"])
    said = json.loads(capsys.readouterr().out)
    assert not ended.value.code and said == {"folder": str(home / "corpora" / "commanded"), "missing": 0}
    assert (home / "corpora" / "commanded" / "report" / "index.html").is_file()


def test_motions_are_searched_by_the_extractor_of_the_recipe(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is not there is told before anything is made."""
    asked: list[Path | None] = []
    making = Synthesis(recipe("searched", "extractor=mine"), lambda extractor: asked.append(extractor) or Blind())
    assert making.run() is not None and asked == [Path("mine")]
    settings = [*SMALL, "name=unsearched", "extractor=nowhere"]
    with pytest.raises(SystemExit) as ended:
        main(["synthesize", "--recipe", str(RECIPES / "tiny.yaml"), *(word for one in settings for word in ("--set", one))])
    assert ended.value.code == 2 and "no extractor 'nowhere'" in capsys.readouterr().err
    assert not (home / "inter_mt2" / "unsearched" / "drafts").exists()


def test_the_seed_of_a_clip_names_its_edits(home: Path) -> None:
    seeds: list[Seed] = make_seeds(home / "corpora" / "tiny", 16)
    told = {edit for seed in seeds for edit in seed.edits.values()}
    assert told and all(clip.endswith("-edit") for clip in told)


def test_a_set_goes_on_with_what_it_was_begun_with_alone(home: Path) -> None:
    """Else one set would hold motions of two generators, and say that all are the newer one's."""
    begun = synthesis("begun")
    begun.run()
    path = begun.folder / "origin.json"
    origin = json.loads(path.read_text())
    assert origin["recipe"]["count"] == 12 and origin["corpus_sha256"]
    for what in ("corpus_sha256", "generator_sha256"):
        path.write_text(json.dumps(origin | {what: "other"}))
        with pytest.raises(UserError, match=f"begun with another {what.partition('_')[0]}"):
            synthesis("begun")
    path.write_text(json.dumps(origin | {"code": "an older commit"}))
    synthesis("begun")
    path.unlink()
    with pytest.raises(UserError, match=r"origin\.json is missing"):
        synthesis("begun")


def test_motions_are_looked_for_among_captions_of_the_whole_set(home: Path) -> None:
    """So that a last block of one seed has enough of them, and a motion the same rank in a block of any size."""
    made = synthesis("ranked", "count=10", "validator.pool=8")
    assert len(made._others) > 8 > len(made._seeds_of(9)[0].captions)
    assert set(made._others) == {caption for seed in made.seeds for caption in seed.captions}
