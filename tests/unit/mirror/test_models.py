"""Whoever erases or migrates knows every table, whatever else the process has imported."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.unit.about_the_code.sources import python

KNOWN = """
import json, {}
from bridge.mirror.base import Base
print(json.dumps(list(Base.metadata.tables)))
"""


@pytest.mark.parametrize("module", ["bridge.mirror.erasures", "bridge.mirror.tombstones"])
def test_one_import_fills_the_metadata(module: str) -> None:
    declared = {
        name
        for source in python("bridge")
        for name in re.findall(r'^    __tablename__ = "(\w+)"', source.text, re.MULTILINE)
    }
    told = subprocess.run(  # noqa: S603  (our own words)
        [sys.executable, "-c", KNOWN.format(module)], capture_output=True, text=True, check=True
    )
    assert set(json.loads(told.stdout)) == declared
    assert "Write_Back" in declared
