"""Which of several machines this one is, as TF_CONFIG says it; known before TensorFlow is loaded."""

import json
import os
from typing import NamedTuple


class Place(NamedTuple):
    """Of this process among those that learn together."""

    number: int = 0
    workers: int = 1


def place() -> Place:
    """By TF_CONFIG. Raises ValueError where that can't be understood."""
    try:
        told = json.loads(os.environ.get("TF_CONFIG") or "{}")
        cluster, task = told.get("cluster", {}), told.get("task", {})
        found = Place(int(task.get("index", 0)), max(1, len(cluster.get("worker", []))))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"TF_CONFIG is no description of a cluster ({error})") from None
    if task.get("type", "worker") != "worker" or set(cluster) > {"worker"}:
        raise ValueError("TF_CONFIG has tasks that are no workers: here all machines are")
    if not 0 <= found.number < found.workers:
        raise ValueError(f"TF_CONFIG names {found.workers} workers, and this one as number {found.number} from 0")
    return found
