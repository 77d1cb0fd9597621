"""Records that the package wrote, read back whole and of the types that their schema states: see `typed`."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from tf_medsynth.config.base import check
from tf_medsynth.runtime.terminal import log
from tf_medsynth.runtime.typed import short, typed
from tf_medsynth.types import MedSynthError

T = TypeVar("T")

_DAMAGE = (OSError, ValueError, TypeError, SyntaxError, EOFError, MemoryError, KeyError, zipfile.BadZipFile)
"""What NumPy raises of files that are no arrays."""


def read_record(path: Path | str, schema: type[T], remedy: str = "") -> T:
    """The JSON object that `write_json` left at `path`, of the type `schema`.

    Raises:
        MedSynthError: no such file, no whole JSON object, or other types than those of the schema.
    """
    with of_file(path, remedy):
        value: Any = None
        reason = "not an object"
        try:
            value = _parsed(_text(path))
        except OSError as error:
            reason = error.strerror or str(error)
        except ValueError as error:
            reason = str(error)
        check("a record must be a whole JSON object", isinstance(value, dict), reason=reason)
        return cast(T, typed(value, schema))


def read_json(path: Path | str, remedy: str = "") -> dict[str, Any]:
    """As `read_record`, of an object with whatever is in it."""
    return read_record(path, dict[str, Any], remedy)


def read_lines(path: Path | str, schema: type[T], remedy: str = "") -> list[T]:
    """The rows of a file of JSON lines, each of the type `schema`; none where there is no file.

    A last line without its end was cut off with its writer: it is passed over with a remark, unless it
    is whole but for that end.

    Raises:
        MedSynthError: unreadable, or a row that is no JSON or of other types, by its number.
    """
    found: list[T] = []
    for number, line, whole in _lines(path, remedy):
        try:
            with of_file(f"{path}, line {number}", remedy):
                found.append(cast(T, typed(_parsed_line(line), schema)))
        except MedSynthError:
            if whole:
                raise
            _told_cut_off(path)
    return found


def read_columns(path: Path | str, first: str, remedy: str = "") -> dict[str, list[float]]:
    """Columns of a CSV file of numbers by their heading, of which `first` comes first; none without a file.

    A last row without its end was cut off with its writer and is passed over with a remark.

    Raises:
        MedSynthError: unreadable, other headings, or a row that is not one number a column.
    """
    rows: list[list[float]] = []
    names: list[str] = []
    for number, line, whole in _lines(path, remedy):
        with of_file(f"{path}, line {number}", remedy):
            cells = next(csv.reader([line]), [])
            if not whole:
                _told_cut_off(path)
            elif not names:
                sound = cells[0] == first and all(cells) and len(set(cells)) == len(cells)
                check(f"columns have names of their own, {first} first", sound, columns=short(cells))
                names = cells
            else:
                numbers = [_number(cell) for cell in cells]
                fits = len(cells) == len(names) and None not in numbers
                check(f"a row holds {len(names)} numbers", fits, row=short(line))
                rows.append(cast(list[float], numbers))
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def read_text(path: Path | str, remedy: str = "") -> str:
    """The UTF-8 text of a file.

    Raises:
        MedSynthError: no such file, or no text.
    """
    text, reason = "", ""
    try:
        text = _text(path)
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error)
    with of_file(path, remedy):
        check("a record must be a text file", not reason, reason=reason)
    return text


def read_array(path: Path | str, dtype: str, shape: Sequence[int | None], remedy: str = "") -> Any:
    """The array in a ``.npy`` file, memory-mapped; no object in it is ever restored.

    Args:
        dtype: e.g. ``uint8``.
        shape: of the array; None where any length will do.

    Raises:
        MedSynthError: no such file, no whole array, or one of another type or shape.
    """
    import numpy as np

    with of_file(path, remedy):
        array, reason = None, ""
        try:
            _regular(path)
            array = np.lib.format.open_memmap(path, mode="r")
        except _DAMAGE as error:
            reason = str(error).partition("\n")[0]
        check("an array must be a whole .npy file", array is not None, reason=reason)
        assert array is not None
        fits = array.ndim == len(shape) and all(
            w in (None, h) for w, h in zip(shape, array.shape, strict=True)
        )
        wanted = f"{dtype} of the shape ({', '.join('n' if n is None else str(n) for n in shape)})"
        check(
            f"this array is {wanted}",
            fits and array.dtype == dtype,
            dtype=str(array.dtype),
            shape=array.shape,
        )
        return array


def read_archive(path: Path | str, names: Sequence[str], remedy: str = "") -> Mapping[str, Any]:
    """The arrays of those names in a ``.npz`` file, read whole; no object in it is ever restored.

    Raises:
        MedSynthError: no such file, a damaged one, or one without these arrays.
    """
    import numpy as np

    held, reason = None, ""
    try:
        _regular(path)
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in names}
    except (*_DAMAGE, zlib.error, NotImplementedError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
    with of_file(path, remedy):
        check(f"an archive must be a whole .npz file of {', '.join(names)}", held is not None, reason=reason)
    return held or {}


def append_line(path: Path | str, text: str) -> None:
    """Adds `text` as a line of its own, in one piece, and on the disk when this returns.

    What a killed writer left of a line is taken away first; a whole line without its end is ended.
    """
    with Path(path).open("a+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        held = file.read()
        tail = held.rpartition(b"\n")[2]
        if tail and not _is_object(tail):
            file.truncate(len(held) - len(tail))
            tail = b""
        file.write((b"\n" if tail else b"") + text.encode() + b"\n")
        os.fsync(file.fileno())


@contextlib.contextmanager
def of_file(path: Path | str, remedy: str = "") -> Iterator[None]:
    """Context that adds the file and what to do about it to every refusal of what the file holds."""
    try:
        yield
    except MedSynthError as error:
        raise MedSynthError(f"{error} File: {str(path)!r}.{f' {remedy}' if remedy else ''}") from error


def _parsed(text: str) -> Any:
    """JSON as `write_json` writes it.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _parsed_line(line: str) -> Any:
    try:
        return _parsed(line)
    except ValueError as error:
        check("every line is a JSON object", False, line=short(line), reason=str(error))


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_parsed(line.decode()), dict)
    except ValueError:
        return False


def _text(path: Path | str) -> str:
    _regular(path)
    return Path(path).read_text(encoding="utf-8")


def _regular(path: Path | str) -> None:
    """Raises `OSError` for what is no file: a named pipe would be read for ever."""
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise OSError("Not a file")


def _lines(path: Path | str, remedy: str) -> Iterator[tuple[int, str, bool]]:
    """Number, text, and whether it has its end, of every line; empty ones left out."""
    if not Path(path).exists():
        return
    lines = read_text(path, remedy).split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line.removesuffix("\r"), number < len(lines)


def _told_cut_off(path: Path | str) -> None:
    log.warning("%s: the last line was cut off when it was written, and is passed over", path)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
