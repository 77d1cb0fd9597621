"""Records are whole and of their types, or told in one line that names the file and the place."""

from __future__ import annotations

import json
import os
import pickle
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
import pytest

from tf_medsynth import runtime
from tf_medsynth.runtime.typed import typed
from tf_medsynth.types import MedSynthError


class Row(TypedDict):
    verb: str
    seconds: float


class Whole(TypedDict):
    size: tuple[int, int]
    rows: dict[str, list[Row]]
    kind: Literal["a", "b"]
    low: float | None
    sure: NotRequired[bool]
    value: NotRequired[int | str]


SOUND: dict[str, Any] = {
    "size": [4, 5],
    "rows": {"x": [{"verb": "v", "seconds": 1}]},
    "kind": "a",
    "low": None,
}


@pytest.mark.parametrize(
    "changes",
    [{}, {"sure": True, "low": 1.5, "value": 3}, {"value": "three", "unknown": object}, {"rows": {}}],
)
def test_a_value_of_its_types_is_kept_as_it_is(changes):
    value = {**SOUND, **changes}
    assert typed(value, Whole) is value


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"size": [4]}, r"'size' of a record must be a list of 2.*list.*\[4\]"),
        ({"size": [4, True]}, r"'size\[1\]' of a record must be a whole number.*kind='bool'"),
        ({"size": [4, 5.0]}, r"'size\[1\]'.*whole number.*float"),
        ({"size": {}}, r"'size'.*must be a list of 2.*dict"),
        ({"rows": []}, r"'rows'.*must be an object.*list"),
        ({"rows": {"x": {}}}, r"'rows\.x'.*must be a list"),
        ({"rows": {"x": [{"verb": "v"}]}}, r"'rows\.x\[0\]' of a record must have seconds"),
        ({"rows": {"x": [{"verb": 1, "seconds": 1}]}}, r"'rows\.x\[0\]\.verb'.*must be a text"),
        ({"rows": {"x": [{"verb": "", "seconds": "1"}]}}, r"seconds'.*must be a number"),
        ({"rows": {"x": [{"verb": "", "seconds": float("inf")}]}}, r"seconds'.*must be a number"),
        ({"kind": "c"}, r"'kind'.*must be one of a, b"),
        ({"kind": ["a"]}, r"'kind'.*must be one of a, b"),
        ({"low": "1"}, r"'low'.*must be a number"),
        ({"sure": 1}, r"'sure'.*true or false"),
        ({"value": 1.5}, r"'value'"),
        ({"size": "x" * 10_000}, r"'size'"),
    ],
)
def test_the_first_place_that_differs_is_named(changes, told):
    with pytest.raises(MedSynthError, match=told) as caught:
        typed({**SOUND, **changes}, Whole)
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_a_missing_key_is_named_and_a_record_is_an_object(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("{}")
    with pytest.raises(MedSynthError, match=r"must have size, rows, kind\. .*File: '.*a\.json'\. Mend it\.$"):
        runtime.read_record(file, Whole, "Mend it.")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b"\xff\xfe\x00", "utf-8"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[" * 100_000, "deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b"[]", "not an object"),
        (b"\x00\x00", "Expecting value"),
    ],
)
def test_garbage_is_told(tmp_path, content, reason):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(MedSynthError, match=rf"whole JSON object.*{reason}.*a\.json") as caught:
        runtime.read_json(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_told_and_does_not_hang(tmp_path):
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("folder.json", "pipe.json"):
        with pytest.raises(MedSynthError, match="Not a file"):
            runtime.read_json(tmp_path / name)
        with pytest.raises(MedSynthError, match="Not a file"):
            runtime.read_lines(tmp_path / name, Row)
        with pytest.raises(MedSynthError, match="Not a file"):
            runtime.read_array(tmp_path / name, "uint8", (None,))


def test_half_a_line_at_the_end_is_passed_over_and_garbage_before_it_is_told(tmp_path, caplog):
    file = tmp_path / "steps.jsonl"
    assert runtime.read_lines(file, Row) == []
    whole = '{"verb": "v", "seconds": 1}'
    file.write_text(f"{whole}\n{whole}\n{whole[:9]}")
    assert len(runtime.read_lines(file, Row)) == 2 and "cut off" in caplog.text
    file.write_text(f"{whole}\n{whole}")
    assert len(runtime.read_lines(file, Row)) == 2
    file.write_text(f"{whole}\n{whole[:9]}\n{whole}\n")
    with pytest.raises(MedSynthError, match=r"every line is a JSON object.*steps\.jsonl, line 2'\. Mend it"):
        runtime.read_lines(file, Row, "Mend it.")
    file.write_text(f'{whole}\n{{"verb": 1, "seconds": 1}}\n')
    with pytest.raises(MedSynthError, match=r"'verb'.*must be a text.*line 2"):
        runtime.read_lines(file, Row)


@pytest.mark.parametrize(
    ("held", "kept"), [("", []), ('{"n": 0', []), ('{"n": 0}', [0]), ('{"n": 0}\n', [0])]
)
def test_the_next_line_starts_on_a_line_of_its_own(tmp_path, held, kept):
    file = tmp_path / "steps.jsonl"
    file.write_text(held)
    runtime.append_line(file, '{"n": 1}')
    runtime.append_line(file, '{"n": 2}')
    text = file.read_text()
    assert [json.loads(line)["n"] for line in text.splitlines()] == [*kept, 1, 2] and text.endswith("\n")


def test_columns_of_numbers(tmp_path, caplog):
    file = tmp_path / "metrics.csv"
    assert runtime.read_columns(file, "step") == {}
    file.write_text("step,loss\r\n1,2.5\r\n2,nan\r\n3,1")
    found = runtime.read_columns(file, "step")
    assert found["step"] == [1.0, 2.0] and found["loss"][0] == 2.5 and "cut off" in caplog.text
    for text, told in (
        ("step,loss\n1,2\n3\n", r"a row holds 2 numbers.*line 3"),
        ("step,loss\n1,x\n", r"a row holds 2 numbers.*line 2"),
        ("loss,step\n1,2\n", r"step first.*line 1"),
        ("step,step\n1,2\n", r"step first"),
        ("\x00\x01\n", r"step first"),
    ):
        file.write_text(text)
        with pytest.raises(MedSynthError, match=told):
            runtime.read_columns(file, "step", "Remove it.")


class _Runs:
    def __reduce__(self):
        return os.system, ("touch ran",)


def test_arrays_are_whole_of_their_type_and_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "labels.npy"
    np.save(file, np.ones((3, 4, 5), np.uint8))
    assert runtime.read_array(file, "uint8", (None, 4, 5)).sum() == 60
    whole = file.read_bytes()
    with pytest.raises(MedSynthError, match=r"uint8 of the shape \(n, 4, 4\).*shape=\(3, 4, 5\)"):
        runtime.read_array(file, "uint8", (None, 4, 4))
    for content in (whole[:100], whole[:20], b"", b"\x93NUMPY garbage", b"PK\x03\x04", pickle.dumps(_Runs())):
        file.write_bytes(content)
        with pytest.raises(
            MedSynthError, match=r"whole \.npy file.*labels\.npy'\. Draw it again\."
        ) as caught:
            runtime.read_array(file, "uint8", (None, 4, 5), "Draw it again.")
        assert "\n" not in str(caught.value)
    np.save(file, np.array([_Runs()], object), allow_pickle=True)
    with pytest.raises(MedSynthError, match=r"whole \.npy file"):
        runtime.read_array(file, "uint8", (None,))
    assert not (tmp_path / "ran").exists()


def test_archives_are_whole_and_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "maps.npz"
    np.savez_compressed(file, maps=np.ones((3, 4)), masks=np.zeros(300))
    assert runtime.read_archive(file, ("maps", "masks"))["maps"].sum() == 12
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[60] ^= 255
    for content in (whole[: len(whole) // 2], bytes(flipped), b"", b"garbage", pickle.dumps(_Runs())):
        file.write_bytes(content)
        with pytest.raises(MedSynthError, match=r"whole \.npz file of maps, masks.*maps\.npz"):
            runtime.read_archive(file, ("maps", "masks"))
    np.savez(file, maps=np.array([_Runs()], object))
    with pytest.raises(MedSynthError, match=r"whole \.npz"):
        runtime.read_archive(file, ("maps",))
    assert not (tmp_path / "ran").exists()
