"""A part that cannot be had is named, with what to install or set: never a silent skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack import apt, browser, identity, make_venv, node, odoo_venv, postgres_binaries
from devstack.apt import PrivateApt, mirror
from devstack.errors import CommandFailed, PartMissing
from devstack.spawning import spawn


def nothing(*_: object, **__: object) -> None:
    return None


def failing(*_: object, **__: object) -> str:
    raise CommandFailed("404")


def test_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_binaries, "_candidates", list)
    with pytest.raises(PartMissing, match="apt-get install postgresql"):
        postgres_binaries.find_binaries()


def test_a_postgres_that_is_too_old_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "initdb").touch()
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 12.9'\n")
    program.chmod(0o755)
    assert postgres_binaries.major_version(tmp_path) == 12
    monkeypatch.setattr(postgres_binaries, "_candidates", lambda: [tmp_path])
    with pytest.raises(PartMissing, match="13 or newer"):
        postgres_binaries.find_binaries()


def test_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "find_spec", nothing)
    with pytest.raises(PartMissing, match=r"requirements-dev\.txt"):
        node.node()


def test_an_npm_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(node.commands, "run", failing)
    with pytest.raises(PartMissing, match="npm cannot fetch azurite@"):
        node.npm_package("azurite", "1.0")
    assert not (tmp_path / "miasalud-crm" / "npm-azurite-1.0").exists()


def test_chromium_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_on_path", nothing)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    with pytest.raises(PartMissing, match="apt-get install chromium"):
        browser.chromium()


def test_chromium_that_apt_cannot_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_on_path", nothing)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(browser.commands, "run", failing)
    with pytest.raises(PartMissing, match="Chromium is missing"):
        browser.chromium()


def test_apt_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt.shutil, "which", nothing)
    with pytest.raises(PartMissing, match="apt-get and dpkg-deb"):
        PrivateApt(tmp_path, ["sid"]).download(["odoo-19"], tmp_path)


def test_the_mirror_is_the_machines_own() -> None:
    targets = (
        "http://apt.example/other stable-thing\n"
        "http://mirror.example/debian-security/ bookworm-security\n"
        "http://mirror.example/debian/ bookworm\n"
    )
    assert mirror(targets) == "http://mirror.example/debian/"


def test_a_mirror_of_debian() -> None:
    with pytest.raises(PartMissing, match="No mirror of Debian"):
        mirror("http://mirror.example/ubuntu/ noble\n")


def test_pythons_own_packages_for_odoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(odoo_venv.commands, "run", failing)
    with pytest.raises(PartMissing, match="is a package index configured"):
        odoo_venv.python_for("18.0")


def test_a_user_who_may_run_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity.os, "geteuid", lambda: 0)
    monkeypatch.setattr(identity, "open_to_others", lambda _folder: False)
    monkeypatch.setattr(identity.shutil, "which", nothing)
    with pytest.raises(PartMissing, match="PostgreSQL cannot run as root"):
        identity.unprivileged(Path("/", "root", "checkout"))


def test_a_python_to_make_the_environment_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_venv, "STAMP", tmp_path / "none")
    monkeypatch.setattr(make_venv, "find_python", nothing)
    assert make_venv.main([]) == 1
    assert "Python 3.11 or 3.12 is missing" in capsys.readouterr().out


def test_an_environment_whose_requirements_are_unchanged_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = tmp_path / "stamp"
    monkeypatch.setattr(make_venv, "STAMP", stamp)
    monkeypatch.setattr(make_venv, "VENV", tmp_path)
    monkeypatch.setattr(make_venv, "create", lambda _python: True)
    ran: list[object] = []

    def run(command: object, **_: object) -> object:
        ran.append(command)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(make_venv, "find_python", lambda _names: "python3.11")
    monkeypatch.setattr(make_venv.subprocess, "run", run)
    assert make_venv.main([]) == 0
    assert make_venv.main([]) == 0
    assert len(ran) == 1


def test_root_goes_on_as_nobody_where_everyone_may_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity.os, "geteuid", lambda: 0)
    monkeypatch.setattr(identity, "open_to_others", lambda _folder: True)
    assert identity.unprivileged(tmp_path).user == "nobody"


def test_a_program_in_a_closed_folder_can_be_reached_by_whom_postgres_runs_as(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.touch(mode=0o755)
    who = identity.unprivileged(closed)
    with (tmp_path / "out").open("wb") as output:
        child = spawn(["test", "-x", str(program)], output=output, identity=who)
    assert child.wait(10) == 0, (tmp_path / "out").read_text()


def test_a_closed_folder_on_the_way_is_seen(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert not identity.open_to_others(inner)
    assert identity.open_to_others(Path("/usr/bin"))
