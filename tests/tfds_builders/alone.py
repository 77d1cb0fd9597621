"""A TFDS data set read in a process that knows nothing of this package."""

import os
import subprocess
import sys
from pathlib import Path

READ = """
import sys
import tensorflow_datasets as tfds
examples = list(tfds.as_numpy(tfds.builder_from_directory(sys.argv[1]).as_dataset(split="train")))
assert not {"tf_medsynth", "tfds_builders"} & set(sys.modules)
print(len(examples), examples[0]["images"].dtype, examples[0]["images"].shape)
"""


def read_alone(directory: Path, elsewhere: Path) -> list[str]:
    """Words: how many training examples there are, then dtype and shape of the first one's images."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-I", "-c", READ, str(directory)]
    run = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.split()
