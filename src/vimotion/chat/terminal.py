"""`vimotion chat`: a conversation in the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from vimotion.artifacts import vimotion_home
from vimotion.chat.model import Model
from vimotion.chat.motions import Motion
from vimotion.chat.session import ChatSession, Done, MotionEvent, TextEvent
from vimotion.errors import UserError

_HELP = """\
Say what two people should do, then how to change it, or ask about it. <motion_0> in a message stands for a motion.
/add FILE [FILE]        give a motion, or the files of two people
/export FILE [NAME]     write a motion: .npz .bvh .glb .png .webp
/sheet [FILE] [NAME]    draw key frames side by side (PNG)
/save FILE  /load FILE  keep the conversation, go on with a kept one
/undo                   take back the last message and its answer
/help  /quit"""


class Terminal:
    """Reads lines, answers or obeys. Where no NAME is given, the latest motion is meant."""

    def __init__(self, model: Model, console: Console, seed: int = 0, session: ChatSession | None = None) -> None:
        self.session = session or model.chat()
        self.console, self.seed = console, seed
        self.commands: dict[str, Callable[..., None]] = {
            "add": self.add, "export": self.export, "sheet": self.sheet, "save": self.save, "load": self.load,
            "undo": self.undo, "help": self.help,
        }  # fmt: skip

    def run(self, lines: Iterator[str]) -> None:
        """Until the lines end or one is /quit. What the user did wrong is said, and the conversation goes on."""
        for line in lines:
            if line.strip() == "/quit":
                return
            try:
                self.handle(line.strip())
            except UserError as error:
                self.console.print(str(error), style="red", markup=False)
            except KeyboardInterrupt:
                self.console.print("\nStopped; nothing of this turn is kept.")

    def handle(self, line: str) -> None:
        """One line: a command or a message."""
        if line.startswith("/"):
            name, *arguments = line[1:].split() or [""]
            if name not in self.commands:
                raise UserError(f"There is no /{name}; /help names all commands.")
            try:
                self.commands[name](*arguments)
            except TypeError:
                raise UserError(f"/{name} was given too few or too many words; see /help.") from None
        elif line:
            self.say(line)

    def say(self, text: str) -> None:
        for event in self.session.stream(text, seed=self.seed + len(self.session.messages) // 2):
            if isinstance(event, TextEvent):
                self.console.print(event.text, end="", markup=False, highlight=False)
            elif isinstance(event, MotionEvent):
                self.console.print("·", end="")
            elif isinstance(event, Done):
                self.console.print()
                for motion in event.answer.motions:
                    self._tell(motion)

    def add(self, *files: str) -> None:
        if not 1 <= len(files) <= 2:
            raise UserError("/add takes one file, or the files of two people.")
        reference = self.session.add_motion(files[0] if len(files) == 1 else files)
        self._tell(self.session.motions[reference.strip("<>")])

    def export(self, file: str, name: str = "") -> None:
        for path in self._motion(name).save(file):
            self.console.print(f"Wrote {path}", markup=False)

    def sheet(self, file: str = "", name: str = "") -> None:
        motion = self._motion(name)
        self.export(file or f"{motion.name}.png", motion.name)

    def save(self, file: str) -> None:
        self.session.save(file)
        self.console.print(f"Wrote {file}", markup=False)

    def load(self, file: str) -> None:
        self.session = ChatSession.load(file, self.session.model)
        said = sum(message.role == "user" for message in self.session.messages)
        self.console.print(f"{said} messages and {len(self.session.motions)} motions are back.")

    def undo(self) -> None:
        self.session.undo()
        self.console.print("Taken back.")

    def help(self) -> None:
        self.console.print(_HELP, markup=False, highlight=False)

    def _motion(self, name: str) -> Motion:
        motions = self.session.motions
        if not motions:
            raise UserError("There is no motion yet; ask for one or /add a file.")
        name = name.strip("<>") or list(motions)[-1]
        if name not in motions:
            raise UserError(f"There is no motion {name}; there are {', '.join(motions)}.")
        return motions[name]

    def _tell(self, motion: Motion) -> None:
        people = "two people" if motion.people == "ab" else "one person"
        self.console.print(f"{motion.reference} {people}, {motion.duration:.1f} s", style="cyan", markup=False, highlight=False)


def typed_lines() -> Iterator[str]:
    """Lines from a keyboard with editing and a history that is kept, or from a pipe."""
    if not sys.stdin.isatty():
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # a pipe may hold what is no text
        yield from sys.stdin
        return
    history = _history()
    try:
        while True:
            try:
                yield input("> ")
            except EOFError:
                print()
                return
            except KeyboardInterrupt:
                print("\n/quit leaves.")
    finally:
        history()


def _history() -> Callable[[], None]:
    """Load the line history, where Python has readline; what is returned writes it."""
    try:
        import readline
    except ImportError:
        return lambda: None
    path: Path = vimotion_home() / "chat_history"
    if path.is_file():
        readline.read_history_file(path)
    readline.set_history_length(1000)

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(path)

    return write
