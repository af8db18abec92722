"""What the proofs measured, kept for people: `proof/report.md`, written anew by every run.

One file a stage beside it, so that stages may run alone; nothing here is compared with a bar.
"""

import time

from tests.sizes import SIZES, SMALL
from tests.source import ROOT

FOLDER = ROOT / "proof"


def keep(stage: str, text: str) -> None:
    """Keep what a stage has measured, and write the report of all stages."""
    FOLDER.mkdir(exist_ok=True)
    size = "small" if SIZES == SMALL else "full"
    head = f"## {stage}\n\n{time.strftime('%Y-%m-%d %H:%M')}, {size} size\n\n"
    (FOLDER / f"{stage}.txt").write_text(f"{head}{text.strip()}\n", encoding="utf-8")
    parts = [file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.txt"))]
    (FOLDER / "report.md").write_text("# Proof\n\n" + "\n".join(parts), encoding="utf-8")
