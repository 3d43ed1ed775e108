"""The `vimotion` command. What the user did wrong is one sentence on standard error and exit status 2.

Torch and the rooms are imported by the commands that need them, so that `--help` comes at once.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vimotion import __version__
from vimotion.console import JsonOption, SeedOption, check_output, check_text, progress, report, tell
from vimotion.corpus_commands import corpus_app
from vimotion.errors import UserError
from vimotion.export_options import with_export_options
from vimotion.pipeline_commands import pipeline_app

if TYPE_CHECKING:
    from vimotion.chat import Model, Turn
    from vimotion.formats import ExportOptions
    from vimotion.motion import Interaction

Save = Callable[[Path, "ExportOptions"], Sequence[Path]]
app = typer.Typer(
    help="Talk with a model that understands and makes the motion of two people.",
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)  # fmt: skip
app.add_typer(corpus_app, name="corpus")
app.add_typer(pipeline_app)

# What typer raises over a wrong call. It has a click of its own and exports only this branch of its errors.
_UsageError: type[Exception] = typer.BadParameter.__base__  # type: ignore[assignment]

_READS = "A motion file: .npz .bvh .glb .amc (name.bvh also stands for name.a.bvh with name.b.bvh)."
_SHOWN_KINDS = ("handshake", "push", "bow")  # of the corpus, in the gallery
_DIFFUSED_SECONDS = 5.0  # of a motion that is made by diffusion, where nobody says how long
_WRITES = ".glb .fbx .usd .usdz .bvh .npz .amass.npz .mp4 .webp .png"
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="A model folder, a run's name, or [FOLDER@]http://…/v1[#NAME] of a server. Default: the shipped one."
    ),
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help=f"The ending picks the format: {_WRITES}.")]
DurationOption = Annotated[float | None, typer.Option(help="Seconds, 0.5 to 10. Default: as long as it takes.")]
SamplesOption = Annotated[int, typer.Option(help="So many motions, with seeds that follow one another.")]
MotionArgument = Annotated[Path, typer.Argument(help=_READS)]
SecondOption = Annotated[Path | None, typer.Option("--second", help="The file of the second person.")]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version or context.invoked_subcommand is None:
        typer.echo(f"vimotion {__version__}" if version else context.get_help())
        raise typer.Exit()


@app.command()
@with_export_options(clean=True)
def generate(
    text: str,
    options: ExportOptions,
    output: OutputOption = Path("motion.glb"),
    duration: DurationOption = None,
    seed: SeedOption = 0,
    num_samples: SamplesOption = 1,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the motion of two people from a sentence.

    --model intergen makes it by diffusion instead of the language model; so does the folder of another motion generator.
    """
    from vimotion.intergen import find_generator

    check_text(text)
    if model and (folder := find_generator(model)):
        _diffuse(text, folder, output, duration, seed, num_samples, model, as_json, options)
        return
    _make(
        lambda loaded, one: loaded.turn_to_generate(text, duration, one),
        output, duration, seed, num_samples, model, as_json, options,
    )  # fmt: skip


