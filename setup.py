"""Installs `tf_medsynth` with its builders, pipelines and the ``medsynth`` command."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
STATED = (HERE / "tf_medsynth" / "version.py").read_text(encoding="utf-8")
VERSION = re.findall(r'^__version__ = "(.+)"$', STATED, flags=re.MULTILINE)[0]

# `requirements/base.in` repeats these ranges; `tests/test_architecture.py` compares the two.
RUN = [
    "keras>=3.15,<3.16",
    "h5py>=3.11,<4",
    "tensorflow-datasets>=4.9.10,<5",
    "importlib-resources>=6.4,<8",  # tensorflow-datasets 4.9 imports it without requiring it
    "numpy>=2.1,<3",
    "opencv-python-headless>=4.10,<6",
    "nibabel>=5.3,<6",
    "SimpleITK>=2.4,<3",
    "tensorboard>=2.20,<3",
    "scipy>=1.14,<2",
    "scikit-image>=0.25,<1",
    "scikit-learn>=1.5,<2",
    "matplotlib>=3.9,<4",
    "jinja2>=3.1,<4",
    "tqdm>=4.66,<5",
]
TEST = [
    "dill>=0.3.9,<1",
    "httpx>=0.28,<1",
    "ipykernel>=7,<8",
    "mlcroissant>=1.1,<2",
    "nbclient>=0.10,<1",
    "playwright>=1.50,<2",
    "prdc>=0.2,<1",
    "pytest>=8,<10",
    "pytest-xdist>=3.6,<4",
    "requests>=2.32,<3",
]
BEAM = ["apache-beam>=2.77,<3"]
PIPELINE = ["kfp>=2.17,<3"]
SERVE = [
    "grpcio>=1.70,<2",
    "orjson>=3.10,<4",
    "starlette>=0.46,<2",
    "uvicorn>=0.34,<1",
]
# The official stubs of TensorFlow Serving require the package `tensorflow`, beside which a
# `tensorflow-cpu` is the same files again: an extra of their own; our own lock leaves it out.
GRPC = ["tensorflow-serving-api>=2.21,<2.22"]
UI = ["nicegui>=3.18,<4"]
DEVELOP = [
    "ruff>=0.9,<1",
    "mypy>=1.14,<3",
    "pre-commit>=4,<5",
    "setuptools>=75",
    "wheel>=0.45",
]

setup(
    name="tf_medsynth",
    version=VERSION,
    description="Labelled, registered, multimodal medical images from noise, on TensorFlow 2 / Keras",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    # saved_models has no code: it is a package so that `medsynth sample` finds its model once installed.
    packages=[*find_packages(include=["tf_medsynth*", "tfds_builders*", "pipelines*"]), "saved_models"],
    package_data={
        "": ["*.md", "*.bib", "*.txt", "*.html", "*.css", "*.js", "templates/*", "py.typed"],
        "saved_models": ["*/*", "*/*/*", "*/*/*/*"],
    },
    exclude_package_data={"": ["dummy_data/*", "dummy_data/**/*"]},
    install_requires=RUN,
    extras_require={
        # TensorFlow is the caller's choice: a hard requirement would install both variants.
        "cpu": ["tensorflow-cpu>=2.21,<2.22"],
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
        "beam": BEAM,
        "pipeline": PIPELINE,
        "serve": SERVE,
        "grpc": GRPC,
        "ui": UI,
        "test": TEST,
        "dev": BEAM + PIPELINE + SERVE + GRPC + UI + TEST + DEVELOP,
    },
    entry_points={"console_scripts": ["medsynth = tf_medsynth.cli.main:main"]},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Medical Science Apps.",
    ],
)
