from __future__ import annotations

import copy

from tests.reports.evidence_examples import CERTIFICATE, STUDY
from tf_medsynth.config.bounds import ReportConfig
from tf_medsynth.reports.evidence import certificate_evidence, study_evidence

HASHES = {"file": "1234"}


def cells(evidence) -> str:
    return "\n".join(" | ".join(row) for table in evidence.tables for row in table.rows)


def test_a_certificate_tells_what_was_audited_and_how():
    evidence = certificate_evidence(CERTIFICATE, HASHES)
    assert "3 samples of 40" in evidence.summary and "32 x 32 px" in evidence.summary
    assert evidence.origin.command == "medsynth audit lesion TARGET --against TRAINING"
    assert evidence.origin.hashes == HASHES


def test_a_verdict_below_real_did_not_hold_and_an_unknown_one_decides_nothing():
    for said, held in (("below_real", False), ("as_real", True), ("above_real", False), ("unknown", None)):
        (finding,) = certificate_evidence({**CERTIFICATE, "verdict": said}, HASHES).findings
        assert finding.held is held


def test_a_verdict_one_level_below_is_found():
    held = {"kind": "memorisation", "gate": {"passed": False, "words": "3 copies"}}
    (finding,) = certificate_evidence(held, HASHES).findings
    assert finding.held is False and finding.note == "3 copies" and "gate" in finding.claim


def test_registration_is_held_against_the_bound_and_stands_beside_the_other_set():
    shifts = {"median": 0.1, "p95": 1.4}
    held = {"kind": "registration", "shift_px": shifts, "beside": {"shift_px": {"median": 0.2, "p95": 0.9}}}
    evidence = certificate_evidence(held, HASHES)
    (finding,) = evidence.findings
    assert finding.held is False and finding.measured == "1.400"
    assert certificate_evidence(held, HASHES, ReportConfig(registration_px=1.5)).findings[0].held
    (table,) = evidence.tables
    assert list(table.rows[0]) == ["worst pair, px", "0.100", "1.400", "0.200", "0.900"]


def test_copies_and_membership_are_judged():
    space = {"copies": 9, "judged": 100, "copy_share": 0.09, "threshold": 0.2}
    unknown = {"copies": 0, "judged": 0, "copy_share": None}
    held = {
        "kind": "memorisation",
        "false_alarm": 0.05,
        "spaces": {"pixels": space, "lesion_patch": unknown},
        "membership": {"auc": 0.52, "low": 0.45, "high": 0.6},
        "rows": [{"sample": "1", "pixels_distance": 0.3, "pixels_nearest": "BraTS2021_00001", "copy": False}],
    }
    evidence = certificate_evidence(held, HASHES)
    assert [finding.held for finding in evidence.findings] == [False, None, True]
    assert "BraTS2021" not in cells(evidence) and list(dict(evidence.charts)) == ["pixels distance"]


def test_the_extractor_stands_beside_distances_of_features():
    held = {
        "kind": "memorisation",
        "against": "brats",
        "false_alarm": 0.01,
        "spaces": {"features": {"copies": 1, "judged": 4, "copy_share": 0.25}},
        "extractor": {"name": "six.keras", "sha256": "0123", "input_range": [0.0, 1.0]},
    }
    evidence = certificate_evidence(held, HASHES)
    assert "six.keras, SHA-256 0123" in evidence.tables[0].note
    assert evidence.findings[0].claim.endswith("by features") and evidence.findings[0].held is False
    assert evidence.origin.command == "medsynth audit memorisation TARGET --against TRAINING --features FILE"


def test_every_number_of_a_certificate_of_an_unknown_kind_is_shown():
    shown = cells(certificate_evidence(CERTIFICATE | {"kind": "sharpness"}, HASHES))
    for words in ("0.610 (0.550 to 0.660; n = 3)", "0.800 (0.700 to 0.900; n = 6)", "2.000", "2000", "0.610"):
        assert words in shown
    assert "None" not in shown and "nan" not in shown


def test_single_samples_become_a_distribution_beside_the_others():
    charts = dict(certificate_evidence(CERTIFICATE, HASHES).charts)
    assert charts.keys() == {"dice", "centroid px"}
    assert "audited set: median 0.6" in charts["dice"].description
    assert "real: median 0.8" in charts["dice"].description and "n = 1" in charts["centroid px"].description


def test_claims_of_a_study_are_findings():
    findings = study_evidence(STUDY, HASHES).findings
    assert [finding.held for finding in findings] == [True, False, None]
    assert "by whole lesion, claimed by papers" in findings[1].claim
    assert findings[1].measured == "gap -0.050 (-0.080 to -0.020)"
    assert findings[1].note.startswith("not held: means")


def test_a_claim_whose_rows_were_not_run_is_no_finding():
    untried = {"claim": "more is better", "verdict": "not run", "words": "not run: more is better (rows 5)"}
    study = {**STUDY, "verdicts": {"whole_lesion": [untried], "legacy_dice": [untried]}}
    evidence = study_evidence(study, HASHES)
    assert not evidence.findings
    (table,) = [table for table in evidence.tables if "not tried" in table.title]
    assert table.rows == [["more is better", untried["words"]]]


def test_rows_of_a_study_stand_with_interval_difference_and_published_value():
    evidence = study_evidence(STUDY, HASHES)
    rows = {row[0]: row for row in evidence.tables[0].rows}
    assert "0.650 (0.600 to 0.700)" in rows["25"] and "-0.050 (-0.080 to -0.020)" in rows["25"]
    assert "0.915" in rows["1"]
    assert "not run in every study that was pooled" in cells(evidence) and "2.5 real patients" in cells(
        evidence
    )
    assert "whole lesion, published" not in evidence.tables[0].columns  # nobody published one


def test_names_of_patients_are_not_shown():
    study = copy.deepcopy(STUDY) | {"cases": ["BraTS2021_00001", "BraTS2021_00002"]}
    evidence = study_evidence(study, HASHES)
    assert "2 test patients" in evidence.summary
    assert "BraTS2021" not in evidence.summary + cells(evidence)


def test_an_empty_study_says_little_and_breaks_nothing():
    evidence = study_evidence({"study": "quality"}, {})
    assert not evidence.findings and not evidence.charts and "0 rows" in evidence.summary


def test_further_measures_of_a_study():
    rows = {"1": {"about": "real", "mean": {"hd95_mm": {"estimate": 9.5, "low": 8.0, "high": 11.0}}}}
    evidence = study_evidence({"study": "availability", "rows": rows}, {})
    titles = [table.title for table in evidence.tables]
    assert titles == ["Rows", "Further measures"]
    assert list(evidence.tables[1].columns) == ["row", "HD95, mm"]
