"""The grammar behind captions and templates."""

import numpy as np
import pytest

from vimotion.grammar import Grammar, parse, tidy


def read(tmp_path, text: str) -> Grammar:
    path = tmp_path / "rules.txt"
    path.write_text(text)
    return Grammar.read(path)


def says(grammar: Grammar, facts: set[str], values: dict[str, str] | None = None, rule: str = "start") -> set[str | None]:
    random = np.random.default_rng(0)
    return {grammar.say(rule, random, facts, values) for _ in range(300)}


def test_alternatives_options_rules_and_values(tmp_path):
    grammar = read(tmp_path, "@start\n# a comment\n(one|two)[ more] {animal} in {place}.\n\n@animal\ncat\ndog\n")
    texts = says(grammar, set(), {"place": "town"})
    assert len(texts) == grammar.count("start", values=["place"]) == 8
    assert "Two more dog in town." in texts
    assert grammar.slots() == {"place"}
    assert {"cat", "one", "more"} <= grammar.words()


def test_guards_keep_a_text_true(tmp_path):
    grammar = read(tmp_path, "@start\n{?slow}slowly\n{!slow}not slowly\n")
    assert says(grammar, {"slow"}) == {"Slowly"}
    assert says(grammar, set()) == {"Not slowly"}
    assert grammar.facts() == {"slow"}


def test_an_option_that_cannot_be_said_is_left_out(tmp_path):
    grammar = read(tmp_path, "@start\ngo[ {how}] (north|{?south}south)\n\n@how\n{?fast}fast\n")
    assert says(grammar, set()) == {"Go north"}
    assert says(grammar, {"fast", "south"}) == {"Go north", "Go south", "Go fast north", "Go fast south"}


def test_what_cannot_be_said_is_none(tmp_path):
    assert says(read(tmp_path, "@start\n{?never}never\n"), set()) == {None}


def test_capital_slots_and_escaped_brackets_stay(tmp_path):
    assert says(read(tmp_path, "@start\n\\({MOTION}\\) {A.his} hand\n"), set()) == {"({MOTION}) {A.his} hand"}


@pytest.mark.parametrize("line", ["an [open", "a closed]", "(one|two", "one|two", "a {brace", "(one]", "{}"])
def test_a_broken_line_is_an_error(line, tmp_path):
    with pytest.raises(ValueError):
        parse(line)
    with pytest.raises(ValueError, match=r"rules\.txt:2"):
        read(tmp_path, f"@start\n{line}\n")


def test_a_line_before_the_first_rule_and_a_rule_told_twice_are_errors(tmp_path):
    with pytest.raises(ValueError, match=r"rules\.txt:1"):
        read(tmp_path, "nowhere\n")
    with pytest.raises(ValueError, match="already"):
        read(tmp_path, "@start\na\n@start\nb\n")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a energetic hug", "An energetic hug"),
        ("a unhurried  hug. a one-handed wave", "An unhurried hug. A one-handed wave"),
        ("person A offers a hand", "Person A offers a hand"),
        ("to person A extends", "To person A extends"),
    ],
)
def test_tidy(raw, clean):
    assert tidy(raw) == clean
