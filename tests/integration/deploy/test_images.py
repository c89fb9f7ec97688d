"""Each image's steps, carried out as its Dockerfile lists them, and then its command started.

No engine runs here. What is left out, and why: `NOT_HERE` in image.py; and of Odoo's image the
official base, so that its command is not started (the addon itself runs in the suite `odoo`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from bridge.events.event import EventType
from bridge.events.reading import Rules, accept
from bridge.mirror.store import Store
from bridge.queue.names import CONTACT_QUEUE
from bridge.queue.writer import QueueWriter
from bridge.settings import load_settings
from devstack.azurite import Azurite
from devstack.ports import free_port
from tests.integration.deploy.dockerfile import parse
from tests.integration.deploy.image import Builder, CannotRun, Image
from tests.unit.about_the_code.sources import read

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def builder() -> Iterator[Builder]:
    # not pytest's folder: the image's user may not enter that one
    folder = Path(tempfile.mkdtemp(prefix="images-"))
    folder.chmod(0o755)
    yield Builder(folder)
    shutil.rmtree(folder)


def build(builder: Builder, name: str, target: str = "") -> Image:
    return builder.build(parse(read(f"docker/Dockerfile.{name}").text, {}), target)


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="images-data-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def running(
    image: Image, data: Path, given: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    log = data / "log"
    with log.open("w") as out:
        process = subprocess.Popen(  # noqa: S603  (the image's command)
            image.argv(image.command, data), env=image.environment(given),
            stdout=out, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], bool], process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.3)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def once(
    image: Image,
    command: list[str],
    given: Mapping[str, str],
    data: Path,
    beside: subprocess.Popen[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (the image's command)
        image.inside(beside.pid, command) if beside else image.argv(command, data),
        env=image.environment(given),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
    )  # fmt: skip


def at(image: Image, port: int) -> list[str]:
    """The health check, asked on the port that was free instead of the image's."""
    return [*image.healthcheck[:-1], str(port)]


def test_the_api_image_answers_as_its_own_user_on_a_read_only_root(
    builder: Builder, azurite: Azurite, data: Path
) -> None:
    image = build(builder, "api")
    port = free_port(18800)
    given = {
        "API_KEY": "k" * 32, "PORT": str(port), "DATABASE_URL": "sqlite:////data/mirror.db",
        "AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string,
    }  # fmt: skip
    assert at(image, 8000) == image.healthcheck
    assert once(image, at(image, port), given, data).returncode == 1, "nobody is there yet"
    with running(image, data, given) as (process, log):
        until(lambda: answers(f"http://127.0.0.1:{port}/health"), process, log)
        assert once(image, at(image, port), given, data, process).returncode == 0
        uids = Path(f"/proc/{process.pid}/status").read_text().split("Uid:")[1].split()[:3]
        assert uids == ["10001"] * 3
        written = once(image, ["sh", "-c", "touch /app/x /opt/venv/x"], given, data, process)
        assert "Read-only file system" in written.stdout
        process.terminate()
        assert process.wait(35) == 0, log.read_text()


def test_the_workers_image_carries_an_event_into_the_mirror(
    builder: Builder, azurite: Azurite, data: Path
) -> None:
    image = build(builder, "workers")
    port = free_port(18900)
    given = {
        "API_KEY": "k" * 32, "WORKER_HEALTH_PORT": str(port),
        "DATABASE_URL": "sqlite:////data/mirror.db", "ODOO_URL": "http://127.0.0.1:9",
        "AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string,
    }  # fmt: skip
    migrated = once(image, ["python", "-m", "bridge", "db", "upgrade"], given, data)
    assert migrated.returncode == 0, migrated.stdout
    settings = load_settings(
        _env_file=None, api_key="k", database_url=f"sqlite:///{data / 'mirror.db'}",
        azure_storage_connection_string=azurite.connection_string,
    )  # fmt: skip
    now = datetime.now(UTC)
    body = {"manychat_id": "MC-image", "nombre_lead": "Ana"}
    envelope = accept(EventType.CONTACT, body, None, now, Rules())
    QueueWriter(settings, CONTACT_QUEUE).send(envelope)
    store = Store.from_settings(settings)

    def mirrored() -> bool:
        with store.reading() as session:
            found = session.execute(text("SELECT event_id FROM Ledger")).scalars()
            return envelope.id in set(found)

    with running(image, data, given) as (process, log):
        until(lambda: answers(f"http://127.0.0.1:{port}/health"), process, log)
        until(mirrored, process, log)
        assert once(image, at(image, port), given, data, process).returncode == 0
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
    store.close()


def test_the_odoo_image_holds_the_addon_without_its_tests(builder: Builder) -> None:
    image = build(builder, "odoo")
    addon = image.path("/mnt/extra-addons/miasalud_crm")
    assert (addon / "__manifest__.py").is_file()
    assert (addon / "i18n/es.po").is_file()
    assert not (addon / "tests").exists()
    assert image.path("/mnt/odoo_people.py").is_file()
    assert (image.user, image.command) == ("odoo", ["odoo"])


def test_the_bill_of_materials_lists_what_the_image_was_given(builder: Builder) -> None:
    image = build(builder, "api", "sbom")
    bill = json.loads(image.path("/sbom.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    named = {f"{one['name']}=={one['version']}".lower() for one in bill["components"]}
    pinned = set(read("requirements-azure-monitor.txt").text.replace(" \\", "").split("\n"))
    for package in ("fastapi", "azure-monitor-opentelemetry-exporter"):
        [line] = [line for line in named if line.startswith(f"{package}==")]
        assert line in pinned
    assert len(named) > 50


def test_what_is_left_out_is_known(builder: Builder) -> None:
    for name in ("api", "workers"):
        assert [line.split(":")[0] for line in build(builder, name).left_out] == ["ADD", "RUN"]
    assert build(builder, "odoo").left_out == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("COPY requirements-azure", "COPY requirements-azur", "not in the build's context"),
        ("COPY bridge bridge", "COPY docs docs", "not in the build's context"),
        ("USER 10001:10001", "USERS 10001:10001", "unknown step"),
    ],
)
def test_a_dockerfile_that_cannot_be_carried_out_is_refused(
    builder: Builder, old: str, new: str, why: str
) -> None:
    text = read("docker/Dockerfile.api").text
    assert old in text
    with pytest.raises(CannotRun, match=why):
        builder.build(parse(text.replace(old, new), {}))
