from __future__ import annotations

import errno
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from llama_runner.logs import rotating_file
from llama_runner.logs.layout import file_text
from llama_runner.logs.line import LogLine
from llama_runner.logs.rotating_file import RotatingFile


def line(text: str) -> LogLine:
    return LogLine(0.0, "INFO", "l", text)


SIZE = len(file_text(line("x")))


def write_all(files: RotatingFile, lines: list[LogLine]) -> None:
    while lines:
        lines = lines[files.write(lines) :]


def written(folder: Path) -> str:
    """Return all that the files hold, oldest first."""
    older = sorted(folder.glob("llama-runner.*.log"))
    paths = [*older, folder / "llama-runner.log"]
    return "".join(path.read_text("utf-8") for path in paths if path.exists())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_lines_are_appended_across_starts_in_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "logs"
    for text in ("grüße", "→ \ud800"):
        assert RotatingFile(folder, 1000, 2).write([line(text)]) == 1
    assert names(folder) == ["llama-runner.log"]
    told = file_text(line("grüße")) + file_text(line("→ \\ud800"))
    assert (folder / "llama-runner.log").read_bytes() == told.encode()


def test_a_full_file_is_set_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    files = RotatingFile(tmp_path, 2 * SIZE, 3)
    write_all(files, [line(text) for text in "abcdefgh"])
    assert names(tmp_path) == [
        "llama-runner.000002.log",
        "llama-runner.000003.log",
        "llama-runner.log",
    ]
    assert written(tmp_path) == "".join(file_text(line(text)) for text in "cdefgh")


def test_one_file_alone_starts_over_when_it_is_full(tmp_path: Path) -> None:
    write_all(RotatingFile(tmp_path, 2 * SIZE, 1), [line(text) for text in "abc"])
    assert names(tmp_path) == ["llama-runner.log"]
    assert written(tmp_path) == file_text(line("c"))


def test_lower_limits_of_a_later_start_hold_for_what_earlier_ones_left(tmp_path: Path) -> None:
    write_all(RotatingFile(tmp_path, 4 * SIZE, 5), [line(text) for text in "abcdefghij"])
    RotatingFile(tmp_path, 2 * SIZE, 2).write([line("k")])
    assert len(written(tmp_path)) <= 4 * SIZE
    assert written(tmp_path).endswith(file_text(line("k")))


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("other.log", "llama-runner.1.log", ".gitkeep", "llama-runner.log.bak"):
        (tmp_path / name).write_text("theirs" * 100)
    write_all(RotatingFile(tmp_path, SIZE, 2), [line(text) for text in "abcd"])
    assert {"other.log", "llama-runner.1.log", ".gitkeep", "llama-runner.log.bak"} <= set(
        names(tmp_path)
    )


def test_no_line_is_lost_while_a_reader_holds_the_file(tmp_path: Path) -> None:
    files = RotatingFile(tmp_path, 2 * SIZE, 10)
    files.write([line("a")])
    with files.current.open("rb"):  # on Windows it cannot be renamed now
        write_all(files, [line(text) for text in "bcdef"])
    write_all(files, [line("g")])
    assert written(tmp_path) == "".join(file_text(line(text)) for text in "abcdefg")
    assert files.current.stat().st_size <= 2 * SIZE


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, "held by another program")


def test_a_held_file_grows_within_the_bound_of_all_and_starts_over_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = RotatingFile(tmp_path, 2 * SIZE, 3)
    write_all(files, [line(text) for text in "abcd"])
    with monkeypatch.context() as held:
        held.setattr(Path, "rename", refuse)
        write_all(files, [line(text) for text in "efgh"])
        assert written(tmp_path) == "".join(file_text(line(text)) for text in "cdefgh")
        with pytest.raises(OSError, match="other programs hold them"):
            files.write([line("i")])
    assert files.write([line("j")]) == 1
    assert files.write([line("k")]) == 1
    assert written(tmp_path) == file_text(line("j")) + file_text(line("k"))


def test_a_held_older_file_stays_and_the_next_one_goes_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def hold_first(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "llama-runner.000001.log":
            refuse()
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", hold_first)
    write_all(RotatingFile(tmp_path, SIZE, 3), [line(text) for text in "abcde"])
    assert written(tmp_path) == "".join(file_text(line(text)) for text in "ade")


def test_a_write_that_fails_half_way_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(file: io.FileIO, data: bytes) -> None:
        file.write(data[:3])
        raise OSError(errno.ENOSPC, "no space left on device")

    files = RotatingFile(tmp_path, 1000, 2)
    files.write([line("a")])
    with monkeypatch.context() as full:
        full.setattr(rotating_file, "_write_all", fill_the_disk)
        with pytest.raises(OSError, match="no space left"):
            files.write([line("b")])
    files.write([line("c")])
    assert written(tmp_path) == file_text(line("a")) + file_text(line("c"))


@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=30),
    st.integers(1, 150),
    st.integers(1, 4),
    st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_the_bound_of_all_files_holds_and_only_the_oldest_lines_go(
    lengths: list[int], max_file_bytes: int, max_files: int, held: list[bool]
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder, told, rename = Path(name), "", Path.rename
        files = RotatingFile(folder, max_file_bytes, max_files)
        for number, (length, is_held) in enumerate(zip(lengths, held, strict=False)):
            patch.setattr(Path, "rename", refuse if is_held else rename)
            text = chr(0x61 + number % 26) * length
            try:
                files.write([line(text)])
            except OSError:
                assert is_held
            else:
                full = file_text(line(text))
                told += full if len(full) <= max_file_bytes else full[: max_file_bytes - 1] + "\n"
            assert sum(path.stat().st_size for path in folder.iterdir()) <= (
                max_file_bytes * max_files
            )
        assert told.endswith(written(folder)) and written(folder)
