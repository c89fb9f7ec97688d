"""Template and dry run: what a flow's builder is told, and that nothing is stored."""

from __future__ import annotations

from threading import Event as Gate
from typing import Any

import pytest

from bridge.api import flow_help
from bridge.errors import AwayError
from bridge.mirror.reports import ContactSummary

ROOT = "/api/v1/manychat/webhook"
KINDS = ("contact", "campaign-assignment", "stage-change", "address", "lead")
BODY = {"manychat_id": "MC1", "stage_manychat": "Comienza Cotización", "advisor_id": "{{x}}"}


class Desk:
    """A mirror that knows MC1."""

    failure: Exception | None = None

    def lookup(self, manychat_id: str) -> ContactSummary | None:
        if self.failure:
            raise self.failure
        if manychat_id != "MC1":
            return None
        return ContactSummary("MC1", 7, "Nuevo", "success", "Nuevo Lead", None, None)

    def outcome_of_state(self, state: str) -> str:
        if self.failure:
            raise self.failure
        return "unmapped" if state == "Raro" else "mapped"

    def close(self) -> None:
        pass


class Odoo:
    """An Odoo that answers, is away, or hangs."""

    failure: Exception | None = None
    gate: Gate | None = None

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.told = {"lead_id": 8, "stage": "Nuevo", "next_stage": "Cotiza", "rule": "Comienza"}

    def check(self, event: Any) -> Any:
        if self.gate:
            self.gate.wait(30)
        if self.failure:
            raise self.failure
        self.asked.append(event)
        return self.told


@pytest.fixture
def trial(api: Any) -> Any:
    api.app.state.parts.desk, api.app.state.parts.odoo = Desk(), Odoo()
    return api


@pytest.mark.parametrize("kind", KINDS)
async def test_a_template_is_a_whole_request_without_a_key(api: Any, kind: str) -> None:
    answer = await api.get(f"{ROOT}/{kind}/template", key="flow-key")
    path = "/api/v1/crm/webhook/lead" if kind == "lead" else f"{ROOT}/{kind}"
    assert answer.status == 200
    assert (answer.json["method"], answer.json["url"]) == ("POST", f"http://bridge.test{path}")
    assert answer.json["headers"]["X-API-KEY"] == "<WEBHOOK_API_KEY>"
    assert answer.json["body"]["manychat_id"] == "{{user_id}}"
    assert b"flow-key" not in answer.content
    posted = await api.post(path, answer.json["body"] | {"manychat_id": "1", "city": "Lima"})
    assert posted.status == 202


async def test_a_dry_run_says_what_the_body_would_do_and_keeps_nothing(trial: Any) -> None:
    answer = await trial.post(f"{ROOT}/stage-change/check", BODY)
    assert answer.status == 200
    said = answer.json
    assert (said["status"], said["stored"]) == ("would be accepted", False)
    assert said["queue"] == "manychat-campaign-queue"
    assert said["values"] == {"state": "Comienza Cotización"}
    assert said["warnings"] == ["advisor_id: placeholder"]
    assert (said["state_before"], said["odoo"]) == ("", "answers")
    assert (said["lead"], said["lead_id"], said["stage"]) == ("update", 8, "Nuevo")
    assert (said["next_stage"], said["rule"], said["notes"]) == ("Cotiza", "Comienza", [])
    assert trial.sender.kept == trial.inbox.kept == []


async def test_odoo_is_asked_for_what_it_can_tell_without_the_mirror(trial: Any) -> None:
    body = {"manychat_id": "MC1", "ultimo_estado": "Nuevo", "comercial_id": "7", "campaign_id": 85,
            "canal_entrada": "FB", "datetime_suscripcion": "2025-06-10T10:00:00Z"}  # fmt: skip
    await trial.post(f"{ROOT}/contact/check", body)
    [event] = trial.app.state.parts.odoo.asked
    assert event["manychat_id"] == "MC1"
    assert event["values"] == {"state": "Nuevo", "subscribed_at": "2025-06-10T10:00:00.000000Z"}
    assert event["event_id"]


@pytest.mark.parametrize(
    ("known_to", "lead"), [("both", "update"), ("odoo", "update"), ("mirror", "create")]
)
async def test_what_odoo_says_of_the_lead_goes_before_the_mirrors_memory(
    trial: Any, known_to: str, lead: str
) -> None:
    if known_to == "mirror":
        trial.app.state.parts.odoo.told = {"lead_id": None, "rule": None}
    body = {"manychat_id": "MC2" if known_to == "odoo" else "MC1"}
    answer = await trial.post(f"{ROOT}/contact/check", body)
    assert answer.json["lead"] == lead


