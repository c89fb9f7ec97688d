"""Lays out what is published as a Function App: `python azure_function/package.py FOLDER`.

The host wants function_app.py, host.json, requirements.txt and the bridge side by side:

    python azure_function/package.py out
    cd out && func azure functionapp publish NAME --python
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent


def lay_out(folder: Path) -> None:
    """Fill an empty or new folder. Raises FileExistsError when there is something in it."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("function_app.py", "host.json"):
        shutil.copy2(HERE / name, folder / name)
    shutil.copytree(
        CHECKOUT / "bridge", folder / "bridge", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "requirements.txt").write_text(requirements(), encoding="utf-8")


def requirements() -> str:
    """The bridge's pins and what Functions adds to them, each package once."""
    pinned = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8")
    known = {line.split("==")[0] for line in pinned.splitlines() if "==" in line}
    added = (HERE / "requirements.txt").read_text(encoding="utf-8")
    blocks = ("\n" + added).replace("\n    ", "\v").split("\n")
    kept = [block for block in blocks if "==" in block and block.split("==")[0] not in known]
    return pinned + "\n".join(kept).replace("\v", "\n    ") + "\n"


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
