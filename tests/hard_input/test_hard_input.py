"""Some hundred bad inputs, each told in one line, in time, in memory, with nothing left behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hard_input import forks

ROOT = Path(__file__).resolve().parents[2]
TABLES = {table: {case.name: case for case in forks.cases_of(table)} for table in forks.tables()}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[tuple[str, str], dict]:
    work = tmp_path_factory.mktemp("hard")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.hard_input.forks", str(work), *TABLES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    rows = [json.loads(line) for line in (work / "results.jsonl").read_text().splitlines()]
    return {(row["table"], row["name"]): row for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize(("table", "name"), [(table, name) for table in TABLES for name in TABLES[table]])
def test_a_bad_input_is_told_in_one_line(results, table, name):
    case, found = TABLES[table][name], results[table, name]
    told = found["stderr"].rstrip().rpartition("\n")[2]
    assert not found["killed"], f"{found['killed']}: {found['seconds']} s, {found['mebibytes']} MiB"
    assert found["status"] == case.status, told
    assert "Traceback" not in found["stderr"] and ": unexpected " not in told, found["stderr"]
    verdict = case.words[0] == "doctor" and bool(found["stdout"])  # exit status 2: unusable
    if case.status == 2 and not verdict:
        assert re.match(r"medsynth( \w+)?: ", told), told
        assert found["new"] == []
    else:
        assert case.status != 2 or found["new"] == []
        told = found["stdout"] + found["stderr"]
    assert re.search(case.rule, told), told


def test_no_two_cases_share_a_name():
    for table in forks.tables():
        names = [case.name for case in forks.cases_of(table)]
        assert len(names) == len(set(names)), table
