"""What the addon shows of itself in Odoo's list of apps."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from devstack.places import ADDON

PAGE = ADDON / "static" / "description"
MOST_BYTES = 200 * 1024
IMAGES = sorted(PAGE.glob("*.png"))


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG file."""
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n"), picture.name
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_the_icon_is_square_and_large_enough() -> None:
    width, height = size(PAGE / "icon.png")
    assert width == height >= 128


def test_the_page_shows_every_picture_that_is_there_and_no_other() -> None:
    shown = re.findall(r'src="([^"]+)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    assert sorted(shown) == [image.name for image in IMAGES if image.name != "icon.png"]


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_pictures_stay_small(image: Path) -> None:
    assert size(image) > (100, 100)
    assert image.stat().st_size < MOST_BYTES
