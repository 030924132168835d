"""A recurrent network that learns your music and plays it back.

import musicgen
model = musicgen.load("chorales")
model.compose(bars=16, temperature=0.9, random_seed=7).save("chorale.mid")
"""

import os
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What is not needed to say the version is imported when it is asked for."""
    if name in ("load", "Composer"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads: small products are slower on several threads
        from musicgen import api

        return getattr(api, name)
    raise AttributeError(f"module 'musicgen' has no attribute {name!r}")
