"""Health, errors, documents and the app's own life."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from bridge.api.app import create_app
from bridge.api.docs import ASSETS
from bridge.api.parts import Parts
from bridge.api.records import RESOURCES
from bridge.log import ALLOWED_FIELDS
from bridge.settings import Settings

ROOT = "/api/v1"


@pytest.mark.parametrize("prefix", ["", ROOT])
async def test_health_and_ready_take_no_key_and_show_no_detail(api: Any, prefix: str) -> None:
    health, ready = await api.get(f"{prefix}/health"), await api.get(f"{prefix}/ready")
    assert (health.status, health.json) == (200, {"status": "ok"})
    assert (ready.status, ready.json) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("queue_away", "inbox_away", "status"),
    [(True, False, 200), (False, True, 200), (True, True, 503)],
)
async def test_ready_means_that_the_queue_or_the_inbox_answers(
    api: Any, queue_away: bool, inbox_away: bool, status: int
) -> None:
    if queue_away:
        api.sender.away()
    if inbox_away:
        api.inbox.failure = RuntimeError("unforeseen")
    answer = await api.get("/ready")
    assert answer.status == status
    assert (await api.get("/health")).status == 200
    if status == 503:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_ready_does_not_wait_for_what_hangs(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.api.health.PING_SECONDS", 0.05)
    api.sender.hang = True
    assert (await api.get("/ready")).status == 200
    api.inbox.hang = True
    answer = await api.get("/ready")
    api.inbox.release()
    assert answer.status == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", f"{ROOT}/nowhere", 404),
        ("GET", f"{ROOT}/manychat/webhook/contact", 405),
        ("DELETE", "/health", 405),
    ],
)
async def test_the_frameworks_own_errors_are_problems(
    api: Any, method: str, path: str, status: int
) -> None:
    answer = await api.call(method, path, b"", key="admin-key")
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert status != 405 or "allow" in answer.headers


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/health", "GET"),
        (f"{ROOT}/contacts/", "GET, POST"),
        (f"{ROOT}/contacts/7", "GET, PUT, PATCH, DELETE"),
        (f"{ROOT}/dead-letters/replay", "POST"),
        (f"{ROOT}/dead-letters/7", "GET, DELETE"),
    ],
)
async def test_a_refused_method_is_told_every_method_that_the_path_has(
    api: Any, path: str, allow: str
) -> None:
    answer = await api.call("OPTIONS", path, b"", key="admin-key")
    assert (answer.status, answer.headers["allow"]) == (405, allow)


async def test_an_unforeseen_error_is_a_problem_that_repeats_nothing(
    api: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from bridge import log  # noqa: PLC0415

    def broken() -> Any:
        raise RuntimeError("Ana García")

    log.configure("INFO", "json")
    monkeypatch.setattr("bridge.metrics.render", broken)
    answer = await api.get("/metrics", key="admin-key")
    assert (answer.status, answer.json["type"]) == (500, "internal-error")
    assert b"Ana" not in answer.content
    line = json.loads(capfd.readouterr().err.strip().splitlines()[-1])
    assert (line["event"], line["error_type"]) == ("request_failed", "RuntimeError")
    assert "Ana" not in str(line)


async def test_a_request_that_fastapi_refuses_is_a_problem_without_its_input(
    make_api: Any,
) -> None:
    api = make_api()

    async def typed(number: int) -> int:
        return number

    api.app.get("/typed/{number}")(typed)
    answer = await api.get("/typed/Secreta")
    assert (answer.status, answer.json["type"]) == (422, "invalid-request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["errors"][0]["loc"] == ["path", "number"]
    assert b"Secreta" not in answer.content


async def test_metrics_count_posts_and_scrubs(make_api: Any) -> None:
    api = make_api(metrics_public=True)
    await api.post(f"{ROOT}/manychat/webhook/contact", {"manychat_id": "1", "genero": "{{g}}"})
    await api.post(f"{ROOT}/manychat/webhook/contact", b"junk")
    page = await api.get("/metrics")
    text = page.content.decode()
    assert page.status == 200
    assert 'bridge_webhooks_total{kind="contact",outcome="accepted_queue"}' in text
    assert 'bridge_webhooks_total{kind="contact",outcome="bad_json"}' in text
    assert 'bridge_scrubbed_fields_total{code="placeholder",field="genero"}' in text


async def test_metrics_tell_how_long_each_queue_has_not_been_read(make_api: Any) -> None:
    api = make_api(metrics_public=True)
    api.sender.age = 240.0
    await api.post(f"{ROOT}/manychat/webhook/contact", {"manychat_id": "1"})
    text = (await api.get("/metrics")).content.decode()
    assert 'bridge_queue_oldest_seconds{hop="contact"} 240.0' in text
    assert 'bridge_queue_oldest_seconds{hop="campaign"} 0.0' in text


async def test_metrics_are_shown_without_the_queues_when_these_are_away(make_api: Any) -> None:
    api = make_api(metrics_public=True)
    await api.get("/metrics")
    api.sender.away()
    page = await api.get("/metrics")
    assert page.status == 200
    assert "bridge_queue_oldest_seconds{" not in page.content.decode()


async def test_the_documents_are_open_unless_they_are_switched_off(make_api: Any) -> None:
    open_, closed = make_api(), make_api(docs_public=False)
    for path in ("/docs", "/openapi.json", *(f"/docs/{name}" for name in ASSETS)):
        assert (await open_.get(path)).status == 200
        answer = await closed.get(path, key="admin-key")
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_page_of_the_document_takes_everything_from_here(api: Any) -> None:
    page = (await api.get("/docs")).content.decode()
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sorted(named) == sorted(f"/docs/{name}" for name in ASSETS)
    assert "://" not in page
    for path in named:
        asset = await api.get(path)
        assert (asset.status, len(asset.content) > 1000) == (200, True)
    assert asset.headers["cache-control"] == "public, max-age=86400"
    assert (await api.get("/docs/core.py")).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{ROOT}/odoo/leads"),
        ("GET", f"{ROOT}/dead-letters"),
        ("POST", f"{ROOT}/manychat/webhook/contact/"),
        ("POST", f"{ROOT}/dead-letters/replay/"),
        *(("POST", f"{ROOT}/{resource.name}") for resource in RESOURCES),
        *(("GET", f"{ROOT}/{resource.name}/7/") for resource in RESOURCES),
    ],
)
async def test_a_path_is_the_same_with_and_without_its_last_slash(
    api: Any, method: str, path: str
) -> None:
    other = path[:-1] if path.endswith("/") else f"{path}/"
    for key in ("admin-key", None):
        answers = [await api.call(method, each, b"{}", key=key) for each in (path, other)]
        assert answers[0].status == answers[1].status
        assert answers[0].status in ({200, 422, 503} if key else {401})
    options = [await api.call("OPTIONS", each, b"", key="admin-key") for each in (path, other)]
    assert [answer.status for answer in options] == [405, 405]
    assert options[0].headers["allow"] == options[1].headers["allow"] != ""


async def test_a_webhook_with_a_slash_too_many_keeps_its_event(api: Any) -> None:
    answer = await api.post(f"{ROOT}/manychat/webhook/contact/", {"manychat_id": "1"})
    assert answer.status == 202
    assert [queue for queue, _ in api.sender.kept] == ["manychat-contact-queue"]


async def test_the_openapi_document_shows_main_spellings_examples_and_problems(api: Any) -> None:
    document = (await api.get("/openapi.json")).json
    paths = [path for path in document["paths"] if re.search("(chat|crm)/webhook/[^{]+$", path)]
    assert paths == [
        f"{ROOT}/manychat/webhook/contact",
        f"{ROOT}/manychat/webhook/campaign-assignment",
        f"{ROOT}/manychat/webhook/stage-change",
        f"{ROOT}/manychat/webhook/address",
        f"{ROOT}/crm/webhook/lead",
        f"{ROOT}/manychat/webhook/verify",
    ]
    contact = document["paths"][paths[0]]["post"]
    schema = contact["requestBody"]["content"]["application/json"]["schema"]
    assert schema["example"]["nombre_lead"] == "Ana"
    assert {"nombre_lead", "whatsapp", "estado_inicial"} <= set(schema["properties"])
    assert "first_name" not in schema["properties"]
    assert {"ApiKey": []} in contact["security"]
    assert {"WebhookKey": []} in contact["security"]
    assert {"401", "413", "422", "503"} <= set(contact["responses"])
    for status in ("401", "413", "422", "503"):
        assert list(contact["responses"][status]["content"]) == ["application/problem+json"]


async def test_every_reference_in_the_openapi_document_leads_somewhere(api: Any) -> None:
    document = (await api.get("/openapi.json")).json
    text = json.dumps(document)
    named = {piece.split('"')[0] for piece in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])


async def test_the_app_closes_its_parts_when_it_stops(api: Any, run_lifespan: Any) -> None:
    said = await run_lifespan(api.app)
    assert [message["type"] for message in said] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert (api.sender.closed, api.inbox.closed) == (True, True)


async def test_a_wrong_setting_stops_the_start_and_is_named(
    run_lifespan: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("API_KEY", raising=False)
    said = await run_lifespan(create_app())
    assert said[0]["type"] == "lifespan.startup.failed"
    assert "API_KEY: is required" in said[0]["message"]


def test_building_the_app_reads_no_environment_and_loads_no_driver(tmp_path: Any) -> None:
    code = (
        "import sys, bridge.asgi; bridge.asgi.app.openapi();"
        "sys.exit(any(n in sys.modules for n in ('pyodbc', 'sqlalchemy', 'azure.storage.queue')))"
    )
    checkout = os.path.dirname(os.path.dirname(sys.modules["bridge"].__file__ or ""))
    environment = {"PYTHONPATH": checkout, "PATH": os.defpath}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False)  # noqa: S603
    assert done.returncode == 0


async def test_the_accepted_event_is_logged_with_ids_and_codes_only(
    api: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    from bridge import log  # noqa: PLC0415

    log.configure("INFO", "json")
    body = {"manychat_id": "MC1", "nombre_lead": "Secreta {{x}}", "email_lead": "s@example.com"}
    answer = await api.post(f"{ROOT}/manychat/webhook/contact", body)
    err = capfd.readouterr().err
    [line] = [json.loads(text) for text in err.splitlines() if "event_accepted" in text]
    assert line["event_id"] == answer.json["event_id"]
    assert line["scrubs"] == ["nombre_lead: placeholder"]
    assert set(line) <= ALLOWED_FIELDS
    assert "Secreta" not in err
    assert "s@example.com" not in err


def test_parts_given_to_the_app_are_the_ones_it_uses(api: Any) -> None:
    parts = Parts(api.sender, api.inbox)
    app = create_app(Settings(_env_file=None, api_key="k"), parts)
    assert app.state.parts is parts
