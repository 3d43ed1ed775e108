"""Text files that say one thing in many ways: the grammar behind captions and task templates.

A file is a list of rules, one way to say a rule on each line:

    @greeting                       the rule's name; the lines below it are its alternatives
    {A} (waves|nods) at {B}.        (…|…) one of these
    They shake [{side} ]hands.      […]   perhaps; left out where it cannot be said
    {?slow}They take their time.    {?x}  only where the fact x holds; {!x} only where it does not
    # a comment; a backslash before a bracket writes the bracket

`{name}` is another rule or a value given by the caller. A slot in capitals (`{A}`, `{A.his}`, `{MOTION}`) stays as it is: the
caller fills it in the finished text. What holds decides what can be said, so a text never says what is not so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

_TOKEN = re.compile(r"\{([?!]?)([^{}]+)\}|([\[\]()|])|((?:[^\[\](){}|\\]|\\.)+)")


@dataclass(frozen=True)
class Literal:
    text: str


@dataclass(frozen=True)
class Slot:
    name: str


@dataclass(frozen=True)
class Guard:
    fact: str
    holds: bool


@dataclass(frozen=True)
class Choice:
    options: tuple[Template, ...]


Template = tuple[Literal | Slot | Guard | Choice, ...]


@dataclass(frozen=True)
class Scope:
    """What a text is about: facts that hold, and values for slots that are not rules."""

    facts: Collection[str]
    values: Mapping[str, str]


class Grammar:
    """Rules by name, read from text."""

    def __init__(self, rules: Mapping[str, tuple[Template, ...]]) -> None:
        self.rules = dict(rules)

    @classmethod
    def read(cls, *paths: Path) -> Grammar:
        """The rules of all files together; a rule told twice is an error, as is a line that does not parse."""
        return cls.of({path.name: path.read_text(encoding="utf-8") for path in paths})

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Grammar:
        """The rules of all texts together; their keys name them where a line is wrong."""
        rules: dict[str, list[Template]] = {}
        for source, text in texts.items():
            name = ""
            for number, line in enumerate(text.splitlines(), 1):
                if not line.strip() or line.startswith("#"):
                    continue
                if line.startswith("@"):
                    name = line[1:].strip()
                    if name in rules:
                        raise ValueError(f"{source}:{number}: the rule @{name} is already there.")
                    rules[name] = []
                    continue
                try:
                    rules[name].append(parse(line))
                except (ValueError, KeyError) as error:
                    raise ValueError(f"{source}:{number}: {line!r} is no template: {error}") from error
        return cls({name: tuple(ways) for name, ways in rules.items()})

    def say(
        self,
        rule: str,
        random: np.random.Generator,
        facts: Collection[str] = (),
        values: Mapping[str, str] | None = None,
    ) -> str | None:
        """One way to say `rule`, drawn at random from those that the facts allow; None where there is none."""
        text = self._choose(self.rules[rule], random, Scope(facts, values or {}))
        return None if text is None else tidy(text)

    def ways(self, rule: str, facts: Collection[str] = (), values: Mapping[str, str] | None = None) -> Iterator[str]:
        """Every way to say `rule` that the facts allow, in the order of the lines; what is optional is said first."""
        return map(tidy, self._every(self.rules[rule], Scope(facts, values or {})))

    def _every(self, options: tuple[Template, ...], scope: Scope) -> Iterator[str]:
        return chain.from_iterable(self._expansions(option, scope) for option in options)

    def _expansions(self, template: Template, scope: Scope) -> Iterator[str]:
        if not template:
            yield ""
            return
        node, rest = template[0], template[1:]
        pieces: Iterable[str]
        if isinstance(node, Literal):
            pieces = (node.text,)
        elif isinstance(node, Guard):
            pieces = ("",) if (node.fact in scope.facts) == node.holds else ()
        elif isinstance(node, Choice):
            pieces = self._every(node.options, scope)
        elif node.name in self.rules:
            pieces = self._every(self.rules[node.name], scope)
        else:
            pieces = (scope.values[node.name],) if node.name in scope.values else ()
        for piece in pieces:
            for after in self._expansions(rest, scope):
                yield piece + after

    def _choose(self, options: tuple[Template, ...], random: np.random.Generator, scope: Scope) -> str | None:
        left = list(options)
        while left:
            text = self._expand(left.pop(int(random.integers(len(left)))), random, scope)
            if text is not None:
                return text
        return None

    def _expand(self, template: Template, random: np.random.Generator, scope: Scope) -> str | None:
        pieces = []
        for node in template:
            piece: str | None
            if isinstance(node, Literal):
                piece = node.text
            elif isinstance(node, Guard):
                piece = "" if (node.fact in scope.facts) == node.holds else None
            elif isinstance(node, Choice):
                piece = self._choose(node.options, random, scope)
            elif node.name in self.rules:
                piece = self._choose(self.rules[node.name], random, scope)
            else:
                piece = scope.values.get(node.name)
            if piece is None:
                return None
            pieces.append(piece)
        return "".join(pieces)

    def count(self, rule: str, facts: Collection[str] = (), values: Collection[str] = ()) -> int:
        """How many ways there are to say `rule` where these facts hold (two ways may read the same)."""
        return sum(self._count(template, facts, values) for template in self.rules[rule])

    def _count(self, template: Template, facts: Collection[str], values: Collection[str]) -> int:
        def ways(node: Literal | Slot | Guard | Choice) -> int:
            if isinstance(node, Guard):
                return int((node.fact in facts) == node.holds)
            if isinstance(node, Choice):
                return sum(self._count(option, facts, values) for option in node.options)
            if isinstance(node, Slot):
                return self.count(node.name, facts, values) if node.name in self.rules else int(node.name in values)
            return 1

        return math.prod(map(ways, template))

    def slots(self) -> set[str]:
        """The slots that are no rules: the caller has to give these values."""
        nodes = [node for ways in self.rules.values() for way in ways for node in _nodes(way)]
        return {node.name for node in nodes if isinstance(node, Slot) and node.name not in self.rules}

    def facts(self) -> set[str]:
        """Every fact that a guard asks for."""
        nodes = [node for ways in self.rules.values() for way in ways for node in _nodes(way)]
        return {node.fact for node in nodes if isinstance(node, Guard)}

    def words(self) -> set[str]:
        """Every word that the rules can write, in lower case: the report of the grammar's vocabulary."""
        nodes = [node for ways in self.rules.values() for way in ways for node in _nodes(way)]
        text = " ".join(re.sub(r"\{[^}]*\}", "", node.text) for node in nodes if isinstance(node, Literal))
        return set(re.findall(r"[a-z]+(?:['-][a-z]+)*", text.lower()))


