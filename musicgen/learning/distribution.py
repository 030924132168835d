"""Training steps that several GPUs, or several machines, take together: the only module that knows TensorFlow by name.

Conventions: each replica is given an equal share of a batch's windows, so that all together see the same batch as one would alone. Gradients are of
the nats of a share over the notes of the whole batch; their sum is the gradient that one replica would have, and it is clipped and applied once, the
same everywhere. So the numbers are those of one process but for rounding, and for dropout, which leaves out other units. Several machines are named
by TF_CONFIG, as TensorFlow has it: {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}, each with its own index.
A training goes on from what the first machine has saved.

`Model.fit` does not run under MultiWorkerMirroredStrategy in Keras 3 (keras issues 20329 and 20585), so the step is written out here.
"""

from collections.abc import Callable

import keras
import numpy as np

from musicgen.encoding.vocabulary import PITCH
from musicgen.learning.cluster import place
from musicgen.learning.devices import num_gpus
from musicgen.learning.fitting import Alone, Replicas, TrainedNetwork
from musicgen.learning.trouble import TrainingError

ABORTED = "Collective ops is aborted"  # what TensorFlow says, whatever its error is called


def found_replicas() -> Replicas:
    """All that this process can learn with: other machines, the GPUs of this one, or one device. To be called before anything is computed.

    Raises ValueError for a TF_CONFIG that can't be understood.
    """
    if keras.backend.backend() != "tensorflow":
        return Alone()
    import tensorflow as tf

    if place().workers > 1:
        return Together(tf.distribute.MultiWorkerMirroredStrategy())
    return Together(tf.distribute.MirroredStrategy()) if num_gpus() > 1 else Alone()


class Together:
    """Replicas of a network that take every step together."""

    def __init__(self, strategy) -> None:
        self._strategy = strategy
        self.count = strategy.num_replicas_in_sync
        self._steps: dict[int, Callable] = {}  # compiled, by the network

    def scope(self):
        """Where the network is built."""
        return self._strategy.scope()

    def step(self, model: TrainedNetwork, inputs: dict[str, np.ndarray], targets: np.ndarray, said: np.ndarray) -> float:
        """Take one step, and return the nats a note of the whole batch, whose windows can be dealt out evenly."""
        share = len(targets) // self.count
        notes = max(float(said[..., PITCH].sum()), 1.0)

        def dealt(array: np.ndarray):
            import tensorflow as tf

            def of_replica(context):
                first = context.replica_id_in_sync_group * share
                return tf.convert_to_tensor(array[first : first + share])

            return self._strategy.experimental_distribute_values_from_function(of_replica)

        if id(model) not in self._steps:
            self._steps = {id(model): self._compiled(model)}
        shares = {name: dealt(array) for name, array in inputs.items()}
        try:
            return float(self._steps[id(model)](shares, dealt(targets), dealt(said), np.float32(notes)))
        except Exception as error:
            if ABORTED not in str(error):
                raise
            raise TrainingError("another machine has stopped: start all of them again, each with --resume and the folder of its run") from None

    def of_first(self, content: bytes) -> bytes:
        """What the first machine says, on all of them; to be called by all."""
        (length,) = self._of_first(np.array([len(content)], np.int32))
        words = np.zeros(-(-int(length) // 4), np.int32)
        if not place().number:
            words.view(np.uint8)[: len(content)] = np.frombuffer(content, np.uint8)
        return self._of_first(words).tobytes()[:length] if length else b""

    def _of_first(self, array: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        def of_replica(context):
            return tf.convert_to_tensor(array if context.replica_id_in_sync_group == 0 else np.zeros_like(array))

        dealt = self._strategy.experimental_distribute_values_from_function(of_replica)
        return tf.function(lambda values: self._strategy.reduce("SUM", values, axis=None))(dealt).numpy()

    def _compiled(self, model: TrainedNetwork):
        import tensorflow as tf

        variables = model.trainable_variables
        sizes = [int(np.prod(variable.shape)) for variable in variables]

        def of_replica(inputs, targets, said, notes):
            """All gradients and the loss of a replica's share in one row, so that one sum goes over the network."""
            with tf.GradientTape() as tape:
                own = tf.maximum(tf.reduce_sum(said[..., PITCH]), 1.0)
                loss = model.compute_loss(inputs, targets, model(inputs, training=True), said) * own / notes
            gradients = tape.gradient(loss, [variable.value for variable in variables])
            return tf.concat([*(tf.reshape(tf.convert_to_tensor(gradient), [-1]) for gradient in gradients), [loss]], axis=0)

        @tf.function
        def step(inputs, targets, said, notes):
            row = self._strategy.reduce("SUM", self._strategy.run(of_replica, args=(inputs, targets, said, notes)), axis=None)
            *gradients, loss = tf.split(row, [*sizes, 1])
            model.optimizer.apply([tf.reshape(gradient, variable.shape) for gradient, variable in zip(gradients, variables, strict=True)], variables)
            return loss[0]

        return step
