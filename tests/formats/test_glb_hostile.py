"""Hostile GLB files: each is read or refused in one sentence, quickly and in little memory."""

import json
import os
import random
import struct
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from foreign_glb import Body, packed, unpacked
from made_motions import dance
from test_glb_reader import alone, pair_file

from vimotion.errors import UserError
from vimotion.formats.glb_reader import parse_glb


def small() -> tuple[dict[str, Any], bytes]:
    """A little file to damage: the document and the binary chunk."""
    return unpacked(alone(dance(3))[0].bytes())


def put(*path: Any, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


def _first(document: Any, key: str) -> Any:
    return document["accessors"][document["animations"][0]["samplers"][1][key]]


HOSTILE: list[tuple[Callable[[Any], Any], str]] = [
    (put("asset", value=None), "no `asset`"),
    (put("asset", "version", value="1.0"), "glTF '1.0'"),
    (put("extensionsRequired", value=["EXT_meshopt_compression"]), "extension 'EXT_meshopt_compression'"),
    (put("extensionsRequired", value=["EXT_meshopt_compression"]), "extension 'EXT_meshopt_compression'"),
    (put("extensionsRequired", value={"a": 1}), "extension"),
    (put("nodes", value="no"), "`nodes` are no list"),
    (put("nodes", value=[1, 2]), "`nodes` are no list"),
    (put("nodes", value=[{}] * 60_000), "60000 nodes"),
    (put("nodes", value=[]), "nodes"),
    (put("nodes", 1, "children", value=[2, 2]), "two parents"),
    (put("nodes", 5, "children", value=[1]), "two parents"),
    (put("nodes", 0, "children", value=[0]), "two parents|below themselves"),
    (put("nodes", 1, "children", value=[10**9]), "number 1000000000 of its"),
    (put("nodes", 1, "children", value=[-1]), "number -1 of its"),
    (put("nodes", 1, "children", value=[[[[[[]]]]]]), "number"),
    (put("nodes", 1, "children", value=7), "no list"),
    (put("nodes", 2, "translation", value=[1, 2]), "3 sensible numbers"),
    (put("nodes", 2, "rotation", value=[0, 0, 0, True]), "4 sensible numbers"),
    (put("nodes", 0, "scale", value=[1e300] * 3), "3 sensible numbers"),
    (put("nodes", 0, "scale", value=[10**400] * 3), "3 sensible numbers"),
    (put("nodes", 0, "scale", value=[0, 0, 0]), "scaled to nothing"),
    (put("nodes", 0, "scale", value=[-1, 1, 1]), "mirrors"),
    (put("nodes", 0, "rotation", value=[0, 0, 0, 0]), "rotation in it is zero"),
    (put("nodes", 0, "scale", value=[1e5] * 3), "nobody|kilometres"),
    (put("nodes", 0, "matrix", value=[1.0] * 15), "16 sensible numbers"),
    (put("nodes", 0, "matrix", value=[1.0] * 16), "scaled to nothing"),
    (put("scenes", 0, "nodes", value=[0, 0]), "shows a node twice"),
    (put("scenes", 0, "nodes", value=[3]), "shows a node twice"),
    (put("scenes", 0, "nodes", value=[]), "no skeleton"),
    (put("scene", value="first"), "number 'first' of its"),
    (put("animations", value=[]), "no animation that turns"),
    (put("animations", 0, "channels", value=[]), "no animation that turns"),
    (put("animations", 0, "channels", 3, "target", value=4), "no target"),
    (put("animations", 0, "channels", 3, "target", "node", value=99), "number 99 of its"),
    (put("animations", 0, "channels", 3, "target", "node", value=5), "by one sampler"),
    (put("animations", 0, "channels", 3, "sampler", value=99), "by one sampler"),
    (put("animations", 0, "samplers", 1, "interpolation", value="SMOOTH"), "LINEAR, STEP, CUBICSPLINE"),
    (put("animations", 0, "samplers", 1, "interpolation", value={"a": []}), "LINEAR, STEP, CUBICSPLINE"),
    (put("animations", 0, "samplers", 1, "interpolation", value="CUBICSPLINE"), "3 values at 3 times"),
    (put("animations", 0, "samplers", 1, "output", value=None), "number None of its"),
    (put("animations", 0, "samplers", 1, "input", value=3), "type SCALAR"),
    (lambda document: _first(document, "input").update(count=10**9), "1000000000 values"),
    (lambda document: _first(document, "input").update(count=70_000), "leaves the part"),
    (lambda document: _first(document, "input").update(count=0), "0 values"),
    (lambda document: _first(document, "input").update(count=-1), "`count` in it is -1"),
    (lambda document: _first(document, "input").update(count=1.5), "`count` in it is 1.5"),
    (lambda document: _first(document, "input").update(componentType=5123), "not normalized"),
    (lambda document: _first(document, "input").update(componentType=5125), "numbers of the type"),
    (lambda document: _first(document, "input").update(componentType=[]), "numbers of the type"),
    (lambda document: _first(document, "output").update(byteOffset=4), "leaves the part"),
    (lambda document: _first(document, "output").update(sparse={"count": 1}), "sparse"),
    (lambda document: _first(document, "output").pop("bufferView"), "number None of its"),
    (put("bufferViews", 1, "byteLength", value=10**9), "leaves the part"),
    (put("bufferViews", 1, "byteOffset", value=10**9), "leaves the part"),
    (put("bufferViews", 1, "byteStride", value=4), "leaves the part"),
    (put("bufferViews", 1, "buffer", value=1), "number 1 of its 1 buffers"),
    (put("buffers", value=[{"byteLength": 9, "uri": "walk.bin"}]), "outside of the file"),
    (put("buffers", value=[{"byteLength": 9, "uri": "data:application/octet-stream;base64,AAAA"}]), "outside of the file"),
    (lambda document: document["nodes"][9].update(name="nobody"), "no joint that is known as"),
    (lambda document: [node.pop("name", None) for node in document["nodes"]], "joints have names"),
    (put("skins", 0, "joints", value=list(range(24))), "fewer matrices than joints"),
    (put("skins", 0, "inverseBindMatrices", value=0), "type MAT4"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), HOSTILE, ids=[f"{index}-{said[:24]}" for index, (_, said) in enumerate(HOSTILE)])
def test_a_broken_scene_is_refused_in_one_sentence(change: Callable[[Any], Any], said: str) -> None:
    document, binary = small()
    parse_glb(packed(document, binary), "hostile.glb")
    change(document)
    refused(packed(document, binary), said)


def refused(data: bytes, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        parse_glb(data, "hostile.glb")
    message = str(caught.value)
    assert "hostile.glb" in message and message.isprintable() and message.endswith(".") and len(message) < 600


def test_a_broken_container_is_refused_in_one_sentence() -> None:
    document, binary = small()
    good = packed(document, binary)
    size = struct.unpack_from("<I", good, 12)[0]
    for data, said in [
        (b"", "not a GLB"),
        (b"glTF", "not a GLB"),
        (b"{" + good, "not a GLB"),
        (good[:4] + struct.pack("<I", 1) + good[8:], "glTF 1;"),
        (good[:-4], "cut off"),
        (good + b"\0", "cut off"),
        (good[:12] + struct.pack("<I", 10**9) + good[16:], "JSON chunk"),
        (good[:12] + struct.pack("<I", 2**32 - 1) + good[16:], "JSON chunk"),
        (good[:16] + b"BIN\0" + good[20:], "JSON chunk"),
        (good[: 20 + size] + struct.pack("<I", 10**9) + good[24 + size :], "BIN chunk"),
        (packed(b"[]", b""), "no `asset`"),
        (packed(b"\xff\xfe{}", b""), "JSON cannot be read"),
        (packed(b'{"asset": {"version": "2.0"}, "x": NaN}', b""), "JSON cannot be read"),
        (packed(b"[" * 500_000, b""), "JSON cannot be read"),
        (packed(b'{"a":' * 200_000, b""), "JSON cannot be read"),
        (packed(b"1" * 10_000, b""), "JSON cannot be read"),
        (packed(b" " * 9_000_000, b""), "too large"),
        (packed(document, b""), "leaves the part"),
    ]:
        refused(data, said)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("what", ["input", "output"])
def test_numbers_that_are_none(what: str, value: float) -> None:
    document, binary = small()
    start = document["bufferViews"][_first(document, what)["bufferView"]]["byteOffset"]
    refused(packed(document, binary[:start] + struct.pack("<f", value) + binary[start + 4 :]), "not finite|does not go on")


@pytest.mark.parametrize("times", [[0, 0, 0.1], [0.2, 0.1, 0.0], [0, 1e4, 2e4], [0, 1e-9, 9e5]])
def test_times_that_are_none(times: list[float]) -> None:
    document, binary = small()
    start = document["bufferViews"][_first(document, "input")["bufferView"]]["byteOffset"]
    refused(packed(document, binary[:start] + struct.pack("<3f", *times) + binary[start + 12 :]), "does not go on|cut it to")


def test_three_people_are_too_many() -> None:
    writer, motion = pair_file()
    Body(writer, motion).move(writer.animation())
    refused(writer.bytes(), "3 people")


def test_names_that_cannot_be_shown() -> None:
    document, binary = small()
    for node in document["nodes"]:
        node["name"] = "\ud800\n\x1b[31m" + "x" * 10_000
    refused(packed(document, binary), "no joint that is known")


def test_large_lies_take_little_room_and_time() -> None:
    document, binary = small()
    head = b'{"asset": {"version": "2.0"}, "animations": [{}], "nodes": ['
    chain = b",".join(b'{"name": "Hips", "children": [%d]}' % (index + 1) for index in range(19_000)) + b', {"name": "x"}]}'
    document["skins"] *= 2000
    document["animations"] = document["animations"] * 100
    many = packed(document, binary)
    for data in (packed(head + chain, b""), packed(b'{"x": [' + b"{}," * 700_000 + b"0]}", b""), many):
        tracemalloc.start()
        begin = time.perf_counter()
        try:
            parse_glb(data, "large.glb")
        except UserError:
            assert data is not many
        seconds, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50e6 + 12 * len(data) and seconds < 5, (peak, seconds)


def test_mutated_files_are_read_or_refused() -> None:
    """VIMOTION_FUZZ=2000 tries as many files of each kind."""
    chance = random.Random(0)
    document, binary = unpacked(alone(dance(3))[0].bytes())
    good = packed(document, binary)
    taken = 0
    for _ in range(int(os.environ.get("VIMOTION_FUZZ", "100"))):
        for data in (damaged(good, chance), reworded(document, binary, chance)):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    motion = parse_glb(data, "fuzz.glb")
            except UserError as error:
                assert str(error).isprintable()
            else:
                taken += 1
                assert np.isfinite(motion.joint_positions).all()
    assert taken, "nothing was ever read: the damage is too large to test anything"


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, most of them in the numbers, and sometimes some cut out, with the lengths set right again."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        changed[chance.randrange(len(changed))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    if chance.random() < 0.2:
        at = chance.randrange(12, len(changed))
        del changed[at : at + chance.randint(1, 40)]
        changed[8:12] = struct.pack("<I", len(changed))
    return bytes(changed)


NASTY = """[null, true, -1, 0, 1, 2, 3, 22, 1000000000, 1099511627776, 1e-30, 1e5, 1e999, "", "Hips", "VEC3", "STEP", [], [0],
            [1, 1], {}, [[]], {"a": 1}]"""


def reworded(document: Any, binary: bytes, chance: random.Random) -> bytes:
    """Some values in the JSON exchanged for others, or gone."""
    document, nasty = json.loads(json.dumps(document)), json.loads(NASTY)
    for _ in range(chance.randint(1, 3)):
        place, key = document, chance.choice(list(document))
        while isinstance(place[key], dict | list) and place[key] and chance.random() < 0.85:
            place = place[key]
            key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
        if chance.random() < 0.2:
            del place[key]
        else:
            place[key] = nasty.pop(chance.randrange(len(nasty)))
        if not document:
            break
    return packed(document, binary)
