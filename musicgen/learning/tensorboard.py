"""Figures for TensorBoard: event files, which TensorFlow's own writer makes only where TensorBoard is installed.

Source: a file of `tensorflow.core.util.event_pb2.Event` records, as TFRecords, with `tfevents` in its name.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class EventWriter:
    """The figures of a training, each under its name, by steps."""

    def __init__(self, folder: Path) -> None:
        """A new file in the folder; those of an earlier part of the same training stay. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{time.time_ns()}.musicgen"))
        self._add(file_version="brain.Event:2")

    def write(self, figures: Mapping[str, float], step: int) -> None:
        """Figures after a step."""
        values = [tf.compat.v1.Summary.Value(tag=name, simple_value=figure) for name, figure in figures.items()]
        self._add(step=step, summary=tf.compat.v1.Summary(value=values))

    def _add(self, **content) -> None:
        self._writer.write(tf.compat.v1.Event(wall_time=time.time(), **content).SerializeToString())
        self._writer.flush()
