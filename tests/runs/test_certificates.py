"""Certificates and studies on disk, and the commands of a run."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

import pytest

from tests.reports.evidence_examples import CERTIFICATE, STUDY
from tf_medsynth.cli.main import build_parser
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.config.presets import preset
from tf_medsynth.runs.certificates import certificates, certificates_of, missing_kinds, studies
from tf_medsynth.runs.commands import generation_command, training_commands
from tf_medsynth.runs.run_directory import StageDirectory
from tf_medsynth.types import MedSynthError


def certify(folder: Path, name: str, **changes) -> Path:
    file = folder / "certificates" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**CERTIFICATE, "kind": name} | changes))
    return file


def test_the_set_s_own_certificate_is_taken_before_the_run_s(tmp_path):
    certify(tmp_path / "run", "lesion", seed=1)
    own = certify(tmp_path / "set", "lesion", seed=2)
    certify(tmp_path / "run", "registration", shift_px={"median": 0.1, "p95": 0.2})
    found = certificates(tmp_path / "set", tmp_path / "run")
    assert [evidence.title for evidence in found] == ["Registration", "Lesion"]
    assert "seed 2" in found[1].summary
    assert found[1].origin.hashes["lesion.json"] == hashlib.sha256(own.read_bytes()).hexdigest()[:16]
    assert missing_kinds(found, BRAIN_MRI) == ["memorisation"]
    assert missing_kinds([], Domain("eye", ("fundus",), 3)) == ["lesion", "memorisation"]


def test_a_card_tells_failures_in_words(tmp_path):
    certify(tmp_path, "lesion")
    text = certificates_of(tmp_path)
    assert "**DID NOT HOLD**: lesion: judges find the lesion less well" in text
    assert "| whole lesion: dice | 0.610 (0.550 to 0.660; n = 3) |" in text
    assert certificates_of(tmp_path / "elsewhere") == certificates_of(None) == ""


def test_a_damaged_certificate_is_told(tmp_path):
    certify(tmp_path, "lesion").write_text("{")
    with pytest.raises(MedSynthError, match=r"whole JSON object.*audit again"):
        certificates(tmp_path)


def test_a_certificate_that_nobody_audits_is_refused(tmp_path):
    certify(tmp_path, "lesion", kind="registration")
    with pytest.raises(MedSynthError, match=r"kind that its file is named by.*lesion\.json"):
        certificates(tmp_path)
    certify(tmp_path, "sparkle")
    with pytest.raises(MedSynthError, match=r"known kind.*sparkle\.json.*registration, lesion, memorisation"):
        certificates(tmp_path)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"rows": {}}, "has rows"), ({"study": "sparkle"}, "unknown study"), ({"seeds": 2}, "'seeds'")],
)
def test_a_study_without_rows_or_of_no_known_kind_is_refused(tmp_path, changes, rule):
    (tmp_path / "study.json").write_text(json.dumps(STUDY | changes))
    with pytest.raises(MedSynthError, match=rf"{rule}.*study\.json.*Run the study again"):
        studies([tmp_path])


def test_a_folder_without_a_study_is_refused(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    (evidence,) = studies([tmp_path])
    assert evidence.origin.hashes["study"] == "9999aaaa"
    with pytest.raises(MedSynthError, match="folder of a finished study"):
        studies([tmp_path / "nowhere"])


def test_a_training_command_holds_what_differs_from_the_preset(tmp_path):
    changes = {"training.steps": 7, "weights.paired": 0.5}
    settings = preset("tiny").override({f"translation.{key}": value for key, value in changes.items()})
    config = {
        "preset": "tiny",
        "stage": "translation",
        "data": "brats/slices_64/1.0.0",
        "data_dir": "data",
        "data_fingerprint": "1234",
        "patients": ["a", "b"],
        "image_size": [64, 64],
        "operators": BRAIN_MRI.operators_at(64, 64).to_dict(),
        "domain": BRAIN_MRI.to_dict(),
        "fingerprint": "5678",
        "seed": 3,
        "precision": "mixed_bfloat16",
        "settings": settings.translation.to_dict(),
        "data_settings": settings.data.to_dict(),
    }
    directory = StageDirectory(tmp_path / "translation")
    directory.path.mkdir()
    (directory.path / "config.json").write_text(json.dumps(config))
    (line,) = training_commands([directory])
    words = shlex.split(line)
    assert set(words[words.index("--set") + 1 :]) == {"training.steps=7", "weights.paired=0.5"}
    parsed = build_parser().parse_args(words[1:])
    assert parsed.data == "brats/slices_64" and parsed.precision == "bfloat16" and parsed.seed == 3


def test_a_generation_command_draws_under_the_same_settings():
    wanted = {"labels": "dataset", "filter": False, "lesion.whole_threshold": 0.43, "chunk": 4}
    held = GenerationConfig().override(wanted)
    line = generation_command({"settings": held.identity(), "count": 9, "seed": 2, "format": "mha"})
    parsed = build_parser().parse_args(shlex.split(line)[1:])
    assert (parsed.count, parsed.seed, parsed.format) == (9, 2, "mha")
    given = dict(word.split("=") for word in parsed.assignments)
    again = GenerationConfig().override({"labels": parsed.labels, "filter": parsed.filter, **given})
    assert again == held
