"""The options of commands that write motions, told once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, Literal, get_type_hints

import typer

Command = Callable[..., None]
_BonesOption = Annotated[
    Literal["mixamo", "smpl", "unreal", "vrm"], typer.Option(help="Whose names the bones get, in .glb .fbx .usd .bvh.")
]
_RateOption = Annotated[float | None, typer.Option(help="Frames per second of the file. Default: the motion's own, 30.")]
_SkinOption = Annotated[bool, typer.Option("--skin/--no-skin", help="With the people's mesh, or bones alone.")]
_PlaceOption = Annotated[bool, typer.Option("--in-place", help="The pair stays over one point; hands still meet.")]
_CleanOption = Annotated[bool, typer.Option("--clean/--no-clean", help="Plant feet, take out jitter, keep touches.")]


def with_export_options(clean: bool) -> Callable[[Command], Command]:
    """Gives a command --bones, --output-fps, --skin, --in-place and --clean; it takes them as `options`, an `ExportOptions`.

    `clean` is the default of --clean: on where a model made the motion, off where somebody gave it.
    """
    given: dict[str, tuple[Any, Any]] = {
        "bones": (_BonesOption, "mixamo"), "output_fps": (_RateOption, None), "skin": (_SkinOption, True),
        "in_place": (_PlaceOption, False), "clean": (_CleanOption, clean),
    }  # fmt: skip

    def decorate(command: Command) -> Command:
        @wraps(command)
        def called(**values: Any) -> None:
            from vimotion.formats import ExportOptions

            bones, fps, *others = (values.pop(name) for name in given)
            command(options=ExportOptions(bones, fps, *others), **values)

        # typer asks for the signature, and for the types without their quotes
        hints = get_type_hints(command, localns={"ExportOptions": object}, include_extras=True)
        own = [one for name, one in signature(command).parameters.items() if name != "options"]
        added = [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, (_, default) in given.items()]
        parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own] + added
        types = {one.name: hints[one.name] for one in own} | {name: kind for name, (kind, _) in given.items()}
        called.__signature__ = signature(command).replace(  # type: ignore[attr-defined]
            parameters=[one.replace(annotation=types[one.name]) for one in parameters]
        )
        called.__annotations__ = types
        return called

    return decorate
