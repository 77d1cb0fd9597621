"""Words of the command line that no verb can follow."""

from __future__ import annotations

from tests.hard_input.case import Case

_PHANTOM = ("phantom", "--out", "{here}/o", "--size", "32")

CASES = [
    Case("phantom: no patients", (*_PHANTOM, "--patients", "0"), r"patients"),
    Case("phantom: patients less than none", (*_PHANTOM, "--patients", "-3"), r"patients"),
    Case("phantom: half a patient", (*_PHANTOM, "--patients", "1.5"), r"invalid int value: '1.5'"),
]
