"""A real mirror in a SQLite file, migrated once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import load_settings


def store_at(path: Path) -> Store:
    return Store.from_settings(
        load_settings(_env_file=None, api_key="key", database_url=f"sqlite:///{path}")
    )


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mirror") / "template.db"
    store = store_at(path)
    upgrade(store.engine)
    store.close()
    return path


@pytest.fixture
def mirror(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty mirror of this test's own."""
    path = tmp_path / "mirror.db"
    shutil.copy(migrated, path)
    store = store_at(path)
    yield store
    store.close()
