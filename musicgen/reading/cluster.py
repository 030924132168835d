"""Shards read on the machines of a Ray cluster, which see the same files. Ray is an extra: `pip install 'musicgen[ray]'`."""

import logging
from pathlib import Path

import musicgen
from musicgen.reading.shards import Plan, ShardsError, open_plan, read_shard

LOCAL = "local"  # instead of an address: this machine alone


def read_on_cluster(plan: Plan, shards: list[int], address: str) -> None:
    """Have shards read, each by a task of its own; the bytes are those that `read_shard` gives anywhere. Raises ShardsError."""
    try:
        import ray
    except ModuleNotFoundError:
        raise ShardsError("Ray is not installed: pip install 'musicgen[ray]', or read the shards by hand with --shard") from None
    try:
        environment = {"py_modules": [str(Path(musicgen.__file__).parent)]}  # all machines read with this code
        ray.init(None if address == LOCAL else address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ShardsError(f"there is no Ray cluster at {address}: {error}") from None
    try:
        folder = str(plan.folder.resolve())
        task = ray.remote(num_cpus=1, max_retries=3)(_read_one)
        ray.get([task.remote(folder, shard) for shard in shards])
    except ray.exceptions.RayError as error:
        raise ShardsError(f"a task of Ray has failed: {str(error).strip().splitlines()[-1]}") from None
    finally:
        ray.shutdown()


def _read_one(folder: str, shard: int) -> None:
    read_shard(open_plan(Path(folder)), shard, num_workers=1)
