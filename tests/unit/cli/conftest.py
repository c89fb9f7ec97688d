"""A folder with a migrated mirror, and the environment that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import load_settings


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mirror") / "template.db"
    store = store_at(path)
    upgrade(store.engine)
    store.close()
    return path


def store_at(path: Path) -> Store:
    return Store.from_settings(
        load_settings(_env_file=None, api_key="key", database_url=f"sqlite:///{path}")
    )


@pytest.fixture
def mirror(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The mirror that commands of this test find."""
    path = tmp_path / "mirror.db"
    shutil.copy(migrated, path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", "key")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    return store_at(path)
