"""Where the stack writes, what it may listen on, and how runs keep out of each other's way."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from devstack import ports, stack
from devstack.errors import StackError
from devstack.locks import exclusive, try_lock
from devstack.places import CHECKOUT, WORK, beside, cache_dir
from devstack.ports import LOOPBACK, free_port
from devstack.stack import Stack
from devstack.tree_hash import tree_hash


def test_the_work_folder_is_an_ignored_one_of_the_checkout() -> None:
    assert WORK.parent == CHECKOUT
    assert f"/{WORK.name}/" in (CHECKOUT / ".gitignore").read_text().splitlines()


def test_the_cache_follows_xdg_cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "miasalud-crm"
    assert cache_dir().is_dir()


def test_a_name_beside_keeps_the_dots_of_a_series() -> None:
    assert beside(Path("/c/odoo-18.0"), ".part") == Path("/c/odoo-18.0.part")


def test_the_preferred_port_is_taken_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        wanted = probe.getsockname()[1]
    assert free_port(wanted) == wanted


def test_another_port_is_taken_when_the_preferred_one_is_not_free() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        assert free_port(taken) != taken


def test_a_port_that_another_run_reserved_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wanted = free_port(40_001)
    monkeypatch.setattr(ports, "_given", set())  # as in another process
    assert free_port(wanted) != wanted


def test_no_port_is_given_away_twice() -> None:
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == len(given)


def test_a_lock_is_held_by_one_and_freed_by_closing(tmp_path: Path) -> None:
    lock = tmp_path / "folder" / "lock"
    first = try_lock(lock)
    assert first is not None
    assert try_lock(lock) is None
    first.close()
    with exclusive(lock):
        assert try_lock(lock) is None


def test_two_stacks_of_one_name_work_in_two_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "WORK", tmp_path)
    with Stack(name="demo") as first, Stack(name="demo") as second:
        assert (first.folder.name, second.folder.name) == ("demo", "demo-2")
    with Stack(name="demo") as third:
        assert third.folder.name == "demo"


def test_a_folder_that_is_named_is_not_shared(tmp_path: Path) -> None:
    with Stack(folder=tmp_path / "own"), pytest.raises(StackError, match="Another run works in"):
        Stack(folder=tmp_path / "own")


def test_a_stack_without_odoo_says_so(tmp_path: Path) -> None:
    with Stack(folder=tmp_path) as bare, pytest.raises(StackError, match="without an Odoo"):
        _ = bare.odoo


def test_the_hash_of_a_tree_changes_with_names_and_contents_only(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    code = tmp_path / "models" / "lead.py"
    code.write_text("a = 1\n")
    first = tree_hash(tmp_path)

    for ignored in ("__pycache__/lead.pyc", "tests/test_lead.py"):
        (tmp_path / ignored).parent.mkdir()
        (tmp_path / ignored).write_text("x")
    code.touch()
    assert tree_hash(tmp_path) == first

    code.write_text("a = 2\n")
    changed = tree_hash(tmp_path)
    assert changed != first
    code.rename(tmp_path / "models" / "leads.py")
    assert tree_hash(tmp_path) not in {first, changed}
