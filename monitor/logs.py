"""How the program logs: ids, kinds and places; never a patient's name, number or words."""

from __future__ import annotations

import traceback
from pathlib import Path


def shown_path(path: str) -> str:
    """An address for a log: one line, whatever somebody wrote into it, and not a long one.

    >>> shown_path("/x\\nERROR forged")
    "'/x\\\\nERROR forged'"
    """
    return ascii(path[:200])


def place_of(error: BaseException) -> str:
    """An error's kind and place, for a log: its own words may hold a patient's.

    >>> place_of(KeyError("Ann Lee"))
    'KeyError'
    """
    ours = str(Path(__file__).parent)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(ours)]
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
