"""Progress on a terminal and in a log."""

import logging
import sys

import pytest

from tf_medsynth.runtime import progress
from tf_medsynth.runtime.terminal import _duration, _progress_line


@pytest.fixture
def messages(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("medsynth"), "propagate", True)
    caplog.set_level(logging.INFO, "medsynth")
    return lambda: [record.getMessage() for record in caplog.records]


def test_items_pass_unchanged_and_one_quiet_line_ends_the_loop(messages):
    assert list(progress(range(3), label="structure", unit="step")) == [0, 1, 2]
    assert messages() == ["structure: 3 steps in 0 s"]


def test_lines_tell_count_share_and_time_left(messages):
    list(progress(range(4), label="structure", unit="step", every=0.0))
    assert len(messages()) == 4
    assert messages()[0].startswith("structure: 1/4 steps (25 %), ")
    assert messages()[0].endswith(" left")


def test_a_loop_over_nothing_says_nothing(messages):
    assert list(progress([], label="structure")) == []
    assert messages() == []


def test_without_a_length_there_is_no_share(messages):
    list(progress(iter("ab"), every=0.0))
    assert messages()[0].startswith("1 item, ")
    assert "%" not in "".join(messages())


def test_time_left_is_linear_in_what_is_left():
    line = _progress_line(120, 400, "structure", "step", 35.0)
    assert line == "structure: 120/400 steps (30 %), 35 s so far, 1 min 22 s left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (3661, "1 h 1 min")]
)
def test_duration(seconds, text):
    assert _duration(seconds) == text


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(progress(range(5), label="structure", unit="step")) == list(range(5))
    assert "structure: 100%" in capsys.readouterr().err
