"""Magnetic resonance signal of every tissue in T1, T2, T1c and FLAIR.

Times are of 3 T. Sources: grey and white matter, Wansapura et al., J Magn Reson Imaging 9 (1999) 531 (T1
1331 and 832 ms, T2 110 and 80 ms), Wright et al., MAGMA 21 (2008) 121 (T1 1607 and 838 ms, putamen 1332
ms) and Stanisz et al., Magn Reson Med 54 (2005) 507 (T2 99 and 69 ms); fluid, Rooney et al., Magn Reson
Med 57 (2007) 308 (T1) and Spijkerman et al., MAGMA 31 (2018) 415 (T2); proton density relative to water,
Tofts (ed.), Quantitative MRI of the Brain (2003).

Deviates: a single number stands between the published ones, and grey matter's T2 a little under them: on
turbo spin echoes, which the cohort imitates, cortex stands out less than on the plain echo modelled here.
The lesions' numbers were chosen, not measured: between those of grey matter and fluid, T1 and T2 growing
with water, and an agent that takes about 1 s off the enhancing part's T1 (838 +- 210 ms in 33 patients:
"Quantitative T1 mapping indicates tumor infiltration beyond the enhancing part of glioblastomas", NMR
Biomed 2020).
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.phantoms.fields import Field, stream


@dataclasses.dataclass(frozen=True)
class Tissue:
    """Proton density relative to water, T1 and T2 in ms, contrast agent in mmol/l, unevenness.

    Attributes:
        uneven: relative spread of the signal within the tissue.
    """

    density: float
    t1: float
    t2: float
    agent: float = 0.0
    uneven: float = 0.02


PROPERTIES: dict[str, Tissue] = {
    "fluid": Tissue(1.00, 4300, 1900, uneven=0.04),
    "grey": Tissue(0.80, 1450, 95, uneven=0.03),
    "white": Tissue(0.70, 838, 74, uneven=0.025),
    "nuclei": Tissue(0.78, 1300, 81, uneven=0.02),
    "pallidum": Tissue(0.74, 1000, 65, uneven=0.02),
    "vessel": Tissue(0.60, 1700, 60, agent=1.1, uneven=0.1),
    "choroid": Tissue(0.90, 1900, 200, agent=0.7, uneven=0.1),
    "necrosis": Tissue(0.94, 2400, 330, uneven=0.10),
    "oedema": Tissue(0.86, 1420, 165, uneven=0.09),
    "non_enhancing": Tissue(0.85, 1750, 150, uneven=0.09),
    "enhancing": Tissue(0.84, 1450, 125, agent=0.55, uneven=0.07),
}

RELAXIVITY = 4.5
"""T1 relaxivity of a gadolinium chelate, litres per mmol and second."""


@dataclasses.dataclass(frozen=True)
class Scanner:
    """Sequence timings in ms, the tissues as they are in one patient."""

    repetition: dict[str, float]
    echo: dict[str, float]
    tissues: dict[str, Tissue]


def draw_scanner(seed: int, patient: int) -> Scanner:
    """Protocol and tissue constants of one patient, jittered about the literature's values."""
    rng = stream(seed, patient, "scanner")
    jitter = {"T1": 0.15, "T2": 0.12, "T1c": 0.15, "Flair": 0.05}
    base_tr = {"T1": 600.0, "T2": 4500.0, "T1c": 600.0, "Flair": 9000.0}
    base_te = {"T1": 12.0, "T2": 110.0, "T1c": 12.0, "Flair": 140.0}
    repetition = {m: base_tr[m] * float(np.exp(rng.normal(0, jitter[m]))) for m in BRAIN_MRI.modalities}
    echo = {m: base_te[m] * float(np.exp(rng.normal(0, 0.07))) for m in BRAIN_MRI.modalities}
    tissues = {}
    for name, tissue in PROPERTIES.items():
        d, one, two, agent = np.exp(rng.normal(0, (0.01, 0.025, 0.025, 0.2)))
        tissues[name] = dataclasses.replace(
            tissue,
            density=min(tissue.density * float(d), 1.0),
            t1=tissue.t1 * float(one),
            t2=tissue.t2 * float(two),
            agent=tissue.agent * float(agent),
        )
    return Scanner(repetition, echo, tissues)


def spin_echo(density: float, t1: float, t2: float, repetition: float, echo: float) -> float:
    """Spin-echo signal ``density (1 - exp(-TR/T1)) exp(-TE/T2)``; times in ms."""
    return float(density * (1 - np.exp(-repetition / t1)) * np.exp(-echo / t2))


def null_time(t1: float, repetition: float) -> float:
    """Inversion time in ms at which a tissue of this T1 gives no signal."""
    return float(t1 * np.log(2 / (1 + np.exp(-repetition / t1))))


def inversion_recovery(
    density: float, t1: float, t2: float, repetition: float, echo: float, inversion: float
) -> float:
    """Magnitude of ``density (1 - 2 exp(-TI/T1) + exp(-TR/T1)) exp(-TE/T2)``; times in ms."""
    recovered = 1 - 2 * np.exp(-inversion / t1) + np.exp(-repetition / t1)
    return float(density * abs(recovered) * np.exp(-echo / t2))


def with_agent(t1: float, concentration: float) -> float:
    """T1 in ms after contrast agent of `concentration` mmol/l."""
    return 1000 / (1000 / t1 + RELAXIVITY * concentration)


def tissue_signal(scanner: Scanner, modality: str, name: str) -> float:
    """Signal of one pure tissue in one modality, relative to fully relaxed water."""
    tissue, repetition, echo = scanner.tissues[name], scanner.repetition[modality], scanner.echo[modality]
    if modality == "Flair":
        # FLAIR suppresses fluid incompletely where it flows: the nominal, not the patient's T1.
        inversion = null_time(PROPERTIES["fluid"].t1 * 0.97, repetition)
        return inversion_recovery(tissue.density, tissue.t1, tissue.t2, repetition, echo, inversion)
    t1 = with_agent(tissue.t1, tissue.agent) if modality == "T1c" else tissue.t1
    return spin_echo(tissue.density, t1, tissue.t2, repetition, echo)


def mix(scanner: Scanner, fractions: dict[str, Field], textures: dict[str, Field]) -> dict[str, Field]:
    """Noise-free images: every voxel adds up the signals of its tissues by their share.

    Args:
        scanner: protocol and tissue constants.
        fractions: share of each tissue, `(z, y, x)`.
        textures: unit-variance field of each tissue, `(z, y, x)`; shared by the modalities.
    """
    images = {}
    for modality in BRAIN_MRI.modalities:
        total = np.zeros_like(next(iter(fractions.values())))
        for name, share in fractions.items():
            level = tissue_signal(scanner, modality, name)
            uneven = scanner.tissues[name].uneven
            total += share * np.float32(level) * (1 + np.float32(uneven) * textures[name])
        images[modality] = total
    return images
