"""What a machine shows of itself before a backend is loaded, and which precision learns faster on it.

Source: `benchmarks/recurrent.py` and `benchmarks/likelihood.py` on a processor with AVX512-BF16, in benchmarks/README.md: the products of recurrent
layers take less time in bfloat16, and what is learned is as good. Nothing has been measured on GPUs, nor on backends other than TensorFlow.
"""

import os
from pathlib import Path

from musicgen.learning.schedule import PRECISIONS

GPU_FILES = ("/dev/nvidia0", "/dev/dxg", "/dev/kfd")  # where Linux, Windows' Linux and AMD's driver show a GPU
PROCESSORS_LISTED, NARROW_FLAGS = Path("/proc/cpuinfo"), {"avx512_bf16", "amx_bf16"}  # whoever has AMX has both


def shows_gpu() -> bool:
    """Whether there is a GPU, be it one that the backend can't use."""
    return any(Path(name).exists() for name in GPU_FILES)


def processor_multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for it, as far as is known: Linux alone says so."""
    return PROCESSORS_LISTED.exists() and not NARROW_FLAGS.isdisjoint(PROCESSORS_LISTED.read_text().split())


def faster_precision() -> str:
    """One of PRECISIONS: bfloat16 where it was measured to be faster, and follows from what the machine is, so the same every time."""
    was_measured = not shows_gpu() and os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
    return PRECISIONS[was_measured and processor_multiplies_bfloat16()]
