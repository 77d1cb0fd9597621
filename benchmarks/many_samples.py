"""The verbs on 10,000 samples of 184 x 144 x 4: time, memory, and whether planted copies are caught.

    python benchmarks/many_samples.py --keep DIR [--samples 10000] [--patients 75] [--features FILE]

Makes, once, under --keep: patients of smooth random anatomy as volumes, prepared by ``medsynth prepare``;
a generated set in the published format, of other such anatomies, with 5 % disguised training slices
among them (mirrored, moved by 2 px, other brightness, noise); an untrained encoder of the size that
``--train-features`` trains. Then runs, each as a process of its own whose wall time, processor time and
peak memory (resident, mapped files included) are told,

    medsynth audit memorisation SET --against DATA --features FILE
    medsynth evaluate --data DATA --synthetic SET --metrics distribution --features FILE

Aim: both within 15 minutes in all, and 4 GiB, on 2 cores.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import tf_medsynth
from tf_medsynth import runtime
from tf_medsynth.audits.features import build_encoder
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.evaluation import FeatureSettings
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.data.patients import patient_hashes
from tf_medsynth.data.slices import open_slices
from tf_medsynth.evaluation.features import record_file
from tf_medsynth.generation import LabelPool, publish, stream
from tf_medsynth.generation.provenance import Provenance
from tf_medsynth.imaging.volumes import Volume, write_volume

SIZE = (184, 144)
DEPTH = 62
EVERY = 20
SETTINGS = DataSettings(normalisation="organ_mean")
_SUFFIXES = ("t1", "t2", "t1ce", "flair")


def main() -> None:
    """Makes what is missing, and runs both verbs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--patients", type=int, default=75)
    parser.add_argument("--features", type=Path)
    arguments = parser.parse_args()
    runtime.log_to_stderr()
    data, data_dir = prepared(arguments.keep, arguments.patients)
    samples = generated(arguments.keep, data, data_dir, arguments.samples)
    features = arguments.features or encoder(arguments.keep)
    where = ["--data-dir", data_dir, "--features", features]
    audited = ["audit", "memorisation", samples, "--against", data, *where, "--json"]
    measured = ["evaluate", "--data", data, "--synthetic", samples, "--metrics", "distribution", *where]
    settings = [f"data.normalisation={SETTINGS.normalisation}"]
    told = [verb(*audited), verb(*measured, "--json", "--set", *settings)]
    caught(told[0])
    for name, values in told[1]["distribution"]["all_patients"].items():
        print(f"{name}: n = {values['n']}, kernel {values['kernel']}, Frechet {values['frechet']}")


def prepared(keep: Path, patients: int) -> tuple[str, Path]:
    """Name and data_dir of the patients, about a third of whom are test patients."""
    scans = keep / "scans"
    if not scans.exists():
        with runtime.atomic_path(scans) as partial:
            for number in runtime.progress(range(patients), label="scans", unit="patient"):
                write_patient(partial / f"BraTS2021_{number:05d}", number)
    changes = {"slice_range": (0, 155), "test_fraction": 1 / 3}
    made = tf_medsynth.prepare(
        "brats/slices", manual_dir=scans, data_dir=keep / "data", overrides=changes, config_name="many"
    )
    print(f"{made.dataset}: { ({name: len(names) for name, names in made.patients.items()}) } patients")
    return made.dataset, keep / "data"


def write_patient(folder: Path, number: int) -> None:
    """A volume of every modality and a lesion label, on the reference grid's rows and columns."""
    folder.mkdir(parents=True)
    images, label = anatomy(np.random.default_rng((number, 1)), (240, 240), DEPTH)
    volumes = {s: np.rint(1000 * images[..., k]).astype(np.int16) for k, s in enumerate(_SUFFIXES)}
    for suffix, array in {**volumes, "seg": label}.items():
        write_volume(Volume(array, origin=(0.0, -239.0, 0.0)), folder / f"{folder.name}_{suffix}.nii")


