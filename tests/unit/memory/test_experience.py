from __future__ import annotations

import logging

import pytest
from attrs import evolve

from llama_runner.memory.amounts import Amounts
from llama_runner.memory.experience import MOST, Experience, Load
from llama_runner.memory.experience_file import ExperienceFile

SMALL = Load(model="m", build="b1", arguments="ctx 1")
LARGE = evolve(SMALL, arguments="ctx 2")


def ram(size: int) -> Amounts:
    return Amounts({"ram": size})


def test_what_was_never_loaded_is_reckoned():
    assert Experience().corrected(SMALL, ram(100)) == ram(100)


def test_what_was_loaded_takes_what_it_took():
    experience = Experience()
    experience.learn(SMALL, ram(100), ram(130))
    assert experience.corrected(SMALL, ram(100)) == ram(130)


def test_with_other_arguments_it_takes_the_reckoned_difference_more():
    experience = Experience()
    experience.learn(SMALL, ram(100), ram(130))
    assert experience.corrected(LARGE, ram(400)) == ram(430)
    assert experience.corrected(LARGE, ram(20)) == ram(50)


def test_another_build_or_file_is_another_matter():
    experience = Experience()
    experience.learn(SMALL, ram(100), ram(130))
    for other in (evolve(SMALL, build="b2"), evolve(SMALL, model="n")):
        assert experience.corrected(other, ram(100)) == ram(100)


def test_the_most_that_was_seen_of_a_load_counts():
    experience = Experience()
    for taken in (130, 150, 140):
        experience.learn(SMALL, ram(100), ram(taken))
    assert experience.corrected(SMALL, ram(100)) == ram(150)


def test_a_load_that_is_reckoned_otherwise_by_now_is_learned_anew():
    experience = Experience()
    experience.learn(SMALL, ram(100), ram(150))
    assert experience.corrected(SMALL, ram(110)) == ram(160)
    experience.learn(SMALL, ram(110), ram(120))
    assert experience.corrected(SMALL, ram(110)) == ram(120)


def test_devices_are_corrected_each_for_itself():
    experience = Experience()
    experience.learn(SMALL, Amounts({"ram": 10, "gpu0": 100}), Amounts({"ram": 5, "gpu0": 120}))
    corrected = experience.corrected(LARGE, Amounts({"ram": 10, "gpu0": 150}))
    assert corrected == Amounts({"ram": 5, "gpu0": 170})


def test_the_oldest_lessons_go_first():
    experience = Experience()
    for number in range(MOST + 1):
        experience.learn(evolve(SMALL, model=str(number)), ram(1), ram(2))
    assert experience.corrected(evolve(SMALL, model="0"), ram(1)) == ram(1)
    assert experience.corrected(evolve(SMALL, model=str(MOST)), ram(1)) == ram(2)


def test_it_is_kept_over_runs(tmp_path):
    file = ExperienceFile(tmp_path / "memory.json")
    experience = file.read()
    experience.learn(SMALL, Amounts({"ram": 1, "gpu0": 2}), Amounts({"ram": 3, "gpu0": 4}))
    file.write(file.text(experience))
    assert list(file.read().lessons) == list(experience.lessons)


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "null", "7", '{"format": 1}', '{"format": 1, "loads": [7]}'),
        '{"format": 1, "loads": [{"model": "m", "build": "b", "arguments": "", '
        '"reckoned": {"ram": -1}, "taken": {}}]}',
        '{"format": 1, "loads": [{"model": "m", "build": "b", "arguments": "", '
        '"reckoned": [], "taken": {}}]}',
    ],
)
def test_a_file_that_cannot_be_read_counts_as_empty_with_a_warning(tmp_path, content, caplog):
    file = ExperienceFile(tmp_path / "memory.json")
    file.path.write_text(content, "utf-8")
    assert not list(file.read().lessons)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_file_of_another_format_is_passed_over(tmp_path, caplog):
    file = ExperienceFile(tmp_path / "memory.json")
    file.path.write_text('{"format": 0}', "utf-8")
    assert not list(file.read().lessons)
    assert not caplog.records


def test_what_cannot_be_kept_is_no_error(tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    file = ExperienceFile(tmp_path / "file" / "memory.json")
    file.write(file.text(Experience()))
    assert "cannot be kept" in caplog.text
