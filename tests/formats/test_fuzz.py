"""Hostile input: every reader answers any bytes with a motion or with one sentence, quickly and in little memory.

VIMOTION_FUZZ=2000 tries as many inputs for each reader; the default is small enough for every run of the tests.
"""

import io
import os
import struct
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_motions import MADE

from vimotion.errors import UserError
from vimotion.formats.acclaim import parse_acclaim
from vimotion.formats.bvh import parse_bvh
from vimotion.formats.joint_names import read_table
from vimotion.formats.npz import parse_npz
from vimotion.formats.retarget import to_interaction
from vimotion.motion import Interaction

fuzz = settings(
    max_examples=int(os.environ.get("VIMOTION_FUZZ", "150")),
    deadline=3000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
BVHS = [(MADE / name).read_bytes() for name in ("person.bvh", "odd_axes.bvh", "lost_bones.bvh")]
ASF, AMC = (MADE / "person.asf").read_bytes(), (MADE / "person.amc").read_bytes()
NPZ, AMASS = ((MADE / name).read_bytes() for name in ("person.npz", "person.amass.npz"))


def read_bvh(data: bytes) -> Interaction:
    return to_interaction(*parse_bvh(data, "fuzz.bvh"), "fuzz.bvh")


def read_asf(data: bytes) -> Interaction:
    return to_interaction(*parse_acclaim(data, AMC, "fuzz.asf", "good.amc"), "fuzz.asf")


def read_amc(data: bytes) -> Interaction:
    return to_interaction(*parse_acclaim(ASF, data, "good.asf", "fuzz.amc"), "fuzz.amc")


def read_npz(data: bytes) -> Interaction:
    return parse_npz(io.BytesIO(data), "fuzz.npz")


def answers(read: Callable[[bytes], Interaction], data: bytes) -> str | None:
    """The sentence of the refusal, None when the input was taken. Anything else fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*moves too slowly.*")
        try:
            motion = read(data)
        except UserError as error:
            sentence = str(error)
            assert sentence.endswith(".") and "\n" not in sentence and 10 < len(sentence) < 500, sentence
            return sentence
    assert np.isfinite(motion.joint_positions).all()
    return None


NASTY = [
    b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0", b"1e5", b"999999", b"99999999999999999999", b"0x10", b"{", b"}", b"{{{{",
    b"}}}}", b"JOINT x", b"ROOT Hips", b"End Site", b"OFFSET", b"CHANNELS 3", b"CHANNELS -1 Xrotation", b"MOTION", b"Frames: 0",
    b"Frames: 999999999", b"Frame Time: 0", b"Frame Time: 1e-30", b"\x00", b"\xff\xfe", b"\r", b"\n\n", "０１".encode(),
    b":root", b":bonedata", b"begin", b"end", b"dof rx rx", b"dof tx", b"root root", b"axis 0 0 0 XXX", b"length 0",
    b"direction 0 0 0",    b"PK\x05\x06", b"PK\x03\x04", b"'shape': (99999999999, 2, 22, 3)", 
    b"'descr': '|O'", b"#", b"1_0", b" ", b"",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, sources: list[bytes]) -> bytes:
    """A good file with some places replaced, repeated, cut out, or its end cut off."""
    data = draw(st.sampled_from(sources))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 60)))
        piece = draw(st.one_of(st.sampled_from(NASTY), st.binary(max_size=30), st.just(data[start:stop] * 3)))
        data = data[:start] + piece + data[stop:]
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@st.composite
def reworded(draw: st.DrawFn, sources: list[bytes]) -> bytes:
    """A good text file with whole words exchanged, so that more of it is understood before it goes wrong."""
    words = draw(st.sampled_from(sources)).split(b" ")
    numbers = st.floats(width=32).map(lambda value: repr(value).encode())
    for _ in range(draw(st.integers(1, 6))):
        words[draw(st.integers(0, len(words) - 1))] = draw(st.one_of(st.sampled_from(NASTY), numbers))
    return b" ".join(words)


def any_input(sources: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(st.binary(max_size=300), mutated(sources), reworded(sources))


@fuzz
@given(any_input(BVHS))
def test_bvh(data: bytes) -> None:
    answers(read_bvh, data)


@fuzz
@given(any_input([ASF]))
def test_asf(data: bytes) -> None:
    answers(read_asf, data)


@fuzz
@given(any_input([AMC]))
def test_amc(data: bytes) -> None:
    answers(read_amc, data)


@fuzz
@given(st.one_of(st.binary(max_size=300), mutated([NPZ, AMASS])))
def test_npz_bytes(data: bytes) -> None:
    answers(read_npz, data)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """A good archive, ours or AMASS', with some arrays exchanged for others of any type, shape and content."""
    with np.load(io.BytesIO(draw(st.sampled_from([NPZ, AMASS])))) as file:
        good = dict(file)
    arrays = dict(good)
    for key in draw(st.sets(st.sampled_from(sorted(good)), min_size=1, max_size=3)):
        array = good[key]
        if array.dtype.kind not in "fi":  # words, which nobody reads
            continue
        kind = draw(st.sampled_from(["type", "shape", "value", "axis", "gone", "scale"]))
        if kind == "type":
            types = ["f2", "f4", "f8", "i1", "u8", "c8", "S4", "U4", "?", "O", ">f4", "g"]
            arrays[key] = np.abs(array).astype(draw(st.sampled_from(types)))
        elif kind == "shape":
            arrays[key] = np.zeros(draw(st.lists(st.integers(0, 5), max_size=6)), array.dtype)
        elif kind == "value":
            arrays[key] = array.astype(np.float64)
            arrays[key].flat[draw(st.integers(0, array.size - 1))] = draw(st.floats())
        elif kind == "axis" and array.ndim:
            arrays[key] = np.moveaxis(array, 0, -1)
        elif kind == "gone":
            del arrays[key]
        elif kind == "scale":
            arrays[key] = array.astype(np.float64) * draw(st.floats(-1e30, 1e30))
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez(buffer, **arrays)
    return buffer.getvalue()


@fuzz
@given(archives())
def test_npz_arrays(data: bytes) -> None:
    answers(read_npz, data)


TABLE = b"joints:\n  pelvis: [hip, root]\n  head: Head\nturns_with: {head: skull}\nlost_bones: {thorax: 1.0}\ntrue_fps: 120\n"


@fuzz
@given(
    st.one_of(st.binary(max_size=200), mutated([TABLE]), st.text(alphabet="[]{}:&*a- \n\"'!#|>1.", max_size=60).map(str.encode))
)
def test_joint_map(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "map.yaml"
    path.write_bytes(data)
    try:
        read_table(path)
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("read", "data"), [(read_bvh, BVHS[1]), (read_asf, ASF), (read_amc, AMC), (read_npz, NPZ), (read_npz, AMASS)]
)
def test_cut_off_anywhere(read: Callable[[bytes], Interaction], data: bytes) -> None:
    """A file without its last line or more is never taken for a whole one (a cut inside the last number cannot be told)."""
    step = max(1, len(data) // 120)
    last_line = data.rstrip().rfind(b"\n") if read is not read_npz else len(data)
    for size in range(0, len(data), step):
        said = answers(read, data[:size])
        whole_frame = read is read_amc and data[:size].rstrip().split(b"\n")[-1].startswith(b"rhand")  # AMC tells no count
        assert said or size > last_line or whole_frame, size


def small_and_quick(read: Callable[[bytes], Interaction], data: bytes) -> str:
    tracemalloc.start()
    begin = time.perf_counter()
    said = answers(read, data)
    seconds, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6 + 12 * len(data), f"{peak / 1e6:.0f} MB"
    assert seconds < 5
    return said or ""


def test_absurd_counts_take_no_room() -> None:
    for count in (999_999_999, 72_000, 17_999):
        data = BVHS[0].replace(b"Frames: 6", b"Frames: %d" % count)
        assert "Frames" in data.decode()
        assert small_and_quick(read_bvh, data)
    small_and_quick(read_bvh, BVHS[0].replace(b"Frame Time: 0.033333333", b"Frame Time: 1000"))


def test_deep_and_wide_hierarchies() -> None:
    joint = b"JOINT x\n{\nOFFSET 0 0 0\n"
    for head in (b"HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\n" + joint * 20_000, b"HIERARCHY\n" + b"{" * 500_000):
        small_and_quick(read_bvh, head + b"\nMOTION\nFrames: 1\nFrame Time: 0.1\n0\n")
    wide = b"HIERARCHY\nROOT Hips {\nOFFSET 0 0 0\n" + (joint + b"}\n") * 5000 + b"}\nMOTION\nFrames: 1\nFrame Time: 0.1\n0\n"
    assert "joints" in small_and_quick(read_bvh, wide)
    bone = b"begin\nname b%d\ndirection 1 0 0\nlength 1\naxis 0 0 0 XYZ\nend\n"
    many = ASF.replace(b":hierarchy", b"".join(bone % index for index in range(2000)) + b":hierarchy")
    assert "bones" in small_and_quick(read_asf, many)


def test_endless_words_and_lines() -> None:
    small_and_quick(read_bvh, BVHS[0].replace(b"JOINT Spine1", b"JOINT " + b"x" * 900_000))
    small_and_quick(read_bvh, BVHS[0] + b"1 " * 1_000_000)
    small_and_quick(read_bvh, BVHS[0].replace(b"OFFSET", b"OFFSET " + b"9" * 400_000, 1))
    small_and_quick(read_amc, AMC + b"1\n" * 200_000)
    small_and_quick(read_asf, b":root " + b"x " * 300_000)


def _archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with np.load(MADE / "person.npz") as file, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in file.files:
            content = io.BytesIO()
            np.save(content, file[key])
            archive.writestr(f"{key}.npy", members.get(key, content.getvalue()))
    return buffer.getvalue()


def _npy(shape: str, descr: str = "<f4") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def test_zip_bombs_and_false_headers() -> None:
    zeros = bytes(60_000_000)
    assert "shape" in small_and_quick(read_npz, _archive(offsets=_npy("(50000000,)") + zeros))
    assert "longer" in small_and_quick(read_npz, _archive(offsets=_npy("(2, 22, 3)") + zeros))
    assert "shape" in small_and_quick(read_npz, _archive(posed_joints=_npy("(99999999999, 2, 22, 3)")))
    for key, shape in (("posed_joints", "(17000, 2, 22, 3)"), ("local_rot_mats", "(6, 2, 22, 3, 3)")):
        small_and_quick(read_npz, _archive(**{key: _npy(shape)}))
    for shape in ("(" * 2000, "(-1,)", "(1.5,)", "[6, 2, 22, 3]", "(__import__('os'),)"):
        small_and_quick(read_npz, _archive(posed_joints=_npy(shape)))
    nested = _npy("(6,)").replace(b"'descr'", b"'" + b"-" * 60 + b"descr'")
    small_and_quick(read_npz, _archive(offsets=nested))


def test_a_zip_directory_of_millions_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(2000):
            archive.writestr(f"{index}", b"")
    assert "directory" in small_and_quick(read_npz, buffer.getvalue())


def test_joint_maps_that_grow(tmp_path: Path) -> None:
    nine = [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    (tmp_path / "map.yaml").write_text("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(nine) + "joints: {head: *i}\n")
    with pytest.raises(UserError):
        read_table(tmp_path / "map.yaml")