def anatomy(random: np.random.Generator, size: tuple[int, int], depth: int) -> tuple[np.ndarray, np.ndarray]:
    """`(depth, H, W, 4)` float32 in [0, 1], smooth inside an ellipse, and its lesion."""
    coarse = random.random((2 + depth // 8, size[0] // 8, size[1] // 8, 4), np.float32)
    places = np.linspace(0, len(coarse) - 1.001, depth)
    rows, columns = (np.linspace(-1, 1, side)[:, None] for side in size)
    # Of the reference grid, a head takes up about what the papers' crop shows.
    share = (184 / 240, 144 / 240) if size[0] == size[1] else (1.0, 1.0)
    inside = (rows / share[0]) ** 2 + (columns.T / share[1]) ** 2 < 0.85
    centre = random.uniform(-0.3, 0.3, 2)
    apart = np.hypot(rows - centre[0] * share[0], columns.T - centre[1] * share[1])
    label = np.where(apart < 0.06, 1, np.where(apart < 0.1, 4, np.where(apart < 0.16, 2, 0))).astype(np.uint8)
    images = np.empty((depth, *size, 4), np.float32)
    for slice_, place in zip(images, places, strict=True):
        low, part = int(place), place - int(place)
        between = ((1 - part) * coarse[low] + part * coarse[low + 1]).astype(np.float32)
        fine = cv2.resize(between, size[::-1], interpolation=cv2.INTER_CUBIC)
        fine += 0.3 * (label == 4)[..., None] + random.normal(0, 0.01, fine.shape).astype(np.float32)
        slice_[:] = np.clip(fine, 0.02, 1.0) * inside[..., None]
    return images, np.repeat(np.where(inside, label, 0)[None], depth, 0)


class Anatomies:
    """A synthesiser of random anatomies, every `EVERY`-th of which is a disguised training slice."""

    model_hash, image_size, modalities = "anatomies", SIZE, BRAIN_MRI.modalities

    def __init__(self, training: np.ndarray) -> None:
        self.training = training

    def draw_maps(self, seed: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nothing is drawn: no line, and an organ that fills the image."""
        empty = np.zeros((len(index), *SIZE, 1), np.float32)
        return empty, empty.copy()

    def render(
        self, structure_map: Any, background_mask: Any, label: Any, seed: int, index: Any
    ) -> np.ndarray:
        """All modalities of a row of `index`."""
        return np.stack([self._drawn(seed, int(k)) for k in index])

    def segment(self, images: np.ndarray) -> np.ndarray:
        """Nobody asks."""
        raise NotImplementedError

    def _drawn(self, seed: int, k: int) -> np.ndarray:
        random = np.random.default_rng((seed, k, 2))
        if k % EVERY:
            return anatomy(random, SIZE, 1)[0][0]
        copy = self.training[k // EVERY % len(self.training)]
        moved = np.roll(
            copy[:, ::-1] if random.random() < 0.5 else copy, random.choice([-2, 0, 2], 2), (0, 1)
        )
        noisy = random.uniform(0.9, 1.1) * moved + random.normal(0, random.uniform(0.02, 0.05), moved.shape)
        return np.clip(noisy, 0, 1).astype(np.float32)


def generated(keep: Path, data: str, data_dir: Path, count: int) -> Path:
    """A published set of `count` samples of a generator that saw the training patients."""
    out = keep / f"samples_{count}"
    if (out / "summary.json").exists():
        return out
    source = open_slices(data, data_dir, "train", SETTINGS)
    seen = itertools.islice(source.examples().as_numpy_iterator(), count // EVERY + 1)
    training = np.stack([example["images"] for example in seen])
    labels = [anatomy(np.random.default_rng((number, 3)), SIZE, 1)[1][0] for number in range(50)]
    nothing_judged = GenerationConfig(filter=False, measure=False)
    spool = stream(Anatomies(training), LabelPool(np.stack(labels)), nothing_judged, 0, count, keep / "spool")
    facts = {"patient_hashes": patient_hashes(source.patients), "data_settings": SETTINGS.to_dict()}
    publish(spool, out, "tfds", count, provenance=Provenance(training_data=facts))
    return out


def encoder(keep: Path) -> Path:
    """An untrained encoder of the default size: it costs what a trained one does."""
    file = keep / "encoder.keras"
    if not file.exists():
        build_encoder(SIZE, FeatureSettings(), 0).save(file)
        record_file(file).write_text(json.dumps({"input_range": [0, 1]}))
    return file


def verb(*words: object) -> dict[str, Any]:
    """What ``medsynth WORDS`` printed; tells its time, memory and the machine's load."""
    command = [sys.executable, "-m", "tf_medsynth.cli.main", *map(str, words)]
    began, load = time.perf_counter(), os.getloadavg()[0]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    print(
        f"medsynth {' '.join(map(str, words[:2]))}: {seconds:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} s of processor time, peak {used.ru_maxrss / 2**10:.0f} MiB, "
        f"load {load:.1f} before and {os.getloadavg()[0]:.1f} after",
        flush=True,
    )
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return json.loads(answer)


def caught(certificate: dict[str, Any]) -> None:
    """Prints recall and false alarms: every `EVERY`-th sample is a copy, with a label of its own."""
    planted = np.array([int(row["sample"]) % EVERY == 0 for row in certificate["rows"]])
    distance = np.array([row["pixel_distance"] for row in certificate["rows"]])
    flagged = distance < certificate["spaces"]["pixel"]["threshold"]
    print(
        f"pixel: recall {flagged[planted].mean():.1%} of {planted.sum()} planted, "
        f"false alarms {flagged[~planted].mean():.2%} of {(~planted).sum()}"
    )


if __name__ == "__main__":
    main()
