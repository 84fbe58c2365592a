from llama_runner.memory.amounts import Amounts
from llama_runner.memory.device import Device, Inventory

MACHINE = Inventory(
    (
        Device(name="ram", label="RAM", total=100, free=30, ours=50),
        Device(name="gpu0", label="GPU", total=80, free=60, ours=30),
    )
)


def test_the_budget_is_what_is_free_and_ours_without_the_reserve() -> None:
    assert MACHINE.budget(Amounts({"ram": 10})).on("ram") == 70


def test_the_budget_is_never_more_than_a_device_has() -> None:
    # A child's memory is read an instant before the device's, so they may overlap.
    assert MACHINE.budget(Amounts()).on("gpu0") == 80


def test_a_reserve_beyond_what_there_is_leaves_nothing() -> None:
    assert MACHINE.budget(Amounts({"gpu0": 1000})).on("gpu0") == 0


def test_free_is_told_by_device() -> None:
    assert MACHINE.free == Amounts({"ram": 30, "gpu0": 60})
