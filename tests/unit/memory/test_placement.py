from hypothesis import given, strategies as st

from llama_runner.memory.amounts import Amounts
from llama_runner.memory.footprint import Footprint
from llama_runner.memory.placement import Offload, placed

MODEL = Footprint(weights=800, cache=100, state=0, compute=100, process=50)


def test_without_gpus_everything_is_in_ram():
    assert placed(MODEL, Offload(), {"ram": 5000}) == Amounts({"ram": 1050})


def test_all_layers_go_to_the_gpu_and_the_process_stays():
    assert placed(MODEL, Offload(), {"ram": 5000, "gpu0": 9000}) == Amounts(
        {"ram": 50, "gpu0": 1000}
    )


def test_no_layers_on_the_gpu_leave_it_alone():
    assert placed(MODEL, Offload(share=0), {"ram": 1, "gpu0": 9000}) == Amounts({"ram": 1050})


def test_two_gpus_share_by_what_is_free_unless_told():
    free = {"ram": 1, "gpu0": 3000, "gpu1": 1000}
    assert placed(MODEL, Offload(), free) == Amounts({"ram": 50, "gpu0": 750, "gpu1": 250})
    told = Offload(split=(1.0, 1.0))
    assert placed(MODEL, told, free) == Amounts({"ram": 50, "gpu0": 500, "gpu1": 500})
    one = Offload(split=(0.0, 1.0))
    assert placed(MODEL, one, free) == Amounts({"ram": 50, "gpu1": 1000})


def test_full_gpus_still_get_what_they_are_told_to_hold():
    full = placed(MODEL, Offload(), {"ram": 1, "gpu0": 0})
    assert full.on("ram") == 50


@given(
    st.floats(0, 1),
    st.lists(st.floats(0, 10), max_size=4),
    st.lists(st.integers(0, 10_000), max_size=3),
)
def test_nothing_is_lost_or_added(share, split, gpus):
    free = {"ram": 5000, **{f"gpu{number}": size for number, size in enumerate(gpus)}}
    amounts = placed(MODEL, Offload(share=share, split=tuple(split)), free)
    assert all(amount >= 0 for amount in amounts.by_device.values())
    if not gpus or any(gpus):
        assert abs(sum(amounts.by_device.values()) - MODEL.total) <= len(gpus)
