"""The commands by which a model is made and measured, each by a recipe: synthesize, train, evaluate."""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import typer

from vimotion.console import JsonOption, ShardOption, progress, report, shard, tell

pipeline_app = typer.Typer()

RecipeOption = Annotated[Path, typer.Option(help="A YAML file; see recipes/.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Change a setting of the recipe: a.b=value.")]
RunOption = Annotated[Path | None, typer.Option("--output", "-o", help="A folder. Default: the run of the recipe's name.")]


@pipeline_app.command()
def synthesize(
    recipe: RecipeOption,
    settings: SetOption = None,
    part: ShardOption = "1/1",
    max_requests: Annotated[int | None, typer.Option(min=0, help="Send the language model no more requests.")] = None,
    max_usd: Annotated[float | None, typer.Option(min=0, help="Spend no more on it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it is going to cost.")] = False,
    write_batches: Annotated[
        Path | None, typer.Option(help="Only write the requests as Batch API files into a folder.")
    ] = None,
    read_batches: Annotated[Path | None, typer.Option(help="First read the replies that were put into that folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make conversations about the clips of a corpus: Inter-MT2.

    An interrupted run goes on where it stopped. Parts share a folder; the run that finds all parts done writes the store.
    """
    from vimotion.config import load_config
    from vimotion.evaluation.extractor import load_extractor
    from vimotion.evaluation.judge import shows
    from vimotion.formats.sheet import save_sheet
    from vimotion.inter_mt2.pipeline import Synthesis, SynthesizeRecipe

    config = load_config(SynthesizeRecipe, recipe, settings or ())
    making = Synthesis(config, load_extractor, shard(part), save_sheet, shows)
    for problem in making.read_batches(read_batches) if read_batches else ():
        tell(f"vimotion: {problem}")
    if dry_run:
        estimate = making.estimate()
        report(as_json, asdict(estimate), str(estimate))
    elif write_batches:
        files = [str(path) for path in making.write_batches(write_batches)]
        report(as_json, {"files": files}, "\n".join(files))
    else:
        with progress("drafts") as show:
            store = making.run(lambda stage, done, total: show(done, total, stage), max_requests, max_usd)
        made = {"folder": str(store.folder if store else making.folder), "missing": making.missing()}
        left = f"This part is done. {making.missing():,} conversations are left to other parts."
        report(as_json, made, str(store.folder) if store else left)


@pipeline_app.command()
def train(
    stage: Literal["tokenizer", "align", "instruct", "intergen", "extractor"],
    recipe: RecipeOption,
    settings: SetOption = None,
    output: RunOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only tell what it is going to take: memory, steps, GPU-hours.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train one stage.

    tokenizer: motion to codes and back; align: LoRA on a language model; instruct: all weights, on conversations; intergen:
    captions to motion, by diffusion; extractor: motions and captions into one space, for the evaluation.
    """
    from vimotion.artifacts import read_manifest
    from vimotion.config import load_config

    room = import_module(f"vimotion.training.{stage}")
    config = load_config(getattr(room, f"{stage.capitalize()}Recipe"), recipe, settings or ())
    if plan:
        planned = import_module("vimotion.training.planner").plan(config)
        report(as_json, planned.as_json(), str(planned))
        return
    tells = import_module("vimotion.training.processes").processes().is_main_process
    folder = getattr(room, f"train_{stage}")(config, output, resume)
    if tells:
        report(as_json, {"folder": str(folder), "metrics": read_manifest(folder)["metrics"]}, str(folder))


@pipeline_app.command()
def evaluate(
    recipe: RecipeOption,
    settings: SetOption = None,
    output: RunOption = None,
    against: Annotated[Path | None, typer.Option(help="results.json of another run: tell the differences too.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the benchmarks: contestants answer, and are measured.

    An interrupted run goes on; a finished one is only told again.
    """
    from vimotion.config import load_config
    from vimotion.evaluation.evaluate import TABLE, EvaluateRecipe, evaluate

    results = evaluate(load_config(EvaluateRecipe, recipe, settings or ()), output, against)
    report(as_json, results, (Path(results["folder"]) / TABLE).read_text(encoding="utf-8"))
