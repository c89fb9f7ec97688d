"""Which Odoo is taken, in which order, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devstack import odoo_clone, odoo_debian, odoo_sources
from devstack.errors import CommandFailed, PartMissing
from devstack.odoo_sources import choose, every, find_tree, series_of


def plant(home: Path, series: str) -> Path:
    """A folder that looks like an Odoo of `series`."""
    major, minor = series.split(".")
    (home / "odoo").mkdir(parents=True)
    release = f"version_info = ({major}, {minor}, 0, FINAL, 0, '')\n"
    (home / "odoo" / "release.py").write_text(release)
    return home


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no ODOO_HOME, and no way to fetch anything."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ODOO_HOME", raising=False)

    def refuse(target: Path) -> None:
        raise PartMissing(f"{target.name} cannot be fetched here")

    monkeypatch.setattr(odoo_sources, "FETCHERS", dict.fromkeys(("18.0", "19.0"), refuse))
    return tmp_path / "cache" / "miasalud-crm"


def fetch_in_place_of(monkeypatch: pytest.MonkeyPatch, **fetchers: Any) -> None:
    for series, fetcher in fetchers.items():
        key = series.removeprefix("odoo").replace("_", ".")
        monkeypatch.setitem(odoo_sources.FETCHERS, key, fetcher)


def test_odoo_home_comes_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(cache / "odoo-18.0", "18.0")
    home = plant(tmp_path / "mine", "19.0")
    monkeypatch.setenv("ODOO_HOME", str(home))

    source = choose()
    assert (source.series, source.path, source.origin) == ("19.0", home, "ODOO_HOME")
    assert "Odoo taken: Odoo 19.0 (ODOO_HOME" in capsys.readouterr().err


def test_the_cache_comes_before_any_fetching(cache: Path) -> None:
    plant(cache / "odoo-19.0", "19.0")
    assert choose().name == "cache-19.0"


def test_the_public_repository_comes_before_debians_package(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_in_place_of(
        monkeypatch,
        odoo18_0=lambda target: plant(target, "18.0"),
        odoo19_0=lambda target: plant(target, "19.0"),
    )
    assert choose().series == "18.0"


def test_debians_package_is_taken_where_the_repository_cannot_be_reached(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = "usr/lib/python3/dist-packages"
    fetch_in_place_of(monkeypatch, odoo19_0=lambda target: plant(target / inside, "19.0"))
    source = choose()
    assert source.series == "19.0"
    assert source.path == cache / "odoo-19.0" / inside


def test_a_wanted_series_passes_over_an_odoo_home_of_another(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODOO_HOME", str(plant(tmp_path / "mine", "19.0")))
    plant(cache / "odoo-18.0", "18.0")
    assert choose("18.0").name == "cache-18.0"


def test_no_odoo_at_all_says_what_was_tried_and_what_to_set(cache: Path) -> None:
    with pytest.raises(
        PartMissing, match=r"(?s)Set ODOO_HOME.*odoo-18\.0 cannot.*odoo-19\.0 cannot"
    ):
        choose()


def test_an_odoo_home_that_is_none_is_an_error_even_with_others_at_hand(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(cache / "odoo-18.0", "18.0")
    monkeypatch.setenv("ODOO_HOME", str(tmp_path / "empty"))
    with pytest.raises(PartMissing, match="holds no Odoo"):
        choose()


def test_every_takes_one_of_each_series_and_says_which_is_missing(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(cache / "odoo-19.0", "19.0")
    assert [source.series for source in every()] == ["19.0"]
    assert "Odoo 18.0 is not at hand" in capsys.readouterr().err


def test_every_fails_when_there_is_none(cache: Path) -> None:
    with pytest.raises(PartMissing, match="No Odoo of any series"):
        every()


@pytest.mark.parametrize(
    "inner", ["", "usr/lib/python3/dist-packages", "lib/python3.12/site-packages"]
)
def test_a_tree_is_found_in_a_checkout_and_in_an_install(tmp_path: Path, inner: str) -> None:
    tree = plant(tmp_path / inner, "18.0")
    assert find_tree(tmp_path) == tree
    assert find_tree(tree / "odoo") == tree
    assert series_of(tree) == "18.0"


def test_a_release_that_names_no_known_series_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo" / "release.py").write_text("version_info = ('saas~18', 2, 0)\n")
    with pytest.raises(PartMissing, match="names no series"):
        series_of(tmp_path)


def test_a_repository_that_does_not_answer_is_said_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise CommandFailed("no route")

    monkeypatch.setattr(odoo_clone.commands, "run", fail)
    with pytest.raises(PartMissing, match="cannot be reached"):
        odoo_clone.clone(tmp_path / "odoo-18.0")
    assert not (tmp_path / "odoo-18.0").exists()


class AptThatBreaks:
    """In place of apt: downloads one archive a try, and fails until all are there."""

    wanted = ("odoo-19_19.0_all.deb", "fonts.deb")

    def __init__(self, *_: object) -> None:
        pass

    def download(self, _packages: object, target: Path) -> list[Path]:
        target.mkdir(exist_ok=True)
        missing = [name for name in self.wanted if not (target / name).exists()]
        (target / missing[0]).touch()
        if missing[1:]:
            raise CommandFailed("the line is down")
        return sorted(target.glob("*.deb"))


def test_a_broken_download_is_kept_and_the_next_try_goes_on_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "odoo-19.0"
    selfie = tmp_path / "npm"
    selfie.mkdir()
    (selfie / odoo_debian.SELFIE_FILE).touch()
    monkeypatch.setattr(odoo_debian, "PrivateApt", AptThatBreaks)
    monkeypatch.setattr(odoo_debian, "npm_package", lambda *_: selfie)
    monkeypatch.setattr(odoo_debian, "_extract", lambda _archives, staged: plant(staged, "19.0"))
    (tmp_path / "odoo-19.0.apt").mkdir()

    with pytest.raises(PartMissing, match="the line is down"):
        odoo_debian.unpack(target)
    assert not target.exists()
    assert (tmp_path / "odoo-19.0.debs" / "odoo-19_19.0_all.deb").exists()

    odoo_debian.unpack(target)
    assert find_tree(target) == target
    assert (target / odoo_debian.MAIL_LIBRARY / odoo_debian.SELFIE_FILE).exists()
    left = {path.name for path in tmp_path.glob("odoo-19.0*")}
    assert left == {"odoo-19.0", "odoo-19.0.lock", "odoo-19.0.origin"}
    assert (tmp_path / "odoo-19.0.origin").read_text() == "Debian's odoo-19 19.0"
