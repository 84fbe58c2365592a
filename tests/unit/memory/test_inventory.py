from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace

import pynvml  # type: ignore[import-untyped]
import pytest

from llama_runner.config.app import MemoryConfig
from llama_runner.memory.amounts import RAM, Amounts
from llama_runner.memory.gpu import Gpus, open_gpus
from llama_runner.memory.inventory import MemoryWatch, held_by


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what puts a driver in place that knows of these GPUs."""

    def install(*devices: SimpleNamespace) -> None:
        answers = {
            "nvmlInit": lambda: None,
            "nvmlShutdown": lambda: None,
            "nvmlDeviceGetCount": lambda: len(devices),
            "nvmlDeviceGetHandleByIndex": lambda index: devices[index],
            "nvmlDeviceGetName": lambda device: device.name,
            "nvmlDeviceGetMemoryInfo": lambda device: device.memory(),
            "nvmlDeviceGetComputeRunningProcesses": lambda device: device.processes,
        }
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, answer)

    return install


def _gpu(total: int, free: int, **held: int | None) -> SimpleNamespace:
    return SimpleNamespace(
        name=b"NVIDIA H100",
        memory=lambda: SimpleNamespace(total=total, free=free),
        processes=[
            SimpleNamespace(pid=int(pid[1:]), usedGpuMemory=used) for pid, used in held.items()
        ],
    )


def test_this_machine_has_ram_and_this_process_holds_some() -> None:
    (ram,) = MemoryWatch(Gpus()).look([os.getpid()]).devices
    assert ram.name == RAM
    assert 0 < ram.ours < ram.total and 0 < ram.free <= ram.total


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert held_by(2**22 + 1) == (0, 0)


def test_what_a_process_maps_of_files_is_not_private() -> None:
    whole, private = held_by(os.getpid())
    assert 0 < private <= whole


def test_each_gpu_tells_what_our_children_hold(driver: Callable[..., None]) -> None:
    driver(_gpu(1000, 300, p7=400, p8=200, p9=None), _gpu(500, 500))
    with open_gpus() as gpus:
        first, second = gpus.look([7, 9])
    assert (first.name, first.label) == ("gpu0", "NVIDIA H100")
    assert (first.total, first.free, first.ours) == (1000, 300, 400)
    assert (second.name, second.free, second.ours) == ("gpu1", 500, 0)


def test_a_gpu_that_is_lost_is_left_out(driver: Callable[..., None]) -> None:
    def lost() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)

    broken = _gpu(1, 1)
    broken.memory = lost
    driver(broken, _gpu(500, 400))
    with open_gpus() as gpus:
        assert [device.name for device in gpus.look([])] == ["gpu1"]


def test_without_a_driver_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    with open_gpus() as gpus:
        assert gpus.look([]) == ()


def test_the_reserve_is_for_each_device_there_is(driver: Callable[..., None]) -> None:
    driver(_gpu(1000, 300), _gpu(500, 500))
    with open_gpus() as gpus:
        reserve = MemoryWatch(gpus).reserve(MemoryConfig(reserve_ram=5, reserve_gpu=7))
    assert reserve == Amounts({RAM: 5, "gpu0": 7, "gpu1": 7})
