"""The named signatures of an exported model: seeds and labels in, images and maps out, a row a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation.fitting import fit_function
from tf_medsynth.generation.functions import Functions
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.saved_model import checks, encoding
from tf_medsynth.types import Tensor

Outputs = dict[str, Tensor]
DEFAULT = "synthesize_random"
"""The signature that needs least of a client stands for ``serving_default`` as well."""

Inputs = tuple[tf.TensorSpec, ...]


class Signatures:
    """The signatures, each a method that is one; outputs are float32, or PNG files named ``…_bytes``.

    Args:
        functions: of trained networks.
        labels: packed pool of labels (`encoding.packed_labels`).
        lesions: numbers of those that show a lesion.
        image_size: (H, W).
        settings: how `synthesize_random` draws a label.
        domain: what is drawn; with one modality there is nothing to translate.
    """

    def __init__(
        self,
        functions: Functions,
        labels: Tensor,
        lesions: Sequence[int],
        image_size: tuple[int, int],
        settings: GenerationConfig,
        domain: Domain,
    ) -> None:
        self._domain, self._kind = domain, label_kind(domain)
        self._functions, self._size, self._count = functions, image_size, len(labels)
        self._pick = encoding.picker(labels, image_size)
        self._fit = fit_function(self._pick, self._count, lesions, image_size, settings, self._kind)

    def inputs(self) -> dict[str, Inputs]:
        """What each signature takes, by its name."""
        seed = tf.TensorSpec((None, 2), tf.int64, "seed")
        label = self._pixels("lesion_label", 1, tf.int32)
        maps = self._pixels("structure_map", 1), self._pixels("background_mask", 1)
        modality = [tf.TensorSpec((None,), tf.int32, name) for name in ("source", "target")]
        files = tf.TensorSpec((None,), tf.string, "lesion_label_bytes")
        named: dict[str, Inputs] = {
            "synthesize": (seed, label),
            "synthesize_png": (seed, files),
            "synthesize_example": (tf.TensorSpec((None,), tf.string, "examples"),),
            "synthesize_random": (seed,),
            "synthesize_random_png": (seed,),
            "draw_structure": (seed,),
            "render": (seed, *maps, label),
            "translate": (self._pixels("images", self._domain.channels), *modality),
            "segment_lesion": (self._pixels("images", self._domain.image_channels),),
            "pool_labels": (tf.TensorSpec((None,), tf.int64, "number"),),
        }
        if self._functions.translate is None:
            del named["translate"]
        return {"serving_default": named[DEFAULT], **named}

    def functions(self) -> dict[str, Any]:
        """Every signature by name, ready to be saved."""
        inputs = self.inputs()
        del inputs["serving_default"]
        made = {
            name: tf.function(getattr(self, name), [_open(spec) for spec in specs], autograph=False)
            for name, specs in inputs.items()
        }
        return {"serving_default": made[DEFAULT], **made}

    def synthesize(self, seed: Tensor, lesion_label: Tensor) -> Outputs:
        """Images of the patient that (run seed, sample number) names, with a given lesion."""
        seed, label = checks.same_rows(seed=seed, lesion_label=lesion_label)
        return self._synthesized(*checks.checked_names(seed), self._checked(label))

    def synthesize_png(self, seed: Tensor, lesion_label_bytes: Tensor) -> Outputs:
        """The same, with the label as a PNG file, and files out."""
        label = encoding.decoded_labels(lesion_label_bytes, self._size, self._domain.num_classes)
        return self._files(self.synthesize(seed, label))

    def synthesize_example(self, examples: Tensor) -> Outputs:
        """The same of serialized `tf.Example` with ``seed`` (2 integers) and ``lesion_label`` (PNG)."""
        seed, files = encoding.parsed_examples(examples)
        return self.synthesize(seed, encoding.decoded_labels(files, self._size, self._domain.num_classes))

    def synthesize_random(self, seed: Tensor) -> Outputs:
        """The patient with the label that ``medsynth generate`` draws for (run seed, sample number)."""
        names = checks.checked_names(seed)
        maps = self._functions.draw_structure(*names)
        label, found = self._label(maps, *names)
        return {
            "images": self._functions.render(maps["structure_map"], maps["background_mask"], label, *names),
            **self._seen(maps, label),
            "lesion_label": _float(label),
            "label_found": _float(found),
        }

    def synthesize_random_png(self, seed: Tensor) -> Outputs:
        """The same as PNG files."""
        return self._files(self.synthesize_random(seed))

    def draw_structure(self, seed: Tensor) -> Outputs:
        """Structure map and background mask alone."""
        return dict(self._functions.draw_structure(*checks.checked_names(seed)))

    def render(
        self, seed: Tensor, structure_map: Tensor, background_mask: Tensor, lesion_label: Tensor
    ) -> Outputs:
        """Images of a given map, mask and label; the seed names the noise."""
        seed, lines, mask, label = checks.same_rows(
            seed=seed, structure_map=structure_map, background_mask=background_mask, lesion_label=lesion_label
        )
        lines = checks.checked_map("structure_map", lines, self._size)
        mask = checks.checked_map("background_mask", mask, self._size)
        label = self._checked(label)
        return {"images": self._functions.render(lines, mask, label, *checks.checked_names(seed))}

    def translate(self, images: Tensor, source: Tensor, target: Tensor) -> Outputs:
        """Images of one modality as another; one network makes all, and is told the target alone."""
        images, source, target = checks.same_rows(images=images, source=source, target=target)
        images = checks.checked_images("images", images, self._size, self._domain.channels)
        modalities, translate = self._domain.modalities, self._functions.translate
        assert translate is not None
        with tf.control_dependencies([checks.checked_modality("source", source, modalities)]):
            target = checks.checked_modality("target", target, modalities)
        return {"images": translate(images, target)}

    def segment_lesion(self, images: Tensor) -> Outputs:
        """The lesion as each modality's own guide sees it, a channel a modality."""
        images = checks.checked_images("images", images, self._size, self._domain.image_channels)
        return {"lesion_label_by_modality": _float(self._functions.segment(images))}

    def pool_labels(self, number: Tensor) -> Outputs:
        """Labels of the pool that `synthesize_random` draws from, as they are."""
        return {"lesion_label": _float(self._pick(checks.checked_numbers(number, self._count)))}

    def _checked(self, label: Tensor) -> Tensor:
        return checks.checked_label(label, self._size, self._domain.num_classes)

    def _pixels(self, name: str, channels: int, dtype: tf.DType = tf.float32) -> tf.TensorSpec:
        return tf.TensorSpec((None, *self._size, channels), dtype, name)

    def _files(self, outputs: Outputs) -> Outputs:
        """Images, and the label where one was drawn, as PNG files; scalars stay."""
        files = {"images_bytes": encoding.encoded_images(outputs["images"], self._domain.channels)}
        if "lesion_label" in outputs:
            files["lesion_label_bytes"] = encoding.encoded_labels(outputs["lesion_label"])
        return files | {name: value for name, value in outputs.items() if value.shape.rank == 1}

    def _synthesized(self, seed: Tensor, index: Tensor, label: Tensor) -> Outputs:
        maps = self._functions.draw_structure(seed, index)
        lines, mask = maps["structure_map"], maps["background_mask"]
        images = self._functions.render(lines, mask, label, seed, index)
        inside = _float(self._kind.fits(mask, label))
        return {"images": images, **self._seen(maps, label), "label_inside": inside}

    def _label(self, maps: Outputs, seed: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """The label of drawn maps, and whether there is one."""
        if self._kind.follows_map:
            label = self._kind.of_map(maps["structure_map"], maps["background_mask"])
            return label, self._kind.shown(label)
        fitted = self._fit(maps["background_mask"], seed, index)
        return fitted["lesion_label"], fitted["label_found"]

    def _seen(self, maps: Outputs, label: Tensor) -> Outputs:
        """The maps as the generator saw them, and as ``medsynth generate`` records them."""
        return {**maps, "structure_map": self._kind.erase(maps["structure_map"], label)}


def _open(spec: tf.TensorSpec) -> tf.TensorSpec:
    """The same of any size: fixed sizes some servers ignore; here the graph checks them, in plain words."""
    return tf.TensorSpec([None] * spec.shape.rank, spec.dtype, spec.name)


def _float(values: Tensor) -> Tensor:
    return tf.cast(values, tf.float32)
