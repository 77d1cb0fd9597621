"""What `medsynth doctor` takes for many small patients: wall and processor time, memory, size of the answer.

    python benchmarks/doctor.py --out DIR [--patients 1251] [--size 48] [--alike]

Writes the cohort to DIR unless it is there: brain-shaped blobs in four contrasts with a lesion, as
NAME_t1.nii.gz and so on. `--alike` gives all patients the same voxels: the worst case for doubles.
The goals are 3 minutes and 2 GiB for 1,251 patients.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from tf_medsynth.imaging.volumes import Volume, write_volume

CODES = ((0.45, 2), (0.3, 4), (0.18, 1))


def main() -> None:
    """Writes, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=1251)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--alike", action="store_true")
    arguments = parser.parse_args()
    cohort = arguments.out / ("alike" if arguments.alike else "cohort")
    for number in range(arguments.patients):
        folder = cohort / f"P{number:05d}"
        if not folder.is_dir():
            write_patient(folder, 0 if arguments.alike else number, arguments.size)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    program = shutil.which("medsynth", path=str(Path(sys.executable).parent)) or "medsynth"
    done = subprocess.run([program, "doctor", str(cohort), "--json"], capture_output=True, check=False)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"patients {arguments.patients}, exit status {done.returncode}")
    print(
        f"wall {seconds:.0f} s, processor {spent:.0f} s, {1e3 * spent / arguments.patients:.0f} ms a patient"
    )
    print(f"memory {after.ru_maxrss / 2**20:.2f} GiB, answer {len(done.stdout) / 2**20:.1f} MiB")


def write_patient(folder: Path, seed: int, size: int) -> None:
    """A blob in four contrasts, `(31/48 size, size, size)` voxels, whole or not at all."""
    rng = np.random.default_rng(seed)
    shape = (round(size * 155 / 240), size, size)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    brain = sum((a / (0.8 * j)) ** 2 for a, j in zip(axes, rng.uniform(0.9, 1.1, 3), strict=True)) < 1
    texture = ndimage.gaussian_filter(rng.normal(size=shape), 2.0)
    texture = (texture - texture.min()) / np.ptp(texture)
    distance = np.sqrt(sum((a - c) ** 2 for a, c in zip(axes, rng.uniform(-0.2, 0.2, 3), strict=True)))
    label = np.zeros(shape, np.uint8)
    for radius, code in CODES:
        label[distance < radius] = code
    part = folder.with_name(f"{folder.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    for number, kind in enumerate(("t1", "t2", "t1ce", "flair")):
        signal = 200 + 100 * number + 800 * texture + 300 * (label == 4) * (kind == "t1ce")
        image = np.where(brain, signal, 0).astype(np.int16)
        write_volume(Volume(image, spacing=(240 / size,) * 3), part / f"{folder.name}_{kind}.nii.gz")
    mask = np.where(brain, label, 0).astype(np.uint8)
    write_volume(Volume(mask, spacing=(240 / size,) * 3), part / f"{folder.name}_seg.nii.gz")
    part.replace(folder)


if __name__ == "__main__":
    main()
