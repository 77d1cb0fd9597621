"""The numbers of a certificate that a card shows: where each comes from, and what is missing."""

from tests.reports.evidence_examples import CERTIFICATE
from tf_medsynth.reports.certificate_tables import certificate_tables
from tf_medsynth.reports.tables import UNKNOWN

PERCENT = "\N{NO-BREAK SPACE}%"


def rows(table) -> dict[str, list[str]]:
    return {row[0]: list(row[1:]) for row in table.rows}


def test_registration_stands_beside_the_other_set():
    side = {
        "shift_px": {"median": 0.1, "p95": 0.3, "unmeasured": 2},
        "local_shift_px": {"median": 0.0, "p95": 2.0},
        "pair_shift_px": {"T1-T2": {"median": 0.05, "p95": 0.2}},
        "edge_overlap": {"T1": {"median": 0.9}},
    }
    shifts, lines = certificate_tables({"kind": "registration", **side, "beside": side})
    assert rows(shifts)["worst pair, px"] == ["0.100", "0.300"] * 2
    assert rows(shifts)["T1-T2, px"] == ["0.050", "0.200"] * 2 and "2 samples" in shifts.note
    assert rows(lines) == {"T1": [f"90.0{PERCENT}"] * 2}


def test_registration_alone_has_one_side():
    (shifts,) = certificate_tables({"kind": "registration", "shift_px": {"median": 0.1}, "beside": None})
    assert rows(shifts)["worst pair, px"] == ["0.100", UNKNOWN] and len(shifts.columns) == 3


def test_memorisation_tells_each_space_and_how_the_threshold_came():
    space = {"threshold": 0.2, "judged": 50, "copies": 3, "copy_share": 0.06}
    space |= {"samples": {"median": 0.4}, "heldout": {"median": 0.5}}
    counts = {"training": 90, "training_patients": 9, "heldout_patients": 4}
    held = {"kind": "memorisation", "spaces": {"pixel": space}, "counts": counts, "false_alarm": 0.01}
    (table,) = certificate_tables({**held, "patients_not_compared": 2})
    assert "NOT COMPARED: 2 patients" in table.note
    assert rows(table)["pixel"] == ["0.200", "3 of 50", f"6.0{PERCENT}", "0.400", "0.500"]
    assert "90 slices of 9 training patients" in table.note and "4 held-out patients" in table.note


def test_lesion_compares_with_real_patients():
    (table,) = certificate_tables(CERTIFICATE)
    assert rows(table)["whole lesion: dice"][:2] == [
        "0.610 (0.550 to 0.660; n = 3)",
        "0.800 (0.700 to 0.900; n = 6)",
    ]
    assert "3 judges" in table.note


def test_what_is_not_known_has_no_table_of_its_own():
    assert certificate_tables({"kind": "sharpness", "spaces": {}}) is None
    assert certificate_tables({"kind": "memorisation"}) is None
