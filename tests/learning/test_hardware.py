"""Which precision is chosen follows from what the machine is, and only where it was measured."""

import pytest

from musicgen.learning import hardware


@pytest.mark.parametrize(
    ("flags", "gpu", "backend", "chosen"),
    [
        ("fpu avx2 avx512_bf16 amx_bf16", False, "tensorflow", "mixed_bfloat16"),
        ("fpu avx2 avx512_bf16", False, "tensorflow", "mixed_bfloat16"),
        ("fpu avx2 avx512_bf16x", False, "tensorflow", "float32"),
        ("fpu avx512_bf16", True, "tensorflow", "float32"),
        ("fpu avx512_bf16", False, "jax", "float32"),
        (None, False, "tensorflow", "float32"),
    ],
)
def test_bfloat16_is_chosen_where_it_was_measured_to_be_faster(tmp_path, monkeypatch, flags, gpu, backend, chosen):
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\n")
    if gpu:
        (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(hardware, "PROCESSORS_LISTED", tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware, "GPU_FILES", (str(tmp_path / "nvidia0"),))
    monkeypatch.setenv("KERAS_BACKEND", backend)

    assert hardware.faster_precision() == chosen
