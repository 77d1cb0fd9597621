"""The ``medsynth`` command: finds the verb, prints its result, turns errors into one line."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import re
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

# Threads of the linear algebra library only get into the way of TensorFlow's; it reads this at import.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import tf_medsynth
from tf_medsynth.cli import (
    audit,
    demo,
    doctor,
    evaluate,
    export,
    gallery,
    generate,
    nnunet,
    options,
    phantom,
    pipeline,
    prepare,
    report,
    sample,
    serve,
    study,
    train,
)
from tf_medsynth.runtime import FAILED, answering, disk_error, json_text, log_to_stderr
from tf_medsynth.types import MedSynthError

VERBS = {
    "phantom": phantom,
    "doctor": doctor,
    "prepare": prepare,
    "train": train,
    "generate": generate,
    "audit": audit,
    "evaluate": evaluate,
    "study": study,
    "report": report,
    "export": export,
    "nnunet": nnunet,
    "sample": sample,
    "serve": serve,
    "gallery": gallery,
    "pipeline": pipeline,
    "demo": demo,
}
INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as shells have it."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.register("type", Path, options.place)  # whatever option takes a path

    def error(self, message: str) -> NoReturn:
        """Leaves with one line instead of the whole usage."""
        self.exit(FAILED, f"{self.prog}: {message.rstrip('.')}. See {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = _Parser(prog="medsynth", description=(tf_medsynth.__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", action="version", version=tf_medsynth.__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, module in VERBS.items():
        about = f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}."
        verb = verbs.add_parser(name, help=module.SUMMARY, description=about, allow_abbrev=False)
        module.add_arguments(verb)
        options.add_output(verb)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: the verb's own (0, or what doctor says), 2 after an error, 130 after Ctrl-C."""
    with answering():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    arguments = build_parser().parse_args(argv)
    log_to_stderr()
    try:
        # Libraries print their progress; standard output is for the result alone.
        with contextlib.redirect_stdout(sys.stderr):
            result = VERBS[arguments.verb].run(arguments)
        text = json_text(as_dict(result)) if arguments.json else as_text(result)
    except (Exception, KeyboardInterrupt) as error:
        if arguments.debug:
            traceback.print_exc()
        print(f"medsynth {arguments.verb}: {one_line(error, arguments)}", file=sys.stderr)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
    print(text)
    return int(getattr(result, "exit_status", 0))


def as_dict(result: Any) -> dict[str, Any]:
    """`result` of a verb as a dictionary, for ``--json``."""
    if hasattr(result, "to_dict"):
        return dict(result.to_dict())
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return dataclasses.asdict(result)
    if isinstance(result, Mapping):
        return dict(result)
    return {"result": result}


def as_text(result: Any) -> str:
    """`result` of a verb for a reader."""
    if hasattr(result, "render"):
        return str(result.render())
    values = as_dict(result).values()
    return "\n".join(
        str(item) for value in values for item in (value if isinstance(value, list) else [value])
    )


def one_line(error: BaseException, arguments: argparse.Namespace) -> str:
    """What went wrong, on one line, with the remedy where one is known."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted." + (" --resume goes on from here." if hasattr(arguments, "resume") else "")
    said = _said(str(error))
    if isinstance(error, MedSynthError) or said[0].startswith(_OURS):  # AutoGraph changes their type
        return " ".join(said).removeprefix(_OURS)
    number = error.errno if isinstance(error, OSError) else disk_error(error)
    if number is not None:
        given = (getattr(error, name, None) for name in ("filename", "filename2"))
        names = [os.fspath(name) for name in given if isinstance(name, str | bytes | os.PathLike)]
        return f"{os.strerror(number)}. Received: path={names!r}. Check the path, its rights and the disk."
    return f"unexpected {type(error).__name__}: {said[0].removesuffix('.')}. --debug shows where."


_OURS = f"{MedSynthError.__name__}: "
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_WRAPPED = re.compile(r"Exception encountered when calling|.*:$")
_FRAME = re.compile(r"Detected at node|File \"|[~^*]+$")
_ERROR = re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception)): *(.*)")


def _said(message: str) -> list[str]:
    """The lines of a message that say what is wrong, without the stack that libraries put before them.

    AutoGraph gives ``in user code:``, files and lines of code, then ``TypeError: the cause``; TensorFlow
    ``Graph execution error:``, files, the cause; Keras the layer, the cause, all its arguments.
    """
    lines = [line.strip() for line in _COLOURS.sub("", message).splitlines() if line.strip()] or [""]
    while len(lines) > 1 and _WRAPPED.match(lines[0]):
        by_autograph = lines[0] == "in user code:"
        lines = [line for line in lines[1:] if not _FRAME.match(line)] or lines[:1]
        named = [(number, match) for number, match in enumerate(map(_ERROR.match, lines)) if match]
        if by_autograph and named:
            number, match = named[-1]
            cause = match[0] if match[0].startswith(_OURS) else match[2]
            lines = [cause, *lines[number + 1 :]]
    return lines


if __name__ == "__main__":
    sys.exit(main())