def parse(line: str) -> Template:
    """A line of a grammar file as a template. Raises ValueError where brackets do not match."""
    tokens = list(_TOKEN.finditer(line))
    if "".join(token.group() for token in tokens) != line:
        raise ValueError("a brace is open or empty")
    options, rest = _parse_options(tokens, 0, "")
    if rest != len(tokens):
        raise ValueError("a bracket closes that never opened")
    if len(options) > 1:
        raise ValueError("| needs brackets around it")
    return options[0]


def _parse_options(tokens: list[re.Match[str]], at: int, closing: str) -> tuple[list[Template], int]:
    options: list[list[Literal | Slot | Guard | Choice]] = [[]]
    while at < len(tokens):
        mark, name, bracket, text = tokens[at].groups()
        at += 1
        if bracket and bracket in ")]":
            if bracket != closing:
                raise ValueError(f"{bracket} closes what it did not open")
            return [tuple(option) for option in options], at
        if bracket == "|":
            options.append([])
        elif bracket:
            inner, at = _parse_options(tokens, at, ")" if bracket == "(" else "]")
            options[-1].append(Choice(tuple(inner)) if bracket == "(" else Choice((_joined(inner), ())))
        elif mark:
            options[-1].append(Guard(name, mark == "?"))
        elif name and name[0].islower():
            options[-1].append(Slot(name))
        else:
            options[-1].append(Literal(re.sub(r"\\(.)", r"\1", text) if text else "{" + name + "}"))
    if closing:
        raise ValueError(f"{closing} is missing")
    return [tuple(option) for option in options], at


def _joined(options: list[Template]) -> Template:
    return options[0] if len(options) == 1 else (Choice(tuple(options)),)


def _nodes(template: Template) -> Iterable[Literal | Slot | Guard | Choice]:
    for node in template:
        yield node
        if isinstance(node, Choice):
            for option in node.options:
                yield from _nodes(option)


def tidy(text: str) -> str:
    """Single spaces, "an" before a vowel, a capital at the start of each sentence."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"((?:^|[.!?:] )A|\ba) (?=[aeiou])(?!one\b|one-|uni[^mn]|us[eu])", r"\1n ", text)
    return re.sub(r"(^|[.!?] )([a-z])", lambda match: match[1] + match[2].upper(), text)
