"""Work by a Beam pipeline: every item once, in several processes, and errors in one line."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.types import MedSynthError

ROOT = Path(__file__).resolve().parents[2]

if importlib.util.find_spec("apache_beam") is None:
    pytest.skip("Apache Beam is not installed", allow_module_level=True)


def note(folder: Path, number: int) -> None:
    """What a worker does here: it leaves its process's name."""
    check("an item is not 13", number != 13, number=number)
    (folder / str(number)).write_text(str(os.getpid()))


def test_in_process_every_item_is_worked_on(tmp_path):
    runtime.Beam().run(functools.partial(note, tmp_path), range(5))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        str(number): str(os.getpid()) for number in range(5)
    }


def test_an_error_of_an_item_is_told_in_one_line(tmp_path):
    with pytest.raises(MedSynthError, match=r"^an item is not 13. Received: number=13.$"):
        runtime.Beam().run(functools.partial(note, tmp_path), [12, 13])


@pytest.mark.slow
def test_several_processes_share_the_items_and_pass_errors_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    beam = runtime.beam_of(workers=2)
    assert beam is not None and beam.runner == "DirectRunner"
    beam.run(functools.partial(note, tmp_path), range(100, 120))
    processes = {path.read_text() for path in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == 20
    assert len(processes) == 2 and str(os.getpid()) not in processes
    with pytest.raises(MedSynthError, match=r"^an item is not 13. Received: number=13.$"):
        beam.run(functools.partial(note, tmp_path), [13])


def test_without_a_runner_or_workers_there_is_no_pipeline():
    assert runtime.beam_of() is None
    with pytest.raises(MedSynthError, match="need a Beam runner"):
        runtime.beam_of(options={"region": "here"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"runner": "FastRunner"}, r"unknown Beam runner.*DataflowRunner"),
        ({"workers": 0}, r"at least 1.*workers=0"),
        ({"runner": "SparkRunner", "workers": 2}, r"SparkRunner decides the number.*Leave it out"),
    ],
)
def test_words_that_mean_nothing_are_refused(words, message):
    with pytest.raises(MedSynthError, match=message):
        runtime.beam_of(**words)


def test_an_option_that_beam_does_not_have_is_refused():
    with pytest.raises(MedSynthError, match=r"no such pipeline option.*\['colour'\]"):
        runtime.Beam(options={"colour": "red"}).run(print, [1])


def test_workers_become_the_option_of_the_runner():
    chosen = runtime.Beam("DataflowRunner", 3, {"region": "r"})._pipeline_options().get_all_options()
    assert (chosen["num_workers"], chosen["max_num_workers"], chosen["region"]) == (3, 3, "r")


def test_missing_beam_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MedSynthError, match=r"needs Apache Beam.*tf_medsynth\[beam\]"):
        runtime.beam_of("DirectRunner")