@app.command()
@with_export_options(clean=True)
def react(
    motion: MotionArgument,
    options: ExportOptions,
    output: OutputOption = Path("reaction.glb"),
    seed: SeedOption = 0,
    num_samples: SamplesOption = 1,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add somebody who answers a person's motion.

    Of a motion of two people the first one is kept.
    """
    given = _load(motion)
    _make(
        lambda loaded, one: loaded.turn_to_react(given, one),
        output, None, seed, num_samples, model, as_json, options,
    )  # fmt: skip


@app.command()
@with_export_options(clean=True)
def edit(
    motion: MotionArgument,
    instruction: str,
    options: ExportOptions,
    output: OutputOption = Path("edited.glb"),
    duration: DurationOption = None,
    seed: SeedOption = 0,
    num_samples: SamplesOption = 1,
    second: SecondOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a motion as a sentence says."""
    check_text(instruction)
    given = _load(motion, second)
    _make(
        lambda loaded, one: loaded.turn_to_edit(given, instruction, duration, one),
        output, duration, seed, num_samples, model, as_json, options,
    )  # fmt: skip


@app.command("continue")
@with_export_options(clean=True)
def go_on(
    motion: MotionArgument,
    options: ExportOptions,
    output: OutputOption = Path("continued.glb"),
    duration: DurationOption = None,
    seed: SeedOption = 0,
    num_samples: SamplesOption = 1,
    second: SecondOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a motion.

    --duration counts what is new; the file holds both.
    """
    given = _load(motion, second)
    _make(
        lambda loaded, one: loaded.turn_to_go_on(given, duration, one),
        output, duration, seed, num_samples, model, as_json, options,
    )  # fmt: skip


@app.command()
def describe(
    motion: MotionArgument, second: SecondOption = None, model: ModelOption = None, as_json: JsonOption = False
) -> None:
    """Say what happens in a motion."""
    given = _load(motion, second)
    _say(lambda loaded: loaded.turn_to_describe(given), model, as_json)


@app.command()
def ask(
    motion: MotionArgument,
    question: str,
    second: SecondOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question about a motion."""
    check_text(question)
    given = _load(motion, second)
    _say(lambda loaded: loaded.turn_to_ask(given, question), model, as_json)


@app.command()
def chat(
    model: ModelOption = None,
    seed: SeedOption = 0,
    load: Annotated[Path | None, typer.Option(help="Go on with a kept conversation.")] = None,
) -> None:
    """Talk with the model in the terminal."""
    from rich.console import Console

    from vimotion.chat import ChatSession
    from vimotion.chat.terminal import Terminal, typed_lines

    loaded = _model(model)
    session = ChatSession.load(load, loaded) if load else None
    Terminal(loaded, Console(soft_wrap=True), seed, session).run(typed_lines())


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen. Default: 127.0.0.1, for this machine alone.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: 8765.")] = None,
    model: ModelOption = None,
    device: Annotated[str, typer.Option(help="Where torch keeps the model, such as cuda.")] = "cpu",
    settings: Annotated[list[str] | None, typer.Option("--set", help="A limit: name=value; see docs/api.md.")] = None,
) -> None:
    """Open the studio: a page to talk and watch, and an API like OpenAI's.

    Other machines are served only with a key, in VIMOTION_SERVER_KEY.
    """
    from vimotion.app.page.mounting import mount
    from vimotion.app.server import serve as listen
    from vimotion.app.settings import ServerConfig
    from vimotion.config import load_config

    chosen = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    config = load_config(ServerConfig, None, settings or ()).model_copy(update=chosen)
    listen(config, lambda: _model(model, device, quiet=True), mount)


@app.command()
def gallery(
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder; what was in it is replaced.")] = Path("gallery"),
    seed: SeedOption = 0,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a page of samples.

    What the model makes, says, answers and changes, each with its prompt and seed, to play in a browser.
    """
    from vimotion.app.gallery import check_folder, make_samples, write_gallery

    check_folder(output)
    loaded = _model(model)
    samples = make_samples(loaded, [_scene(kind, seed) for kind in _SHOWN_KINDS], seed)
    page = write_gallery(samples, output, loaded.name)
    report(as_json, {"page": str(page), "samples": len(samples)}, str(page))


@app.command()
def render(motion: MotionArgument, output: Path, second: SecondOption = None, as_json: JsonOption = False) -> None:
    """Draw a motion.

    .png: key frames side by side; .webp: a moving picture.
    """
    check_output(output, ".png", ".webp")
    _write(_load(motion, second), output, as_json)


@app.command()
@with_export_options(clean=False)
def convert(
    motion: MotionArgument,
    output: Path,
    options: ExportOptions,
    second: SecondOption = None,
    fps: Annotated[float | None, typer.Option(help="The true rate of the file, where it tells a wrong one.")] = None,
    joint_map: Annotated[Path | None, typer.Option(help="A YAML file that names the joints of an unknown skeleton.")] = None,
    statistics: Annotated[Path | None, typer.Option(help="Of intergen.ckpt: the folder of global_mean.npy.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a motion in another format.

    InterGen's checkpoints, intergen.ckpt and interclip.ckpt, become folders that VIMotion loads.
    """
    if motion.suffix == ".ckpt":
        _convert_checkpoint(motion, output, statistics, as_json)
        return
    check_output(output)
    options.check(output)
    _write(_load(motion, second, fps=fps, joint_map=joint_map), output, as_json, options)


@app.command("export-model")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    model: Annotated[str | None, typer.Option(help="A model folder, or a run's name. Default: the shipped one.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16. Default: as they are.")] = None,
    max_shard_size: Annotated[str, typer.Option(help="Of one file of weights.")] = "5GB",
    as_json: JsonOption = False,
) -> None:
    """Write a model as a plain folder, to publish and to serve.

    transformers and servers such as vLLM load it without VIMotion.
    """
    from transformers.utils import logging

    from vimotion.chat.model import find_model
    from vimotion.language.backbone import SMOLLM2
    from vimotion.language.export import export_model

    logging.disable_progress_bar()
    written = export_model(find_model(model), folder, dtype, max_shard_size, None if model else SMOLLM2)
    report(as_json, {"folder": str(written)}, str(written))


@app.command()
def bench(model: ModelOption = None, as_json: JsonOption = False) -> None:
    """How fast a model is here.

    Tokens a second, and seconds of computing for one second of two-person motion.
    """
    start = time.perf_counter()
    loaded = _model(model)
    load_seconds = time.perf_counter() - start
    from vimotion.chat.speed import measure

    figures = {"load_seconds": round(load_seconds, 2), **measure(loaded)}
    report(as_json, figures, "\n".join(f"{key.replace('_', ' ')}: {value}" for key, value in figures.items()))


def _make(
    turn: Callable[[Model, int], Turn],
    output: Path,
    duration: float | None,
    seed: int,
    num_samples: int,
    model: str | None,
    as_json: bool,
    options: ExportOptions,
) -> None:
    """Make motions with the language model and write them; `turn` asks it for one, with a seed."""
    _check_samples(output, duration, num_samples, options)
    loaded = _model(model)
    start = time.perf_counter()
    answers = loaded.answers([turn(loaded, seed + number) for number in range(num_samples)])
    made = [(answer.motion.save, answer.motion.duration, {"seed": answer.seed, "tokens": answer.tokens}) for answer in answers]
    _keep(made, output, time.perf_counter() - start, loaded.name, as_json, options)


def _diffuse(
    text: str, folder: Path, output: Path, duration: float | None, seed: int, num_samples: int, model: str, as_json: bool,
    options: ExportOptions,
) -> None:  # fmt: skip
    """Make motions with a motion generator and write them."""
    from vimotion.formats import save_motion
    from vimotion.intergen import MotionGenerator
    from vimotion.motion import FPS

    _check_samples(output, duration, num_samples, options)
    generator = MotionGenerator.load(folder)
    start = time.perf_counter()
    frames, seeds = round((duration or _DIFFUSED_SECONDS) * FPS), [seed + number for number in range(num_samples)]
    with progress("steps") as show:
        motions = generator.sample([text] * num_samples, frames, seeds, progress=show)
    made = [(partial(save_motion, motion), motion.duration, {"seed": one}) for motion, one in zip(motions, seeds, strict=True)]
    _keep(made, output, time.perf_counter() - start, model, as_json, options)


def _check_samples(output: Path, duration: float | None, num_samples: int, options: ExportOptions) -> None:
    from vimotion.chat.motions import check_duration

    check_output(output)
    options.check(output)
    check_duration(duration)
    if not 1 <= num_samples <= 100:
        raise UserError(f"--num-samples is 1 to 100, not {num_samples}.")


def _keep(
    made: Sequence[tuple[Save, float, dict[str, Any]]], output: Path, seconds: float, model: str, as_json: bool,
    options: ExportOptions,
) -> None:  # fmt: skip
    """Write motions, each by its own `save`, and tell its seconds and what else is known of it."""
    from vimotion.formats import inserted

    samples: list[dict[str, Any]] = []
    for number, (save, duration, known) in enumerate(made, start=1):
        path = output if len(made) == 1 else inserted(output, f"-{number}")
        files = [str(file) for file in save(path, options)]
        samples.append({"file": files[0], "files": files, "seconds": round(duration, 3), **known})
    tell(f"{sum(sample['seconds'] for sample in samples):.1f} s of motion in {seconds:.1f} s")
    summary = samples[0] if len(made) == 1 else {"samples": samples}
    report(as_json, {**summary, "model": model}, "\n".join(file for sample in samples for file in sample["files"]))


def _say(turn: Callable[[Model], Turn], model: str | None, as_json: bool) -> None:
    """Let a model answer in words."""
    loaded = _model(model)
    [answer] = loaded.answers([turn(loaded)])
    report(as_json, {"text": answer.text, "tokens": answer.tokens, "model": loaded.name}, answer.text)


def _write(motion: Interaction, output: Path, as_json: bool, options: ExportOptions | None = None) -> None:
    from vimotion.formats import save_motion

    files = [str(file) for file in save_motion(motion, output, options)]
    content = {"file": files[0], "files": files, "seconds": round(motion.duration, 3), "people": motion.num_people}
    report(as_json, content, "\n".join(files))


def _convert_checkpoint(source: Path, output: Path, statistics: Path | None, as_json: bool) -> None:
    """Which of InterGen's two networks it is, its weights tell."""
    from vimotion.evaluation.interclip import MARK, convert_interclip
    from vimotion.intergen.official import convert_checkpoint, read_checkpoint

    content = {"folder": str(output), "kind": "intergen"}
    if MARK in read_checkpoint(source):
        content |= {"kind": "extractor", "hash": convert_interclip(source, output).hash}
    else:
        convert_checkpoint(source, output, statistics)
    report(as_json, content, str(output))


def _scene(kind: str, seed: int) -> tuple[str, Interaction]:
    """A scripted scene of one kind, and its caption."""
    import numpy as np

    from vimotion.choreography import KINDS, make_scene, plain_scene
    from vimotion.choreography.captions import caption

    parameters = plain_scene(kind, seed)
    return caption(parameters, KINDS, np.random.default_rng(seed)), make_scene(parameters).interaction


def _model(name: str | None, device: str = "cpu", quiet: bool = False) -> Model:
    if not quiet:
        tell("Loading the model …")
    from transformers.utils import logging

    from vimotion.chat import load_model

    logging.disable_progress_bar()
    return load_model(name, device=device)


def _load(motion: Path, second: Path | None = None, **how: Any) -> Interaction:
    from vimotion.formats import load_motion

    return load_motion([motion, second] if second else motion, **how)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry of the command; ends the process with its exit status."""
    # On a busy machine threads that wait by spinning slow each other down by an order of magnitude; read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.formatwarning = lambda message, *_, **__: f"vimotion: {message}\n"
    try:
        status = app(args=arguments, standalone_mode=False)
    except (UserError, _UsageError) as error:
        sentence = error.format_message() if hasattr(error, "format_message") else str(error)
        tell("vimotion: " + " ".join(sentence.split()))
        status = 2
    except ModuleNotFoundError as error:
        if (error.name or "vimotion").startswith("vimotion"):
            raise
        tell(f"vimotion: This needs the package {error.name}: pip install 'vimotion[app,eval,synthesis,train,usd,video]'.")
        status = 2
    except OSError as error:  # a file or folder that cannot be read or written as it is
        if error.filename is None:
            raise
        tell(f"vimotion: {error.filename}: {error.strerror}; choose another file or folder.")
        status = 2
    except (KeyboardInterrupt, typer.Abort):
        tell("vimotion: stopped.")
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
