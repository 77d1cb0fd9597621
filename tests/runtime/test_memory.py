"""Memory that is left, and what is refused for want of it."""

from __future__ import annotations

import os

import pytest

from tf_medsynth.runtime.memory import available_memory, check_memory
from tf_medsynth.types import MedSynthError


def test_what_is_left_is_some_of_what_is_there():
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0.01 * whole < available_memory() <= whole


def test_what_cannot_fit_is_told_in_one_line_with_its_settings():
    check_memory("a patient", 2.0**20, "Ask for less.", size=32)
    with pytest.raises(
        MedSynthError, match=r"^a patient must fit into memory\. Received: size=99, needed_gib="
    ) as e:
        check_memory("a patient", 2.0**60, "Ask for less.", size=99)
    assert str(e.value).endswith("Ask for less.") and "available_gib=" in str(e.value)
