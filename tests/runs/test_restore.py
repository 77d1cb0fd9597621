"""Finished stages: loaded with their bits, named by them, and refused where they do not fit."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.imaging import ContourConfig
from tf_medsynth.data.slices import open_slices
from tf_medsynth.generation.functions import drawn_maps, map_function
from tf_medsynth.imaging.masks import map_and_mask
from tf_medsynth.runs import restore
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.types import MedSynthError

BEFORE = ("structure", "lesion", "translation")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("finished")
    for name in BEFORE:
        tiny.leave_finished(run, name)
    return run


@pytest.fixture
def run(finished, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture(scope="module")
def source(tiny_dataset):
    return open_slices(**tiny_dataset.where)


def edit(run: Path, name: str, **changes) -> None:
    file = run / name / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_stage_comes_back_with_its_bits(finished):
    stage = restore.load_stage(stage_directory(finished, "structure"))
    other = tiny.build("structure", seed=2)
    held, fresh = tiny.state(stage), tiny.state(other)
    assert held.keys() == fresh.keys() and not np.array_equal(
        held["structure_encoder 0"], fresh["structure_encoder 0"]
    )
    again = restore.load_stage(stage_directory(finished, "structure"))
    np.testing.assert_equal(tiny.state(again), held)
    assert stage.settings.vae.latent_dim == 6 and stage.seed == 1


def test_a_stage_is_named_by_settings_and_weights(run, tmp_path):
    directory = stage_directory(run, "lesion")
    name = restore.weights_hash(directory)
    assert name == restore.weights_hash(directory) and len(name) == 16
    other = tiny.leave_finished(tmp_path / "other", "lesion", seed=2)
    assert restore.weights_hash(other) != name
    edit(run, "lesion", fingerprint="another config")
    assert restore.weights_hash(directory) != name


def test_the_name_of_a_stage_does_not_depend_on_what_its_process_built_before(finished, tmp_path):
    again = tiny.leave_finished(tmp_path, "translation")
    assert restore.weights_hash(again) == restore.weights_hash(stage_directory(finished, "translation"))


@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
def test_a_damaged_checkpoint_is_told_in_one_line(run, part):
    directory = stage_directory(run, "translation")
    (file,) = directory.checkpoints.glob(f"*.{part}")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    for use in (restore.weights_hash, restore.load_stage):
        with pytest.raises(
            MedSynthError, match=r"checkpoint must be whole.*ckpt-6.*train it again"
        ) as caught:
            use(directory)
        assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_config_is_told_in_one_line(run, tmp_path):
    other = tiny.leave_finished(tmp_path / "other", "lesion", {"segmentor.base_filters": 6})
    directory = stage_directory(run, "lesion")
    shutil.rmtree(directory.checkpoints)
    shutil.copytree(other.checkpoints, directory.checkpoints)
    with pytest.raises(MedSynthError, match=r"checkpoint must be whole, and of this stage") as caught:
        restore.load_stage(directory)
    assert "\n" not in str(caught.value)


def test_stage_m_builds_on_three_finished_stages(finished, source):
    found = restore.upstream(finished, "multimodal", source, tiny.OPERATORS)
    assert found == {name: restore.weights_hash(stage_directory(finished, name)) for name in BEFORE}
    for name in BEFORE:
        assert restore.upstream(finished, name, source, tiny.OPERATORS) == {}


@pytest.mark.parametrize("missing", BEFORE)
def test_a_missing_stage_is_told(run, source, missing):
    shutil.rmtree(run / missing)
    with pytest.raises(MedSynthError, match=rf"no stage '{missing}'.*medsynth train {missing}"):
        restore.upstream(run, "multimodal", source, tiny.OPERATORS)


def test_an_unfinished_stage_is_told(run, source):
    (run / "translation" / "finished.json").unlink()
    with pytest.raises(MedSynthError, match=r"'translation' of this run is not finished"):
        restore.upstream(run, "multimodal", source, tiny.OPERATORS)
    with pytest.raises(MedSynthError, match="not finished"):
        restore.load_stage(stage_directory(run, "translation"))


@pytest.mark.parametrize("name", BEFORE)
def test_a_stage_of_another_image_size_is_refused(run, source, name):
    edit(run, name, image_size=[48, 48])
    with pytest.raises(
        MedSynthError, match=rf"'{name}' was trained with other image_size.*\[48, 48\].*\[32, 32\]"
    ):
        restore.upstream(run, "multimodal", source, tiny.OPERATORS)


def test_a_stage_of_other_intensities_or_lines_is_refused(run, source):
    minmax = dataclasses.replace(source, settings=DataSettings("minmax"))
    with pytest.raises(MedSynthError, match="trained with other data_settings"):
        restore.upstream(run, "multimodal", minmax, tiny.OPERATORS)
    coarse = tiny.OPERATORS.override({"structure.threshold": 0.5})
    with pytest.raises(MedSynthError, match="'structure' was trained with other operators"):
        restore.upstream(run, "multimodal", source, coarse)


def test_a_record_without_its_weights_is_refused(run):
    shutil.rmtree(run / "lesion" / "checkpoints")
    for use in (restore.weights_hash, restore.load_stage):
        with pytest.raises(MedSynthError, match="a finished stage has a checkpoint"):
            use(stage_directory(run, "lesion"))


@pytest.mark.slow
def test_guides_and_translator_are_the_averaged_networks(finished):
    frozen = restore.frozen_networks(finished, "multimodal")
    assert set(frozen) == set(tiny.frozen("multimodal"))
    guides = restore.load_stage(stage_directory(finished, "lesion"))
    for held, kept in zip(
        frozen["segmentor_T1c"].weights, guides.ema_networks["segmentor_T1c"].weights, strict=True
    ):
        np.testing.assert_array_equal(held, kept)
    assert restore.frozen_networks(finished, "structure") == {}


def test_guides_of_any_scheme_are_taken(run, source):
    shutil.rmtree(run / "lesion")
    tiny.leave_finished(run, "lesion", {"scheme": "shared"})
    assert set(restore.upstream(run, "multimodal", source, tiny.OPERATORS)) == set(BEFORE)
    frozen = restore.frozen_networks(run, "multimodal")
    assert set(frozen) == set(tiny.frozen("multimodal", "shared"))


def test_real_maps_are_those_of_the_slices_and_are_kept(run, source):
    own = tiny.settings("multimodal").multimodal
    held = restore.drawn_maps(run, own, tiny.OPERATORS, source, seed=3)
    assert held.maps.shape == held.masks.shape == (12, 32, 32, 1) and held.maps.dtype == bool
    assert held.labels.dtype == np.uint8 and all(label.any() for label in held.labels)
    labels = {e["lesion_label"].astype("uint8").tobytes() for e in source.examples().as_numpy_iterator()}
    assert {label.tobytes() for label in held.labels} <= labels
    masks = {
        np.asarray(map_and_mask(e["images"][None, ..., :1], e["images"][None], tiny.OPERATORS)[1])
        .astype(bool)
        .tobytes()
        for e in source.examples().as_numpy_iterator()
    }
    assert {mask.tobytes() for mask in held.masks} <= masks
    kept = (run / "multimodal" / "maps.npz").stat().st_mtime_ns
    again = restore.drawn_maps(run, own, tiny.OPERATORS, source, seed=3)
    np.testing.assert_equal(dataclasses.asdict(again), dataclasses.asdict(held))
    assert (run / "multimodal" / "maps.npz").stat().st_mtime_ns == kept


def test_the_pool_of_stage_m_and_the_samples_share_no_map(finished, source, tmp_path):
    """Of one seed: what M was trained on is not what it is judged by."""
    own = dataclasses.replace(tiny.settings("multimodal").multimodal, maps="synthetic")
    numbers = np.arange(own.map_pool)

    def drawn(purpose: str) -> set[bytes]:
        drawer = map_function(restore.load_stage(stage_directory(finished, "structure")), purpose)
        return {one.astype(bool).tobytes() for one in drawn_maps(drawer, 3, numbers)[0]}

    anything = ContourConfig(max_mae=1.0)  # untrained maps have no outlines that could be closed
    (tmp_path / "multimodal").mkdir()
    shutil.copytree(finished / "structure", tmp_path / "structure")
    held = restore.drawn_maps(tmp_path, own, tiny.OPERATORS, source, seed=3, contour=anything)
    pool = {one.tobytes() for one in held.maps}
    assert len(pool) == own.map_pool and pool == drawn("map pool")
    assert not pool & drawn("generation") and not pool & drawn("ablation")


def test_drawn_maps_do_not_depend_on_how_many_are_asked_for(finished):
    drawer = map_function(restore.load_stage(stage_directory(finished, "structure")))
    few, many = drawn_maps(drawer, 5, np.arange(3, 6)), drawn_maps(drawer, 5, np.arange(40))
    for one, other in zip(few, many, strict=True):
        assert one.shape == (3, 32, 32, 1) and np.array_equal(one, other[3:6])
    assert not np.array_equal(drawn_maps(drawer, 6, np.arange(3, 6))[0], few[0])
