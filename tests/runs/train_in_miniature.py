"""Trains one tiny stage in a process of its own: ``JSON``, the arguments of `train`; made to be killed."""

import json
import sys
from types import SimpleNamespace

from tests import conftest, tiny
from tf_medsynth.runs.train import train

if __name__ == "__main__":
    conftest.pytest_configure(SimpleNamespace(option=SimpleNamespace()))  # type: ignore[arg-type]
    arguments = json.loads(sys.argv[1])
    train(overrides={**tiny.OVERRIDES[arguments["stage"]], **arguments.pop("changes")}, **arguments)
