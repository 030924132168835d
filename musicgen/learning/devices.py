"""What the backend found to learn on, and what keeps a GPU from its fastest way.

Source: the conditions are those of Keras' layers (`keras/src/backend/tensorflow/rnn.py`): tanh and sigmoid, biases, no recurrent dropout, no mask.
"""

from pathlib import Path

import keras

GPU_FILES = ("/dev/nvidia0", "/dev/dxg", "/dev/kfd")  # where Linux, Windows' Linux and AMD's driver show a GPU
CUDNN_CELLS = ("lstm", "gru")
PROCESSORS_LISTED, NARROW_FLAGS = Path("/proc/cpuinfo"), {"avx512_bf16", "amx_bf16"}


def num_gpus() -> int:
    """GPUs that the backend can use."""
    return len(keras.distribution.list_devices("gpu"))


def has_unused_gpu() -> bool:
    """Whether the machine shows a GPU that the backend does not see."""
    return not num_gpus() and any(Path(name).exists() for name in GPU_FILES)


def multiplies_bfloat16() -> bool:
    """Whether there is hardware for it, as far as is known: a GPU, or a processor that says so on Linux."""
    flags = set(PROCESSORS_LISTED.read_text().split()) if PROCESSORS_LISTED.exists() else set()
    return num_gpus() > 0 or bool(flags & NARROW_FLAGS)


def cudnn_obstacle(cell: str) -> str:
    """Why cuDNN does not run the recurrent layers of a kind, as the end of a sentence; nothing where it does."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        return f"Keras runs on {backend} here, and only TensorFlow's way to cuDNN is used"
    if has_unused_gpu():
        return "TensorFlow does not see the GPU of this machine"
    if not num_gpus():
        return "there is no GPU"
    return "" if cell in CUDNN_CELLS else f"cuDNN is used for {' and '.join(CUDNN_CELLS)} alone, not for the plain cell"
