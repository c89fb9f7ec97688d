"""The one-contact look-up: flat texts, 200 whatever is away."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.api import contact_lookup
from bridge.errors import AwayError
from bridge.mirror.reports import ContactSummary

ROOT = "/api/v1"
EMPTY = dict.fromkeys(
    ("lead_id", "etapa", "asesor_comercial", "asesor_medico", "ultimo_estado", "sync_status"), ""
)
PATHS = (
    f"{ROOT}/manychat/contacts/MC1",
    f"{ROOT}/verificar-contacto?manychat_id=MC1",
    "/verificar-contacto?manychat_id=MC1",
)


class Desk:
    """A mirror that knows one contact, or fails, or hangs."""

    failure: Exception | None = None
    gate: Any = None

    def lookup(self, manychat_id: str) -> ContactSummary | None:
        if self.gate:
            self.gate.wait(30)
        if self.failure:
            raise self.failure
        if manychat_id != "MC1":
            return None
        return ContactSummary("MC1", 7, "Nuevo", "success", "Nuevo Lead", "Ana Ruiz", None)

    def close(self) -> None:
        pass


@pytest.fixture
def desk(api: Any) -> Desk:
    api.app.state.parts.desk = Desk()
    return api.app.state.parts.desk


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", ["flow-key", "admin-key"])
async def test_a_known_contact_is_answered_in_flat_texts(
    api: Any, desk: Desk, path: str, key: str
) -> None:
    answer = await api.get(path, key=key)
    assert answer.status == 200
    assert answer.json == {
        "existe": "sí", "manychat_id": "MC1", "lead_id": "7", "etapa": "Nuevo",
        "asesor_comercial": "Ana Ruiz", "asesor_medico": "", "ultimo_estado": "Nuevo Lead",
        "sync_status": "success",
    }  # fmt: skip


@pytest.mark.parametrize("asked", ["MC2", "%7B%7Buser_id%7D%7D", "%20", "-"])
async def test_an_unknown_contact_and_an_unusable_id_do_not_exist(
    api: Any, desk: Desk, asked: str
) -> None:
    answer = await api.get(f"{ROOT}/manychat/contacts/{asked}", key="flow-key")
    assert (answer.status, answer.json["existe"]) == (200, "no")
    assert all(isinstance(value, str) for value in answer.json.values())


async def test_the_old_path_without_an_id_answers_too(api: Any, desk: Desk) -> None:
    answer = await api.get("/verificar-contacto", key="flow-key")
    assert (answer.status, answer.json) == (200, {"existe": "no", "manychat_id": ""} | EMPTY)


@pytest.mark.parametrize("failure", [AwayError("mirror_away"), RuntimeError("unforeseen")])
async def test_while_the_mirror_is_away_nothing_is_known(
    api: Any, desk: Desk, failure: Exception
) -> None:
    desk.failure = failure
    answer = await api.get(PATHS[0], key="flow-key")
    assert answer.status == 200
    assert answer.json == {"existe": "desconocido", "manychat_id": "MC1"} | EMPTY


async def test_a_mirror_that_hangs_is_not_waited_for(
    api: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event  # noqa: PLC0415

    desk.gate = Event()
    monkeypatch.setattr(contact_lookup, "LOOKUP_SECONDS", 0.05)
    answer = await api.get(PATHS[0], key="flow-key")
    desk.gate.set()
    assert answer.json["existe"] == "desconocido"  # the gate's 30 s would have let it answer


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_key_nothing_is_looked_up(api: Any, desk: Desk, path: str) -> None:
    desk.failure = AssertionError("asked")
    assert (await api.get(path, key="wrong")).status == 401
