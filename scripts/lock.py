"""Write requirements.lock from pyproject.toml, with uv (``pip install uv``).

One file with one section for what every start needs, one for the embedded
engine and one for the tools of ``main.py test``; main.py installs by section.
A section never repeats what an earlier one holds, and all agree. The pins
hold for every system and every Python from 3.11 on.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
# Section name -> the extras resolved for it. The order is the order of precedence.
SECTIONS = {"runtime": (), "embedded": ("embedded",), "dev": ("embedded", "dev")}
HEADER = """\
# Every package by exact version and hash, by section; written by scripts/lock.py.
# main.py installs the sections it needs; by hand: pip install -r requirements.lock
"""


def resolve(extras: tuple[str, ...], pinned: str) -> list[str]:
    """Return the entries, each with its hashes, that these extras need."""
    options = ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
    options += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    options += [word for extra in extras for word in ("--extra", extra)]
    finished = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", *options, "pyproject.toml"]
        + ["--quiet", "--constraint", "-"],
        cwd=ROOT,
        input=re.sub(r" \\\n.*", "", pinned),
        capture_output=True,
        text=True,
        check=True,
    )
    return re.split(r"\n(?=[A-Za-z0-9])", finished.stdout.strip())


def main() -> None:
    """Resolve each section over the ones before it and write the file."""
    seen: list[str] = []
    text = HEADER
    for name, extras in SECTIONS.items():
        pins = "\n".join(entry.split(" \\\n")[0] for entry in seen)
        entries = [entry for entry in resolve(extras, pins) if entry not in seen]
        seen += entries
        text += f"\n# [{name}]\n" + "\n".join(entries) + "\n"
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(seen)} packages in {LOCK.name}")


if __name__ == "__main__":
    main()