async def test_a_contact_that_nobody_knows_would_make_a_lead(trial: Any) -> None:
    trial.app.state.parts.odoo = None
    answer = await trial.post(f"{ROOT}/contact/check", {"manychat_id": "MC2"})
    assert (answer.json["lead"], answer.json["lead_id"]) == ("create", None)
    assert answer.json["odoo"] == "not configured"


async def test_a_body_whose_fields_are_all_misspelt_is_told(trial: Any) -> None:
    answer = await trial.post(
        f"{ROOT}/contact/check", {"manychat_id": "MC1", "estado_ulltimo": "x"}
    )
    assert answer.json["values"] == {}
    assert answer.json["notes"] == [flow_help.SAYS_NOTHING]
    assert answer.json["warnings"] == ["estado_ulltimo: unknown_field"]


async def test_each_field_that_is_not_read_is_told_with_the_name_that_was_meant(trial: Any) -> None:
    body = {"manychat_id": "MC1", "nombre_led": "Eva", "street": "Sol 1", "tags": ["a"],
            "apellido_lead": "{{last_name}}", "x" * 90: 1}  # fmt: skip
    answer = await trial.post(f"{ROOT}/contact/check", body)
    assert answer.json["warnings"] == [
        "apellido_lead: placeholder",
        "nombre_led: unknown_field (nombre_lead?)",
        "street: not_read_here",
        "tags: unknown_field",
        f"{'x' * 40}: unknown_field",
    ]
    many = {"manychat_id": "MC1"} | {f"extra_{number}": 1 for number in range(100)}
    answer = await trial.post(f"{ROOT}/contact/check", many)
    assert len(answer.json["warnings"]) == 20


async def test_a_state_that_no_rule_fits_is_told(trial: Any) -> None:
    trial.app.state.parts.odoo.told = {"lead_id": 8, "stage": "Nuevo", "next_stage": "Nuevo"}
    answer = await trial.post(f"{ROOT}/stage-change/check", BODY | {"stage_manychat": "Raro"})
    assert answer.json["rule"] is None
    assert answer.json["notes"] == [flow_help.NO_RULE]


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"{", "bad_json"), (b"[1]", "not_an_object"), (b"{}", "no_manychat_id"),
     (b'{"manychat_id": "' + b"x" * 33_000 + b'"}', "too_large")],
)  # fmt: skip
async def test_a_body_that_would_be_refused_is_no_dead_letter(
    trial: Any, body: bytes, problem: str
) -> None:
    answer = await trial.post(f"{ROOT}/contact/check", body)
    assert (answer.status, answer.json["status"]) == (200, "would be refused")
    assert answer.json["stored"] is False
    assert answer.json["problem"].startswith(problem)
    assert trial.sender.kept == trial.inbox.kept == []


async def test_whoever_is_away_is_named(trial: Any) -> None:
    trial.app.state.parts.desk.failure = AwayError("mirror_away")
    trial.app.state.parts.odoo.failure = AwayError("odoo_unreachable")
    answer = await trial.post(f"{ROOT}/stage-change/check", BODY)
    assert (answer.json["status"], answer.json["lead"]) == ("would be accepted", "unknown")
    assert answer.json["odoo"] == "away: odoo_unreachable"
    assert answer.json["next_stage"] is None
    assert answer.json["notes"] == [flow_help.ASK_LATER]


async def test_without_odoo_the_mirror_tells_of_the_lead(trial: Any) -> None:
    trial.app.state.parts.odoo.failure = AwayError("odoo_unreachable")
    said = (await trial.post(f"{ROOT}/stage-change/check", BODY)).json
    assert (said["lead"], said["lead_id"], said["stage"]) == ("update", 7, "Nuevo")
    assert said["state_before"] == "mapped"


async def test_an_odoo_that_hangs_is_not_waited_for(
    trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_help, "ASK_SECONDS", 0.05)
    gate = trial.app.state.parts.odoo.gate = Gate()
    answer = await trial.post(f"{ROOT}/stage-change/check", BODY)
    gate.set()
    assert answer.json["odoo"] == "away: no_answer_in_time"


async def test_an_unknown_kind_is_refused_with_the_known_ones(api: Any) -> None:
    answer = await api.get(f"{ROOT}/nothing/template", key="flow-key")
    assert answer.status == 422
    assert "campaign-assignment" in answer.json["errors"][0]["msg"]


@pytest.mark.parametrize("path", [f"{ROOT}/contact/template", f"{ROOT}/contact/check"])
async def test_both_need_a_key(api: Any, path: str) -> None:
    method = "GET" if path.endswith("template") else "POST"
    assert (await api.call(method, path, b"{}", key="wrong")).status == 401
