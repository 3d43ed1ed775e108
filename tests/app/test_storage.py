"""What is kept is there again, and what is deleted is gone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from vimotion.app.storage import InUse, Missing, MotionRow, SessionRow, Storage, TurnRow
from vimotion.errors import UserError


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "deep" / "studio.sqlite")


def motion(name: str, created: float = 0.0, made: bool = True) -> tuple[MotionRow, bytes]:
    return MotionRow(name, created, name, "ab", 30, made, None, "codec", "{}"), name.encode()


def turn(session: SessionRow, name: str, parent: str | None, shows: str = "", made: str = "") -> TurnRow:
    message = [{"type": "text", "text": f"say {name}"}]
    message += [{"type": "motion", "motion": {"id": shows}}] if shows else []
    answer = [{"type": "motion", "motion": {"id": made}}] if made else [{"type": "text", "text": "é\ud7ff🙂"}]
    return TurnRow(name, session.id, parent, 1.0, message, answer, {"seed": 1}, 7, "tiny")


def test_a_conversation_is_there_again_with_all_its_branches(storage: Storage) -> None:
    session = storage.add_session("", "You are shy.", 10)
    first = turn(session, "turn-1", None, made="m1")
    storage.add_turns([first], [motion("m1")], "A title", "turn-1")
    samples = [turn(session, f"turn-{number}", "turn-1", shows="m1", made=f"m{number}") for number in (2, 3)]
    storage.add_turns(samples, [motion("m2"), motion("m3")], "Another title", "turn-2")
    storage.close()
    assert storage.path.stat().st_mode & 0o077 == 0
    again = Storage(storage.path).session(session.id)
    assert again.turns == (first, *samples)
    assert (again.title, again.system, again.current) == ("A title", "You are shy.", "turn-2")
    assert [row.id for row in again.path("turn-3")] == ["turn-1", "turn-3"]
    assert again.path(None) == []
    assert again.changed > session.changed


def test_turns_are_kept_with_their_motions_or_not_at_all(storage: Storage) -> None:
    session = storage.add_session("", "", 10)
    two = [turn(session, "turn-1", None, made="m1"), turn(session, "turn-2", None, shows="gone")]
    with pytest.raises(Missing, match="'gone'"):
        storage.add_turns(two, [motion("m1")], "", "turn-1")
    assert storage.session(session.id) == session
    with pytest.raises(Missing):
        storage.motion("m1")
    with pytest.raises(Missing, match="no turn 'turn-9'"):
        storage.add_turns([turn(session, "turn-1", "turn-9")], [], "", "turn-1")


def test_a_turn_goes_with_what_follows_it_and_what_was_made_in_it(storage: Storage) -> None:
    storage.add_motions([motion("mine", made=False)])
    session = storage.add_session("", "", 10)
    storage.add_turns([turn(session, "turn-1", None, shows="mine", made="m1")], [motion("m1")], "", "turn-1")
    storage.add_turns([turn(session, "turn-2", "turn-1", made="m2")], [motion("m2")], "", "turn-2")
    storage.add_turns([turn(session, "turn-3", "turn-2", shows="m1", made="m3")], [motion("m3")], "", "turn-3")
    after = storage.delete_turn(session.id, "turn-2")
    assert [row.id for row in after.turns] == ["turn-1"] and after.current == "turn-1"
    assert {row.id for row in storage.motions(10)} == {"mine", "m1"}
    with pytest.raises(InUse):
        storage.delete_motion("mine")
    storage.delete_session(session.id)
    assert {row.id for row in storage.motions(10)} == {"mine"}
    assert storage.motion_file("mine") == b"mine"
    storage.delete_motion("mine")
    assert storage.motions(10) == [] and storage.sessions(10) == []


def test_motions_that_nothing_shows_are_forgotten_in_time(storage: Storage) -> None:
    session = storage.add_session("", "", 10)
    storage.add_motions([motion("old"), motion("new", created=4e9)])
    storage.add_turns([turn(session, "turn-1", None, made="shown")], [motion("shown")], "", "turn-1")
    assert storage.forget_unused(days=30) == 1
    assert {row.id for row in storage.motions(10)} == {"new", "shown"}


def test_pages_follow_one_another_without_gap(storage: Storage) -> None:
    storage.add_motions([motion(f"m{number}", created=number // 2) for number in range(7)])
    found, after = [], None
    while page := storage.motions(3, after):
        found += [row.id for row in page]
        after = found[-1]
    assert found == [f"m{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    with pytest.raises(Missing):
        storage.motions(3, "nobody")


def test_a_conversation_changes_only_to_what_is_there(storage: Storage) -> None:
    session = storage.add_session("Before", "", 1)
    with pytest.raises(InUse, match="1 conversations"):
        storage.add_session("", "", 1)
    assert storage.change_session(session.id, {"title": "After"}).title == "After"
    with pytest.raises(Missing):
        storage.change_session(session.id, {"current": "turn-9"})
    for call in (storage.session, storage.delete_session):
        with pytest.raises(Missing, match="no conversation 'nobody'"):
            call("nobody")


def test_another_versions_database_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(UserError, match="another version"):
        Storage(tmp_path / "other.sqlite")
    (tmp_path / "text.sqlite").write_text("this is no database, whatever its name says " * 30)
    with pytest.raises(UserError, match="cannot be used"):
        Storage(tmp_path / "text.sqlite")
