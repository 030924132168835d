"""What the backend found to learn on, and what keeps a GPU from its fastest way.

Source: the conditions are those of Keras' layers (`keras/src/backend/tensorflow/rnn.py`): tanh and sigmoid, biases, no recurrent dropout, no mask.
"""

import keras

from musicgen.learning.hardware import processor_multiplies_bfloat16, shows_gpu

CUDNN_CELLS = ("lstm", "gru")


def num_gpus() -> int:
    """GPUs that the backend can use."""
    return len(keras.distribution.list_devices("gpu"))


def has_unused_gpu() -> bool:
    """Whether the machine shows a GPU that the backend does not see."""
    return not num_gpus() and shows_gpu()


def multiplies_bfloat16() -> bool:
    """Whether there is hardware for it, as far as is known."""
    return num_gpus() > 0 or processor_multiplies_bfloat16()


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
