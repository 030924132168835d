"""Steps that several replicas take together are those of one alone."""

import json
import os
import socket
import subprocess
import sys
import warnings

import numpy as np
import pytest
from tiny import configuration_of, random_weights, tunes

from musicgen.encoding.tokens import encode

SETTINGS = {"epochs": 2, "learning_rate": 2e-3, "batch_rows": 96, "window": 32, "averaging": 0.5}


def learned(found: bool) -> dict:
    """What a tiny training without dropout comes to, by all replicas that there are or by one device."""
    from musicgen.learning.batches import example_of
    from musicgen.learning.cluster import place
    from musicgen.learning.distribution import found_replicas
    from musicgen.learning.schedule import Schedule
    from musicgen.learning.training import Training

    replicas = found_replicas() if found else None
    configuration = configuration_of(tunes(8), cell="rnn", dropout=0.0, units=8, head_units=8)
    examples = [example_of(encode(piece), configuration.vocabulary, configuration.slots) for piece in tunes(8)]
    weights = {name: 0.3 * array for name, array in random_weights(configuration).items()}
    training = Training(configuration, examples[:7], examples[7:], Schedule(**SETTINGS), weights, replicas)
    steps = list(training.run())
    training.restore(training.snapshot())
    flat = np.concatenate([array.ravel() for array in training.weights().values()])
    return {
        "replicas": replicas.count if replicas else 1,
        "of_first": replicas.of_first(bytes([place().number]) * 5).hex() if replicas else "",
        "nats": [step.training_nats for step in steps],
        "norms": [step.gradient_norm for step in steps],
        "held_out": steps[-1].best_nats,
        "weights": [float(flat.sum()), float((flat * np.cos(np.arange(len(flat)))).sum())],
    }


def run(program: str, **environment: str) -> subprocess.Popen:
    paths = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    program = f"import json, test_distribution as t; {program}; print(json.dumps(t.learned(True)))"
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths, **environment}
    )


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.mark.slow
def test_two_machines_and_two_devices_learn_what_one_does():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own
        import musicgen.learning.distribution  # noqa: F401
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    processes = [run("pass", TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})) for index in range(2)]
    split = "import tensorflow as tf; halves = [tf.config.LogicalDeviceConfiguration()] * 2"
    split += "; tf.config.set_logical_device_configuration(tf.config.list_physical_devices('CPU')[0], halves)"
    mirrored = "tf.distribute.MultiWorkerMirroredStrategy = None; import musicgen.learning.distribution as d; d.num_gpus = lambda: 2"
    devices = "real = tf.distribute.MirroredStrategy; tf.distribute.MirroredStrategy = lambda: real(['CPU:0', 'CPU:1'])"
    processes.append(run(f"{split}; {mirrored}; {devices}"))
    alone = learned(False)
    for process in processes:
        said, _ = process.communicate(timeout=240)
        together = json.loads(said.splitlines()[-1])
        assert together["replicas"] == 2
        assert together["of_first"] == "00" * 5
        assert together["nats"] == pytest.approx(alone["nats"], rel=5e-5)
        assert together["norms"] == pytest.approx(alone["norms"], rel=1e-3)
        assert together["held_out"] == pytest.approx(alone["held_out"], rel=5e-5)
        assert together["weights"] == pytest.approx(alone["weights"], rel=1e-3, abs=1e-2)
    assert len(alone["nats"]) > 4
