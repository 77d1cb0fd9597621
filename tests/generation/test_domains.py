"""A set of two modalities with three classes, and one of one colour modality with vessels."""

import numpy as np
import pytest

from tests.generation.analytic import Ellipses, lesion
from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation import LabelPool, publish, stream
from tf_medsynth.generation.spool import Spool
from tf_medsynth.imaging.volumes import read_volume

PAIR = Domain("chest_ct", ("CT", "PET"), label=LabelSpec("classes", ("background", "organ", "lesion")))
COLOUR = Domain("retina", ("fundus",), channels=3, label=LabelSpec("structure", ("background", "vessel")))


@pytest.mark.parametrize("domain", [PAIR, COLOUR], ids=lambda domain: domain.name)
def test_a_set_says_what_it_shows(tmp_path, domain: Domain) -> None:
    pool = LabelPool(np.minimum(np.stack([lesion()]), domain.num_classes - 1).astype(np.uint8))
    settings = GenerationConfig(registration_px=4.0)  # on ellipses the estimator has little to go by
    spool = stream(Ellipses(domain=domain), pool, settings, 0, 2, tmp_path / "spool")
    assert Spool.read(spool.folder).domain == domain
    summary = publish(spool, tmp_path / "out", "nifti", 2)
    assert summary["domain"] == domain.to_dict()
    assert set(summary["coverage"]["after"]) <= {"whole", *domain.lesion_classes}
    assert ("registration" in summary["rejected"]) == (domain.num_modalities > 1)
    card = (tmp_path / "out" / "README.md").read_text()
    assert ("shift of the worst pair" in card) == (domain.num_modalities > 1)
    assert f"{domain.num_classes - 1} {domain.label.classes[-1]};" in card
    (first, _) = sorted((tmp_path / "out").glob("medsynth_*"))
    for name in domain.channel_names():
        assert read_volume(first / f"{first.name}_{name.lower()}.nii.gz").array.shape == (1, 32, 32)
