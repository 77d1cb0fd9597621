"""Work in forks that are killed at a named moment; for programs that import TensorFlow but do not run it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Moment(NamedTuple):
    """When a file called `name` takes its place for the `number`-th time, just before or `after`."""

    name: str
    after: bool = False
    number: int = 1


def in_fork(work: Callable[[], Any], moment: Moment | None = None) -> int:
    """Exit status of a fork that does `work`: 0, or ``-SIGKILL`` where it came to `moment`."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            if moment is not None:
                os.replace = _deadly(os.replace, moment)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_and_run_again(work: Callable[[], Any], moments: Sequence[Moment]) -> None:
    """Does `work` again and again, killed at each of the moments in turn, and at last to its end."""
    for when in (*moments, None):
        status, wanted = in_fork(work, when), -signal.SIGKILL if when else 0
        if status != wanted:
            sys.exit(f"{when}: status {status}, wanted {wanted}")


def _deadly(replace: Callable[..., None], moment: Moment) -> Callable[..., None]:
    left = [moment.number]

    def replacing(source: Any, target: Any, **named: Any) -> None:
        comes = Path(target).name == moment.name and not Path(target).parent.name.startswith(".partial")
        left[0] -= comes
        due = comes and not left[0]
        if due and not moment.after:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target, **named)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)

    return replacing
