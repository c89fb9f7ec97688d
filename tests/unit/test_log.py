"""Logs carry allow-listed fields, and errors without their words."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from bridge import log
from bridge.errors import AwayError

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Lines:
    log.configure("INFO", "json")
    return lambda: [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_a_field_off_the_allow_list_is_dropped(lines: Lines) -> None:
    log.get_logger("bridge.test").info("done", event_id="e1", count=2, first_name="Ana")
    [line] = lines()
    assert {"event": "done", "event_id": "e1", "count": 2, "level": "info"}.items() <= line.items()
    assert set(line) <= log.ALLOWED_FIELDS
    assert "first_name" not in line


def test_bound_ids_stay_inside_their_block_and_are_filtered_too(lines: Lines) -> None:
    logger = log.get_logger("bridge.test")
    with log.log_context(event_id="e1", phone="987654321"):
        logger.info("inside")
    logger.info("outside")
    inside, outside = lines()
    assert inside["event_id"] == "e1"
    assert "event_id" not in outside
    assert "phone" not in inside


@pytest.mark.parametrize("call", ["exception", "warning"])
def test_an_error_is_named_by_type_code_and_place_without_its_words(
    lines: Lines, call: str
) -> None:
    logger = log.get_logger("bridge.test")
    try:
        log._place(None)  # type: ignore[arg-type]
    except AttributeError:
        logger.exception("failed")
    try:
        raise AwayError("queue_away", "Ana García")
    except AwayError:
        getattr(logger, call)("failed", exc_info=True)
    placed, coded = lines()
    assert placed["error_type"] == "AttributeError"
    assert placed["error_at"].startswith("log.py:")
    assert (coded["error_type"], coded["error_code"]) == ("AwayError", "queue_away")
    assert "Ana" not in str(coded)
    assert "Traceback" not in str(coded)


def test_an_error_object_may_be_passed_itself(lines: Lines) -> None:
    log.get_logger("bridge.test").error("failed", exc_info=ValueError("Ana"))
    [line] = lines()
    assert line["error_type"] == "ValueError"
    assert "Ana" not in str(line)


def test_values_that_are_no_short_text_or_number_lose_their_content(lines: Lines) -> None:
    log.get_logger("bridge.test").info(
        "odd", reason="x" * 5000, code={"name": "Ana"}, scrubs=["a: b", {"name": "Ana"}]
    )
    [line] = lines()
    assert len(line["reason"]) < 500
    assert (line["code"], line["scrubs"]) == ("dict", ["a: b", "dict"])


def test_libraries_speak_from_warning_on_and_without_tracebacks(lines: Lines) -> None:
    library = logging.getLogger("some.library")
    library.info("quiet")
    library.warning("pool is full", extra={"sql_parameters": "Ana"})
    try:
        raise ValueError("Ana García")
    except ValueError:
        library.exception("call failed")
    warning, error = lines()
    assert warning["event"] == "pool is full"
    assert (error["event"], error["error_type"]) == ("call failed", "ValueError")
    assert "Ana" not in str([warning, error])


@pytest.mark.parametrize("name", ["uvicorn.access", "uvicorn.error", "gunicorn.error"])
def test_the_servers_own_handlers_are_taken_away(lines: Lines, name: str) -> None:
    server = logging.getLogger(name)
    server.addHandler(logging.StreamHandler())
    log.configure("INFO", "json")
    server.info("GET /api/v1/manychat/contacts/MC1")
    server.warning("slow")
    assert [line["event"] for line in lines()] == ["slow"]


def test_configuring_again_does_not_double_the_lines(lines: Lines) -> None:
    log.configure("INFO", "json")
    log.get_logger("bridge.test").info("once")
    assert len(lines()) == 1


def test_the_level_holds_for_the_bridge(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("ERROR", "json")
    log.get_logger("bridge.test").warning("quiet")
    log.configure("DEBUG", "json")
    log.get_logger("bridge.test").debug("heard")
    assert [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()] == ["heard"]


def test_the_console_format_drops_fields_and_tracebacks_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    log.configure("INFO", "console")
    logger = log.get_logger("bridge.test")
    logger.info("done", event_id="e1", first_name="Ana")
    try:
        raise ValueError("Ana")
    except ValueError:
        logger.exception("failed")
        logging.getLogger("some.library").exception("call failed")
    err = capfd.readouterr().err
    assert "event_id=e1" in err
    assert "Ana" not in err
    assert "Traceback" not in err


def test_a_closed_stderr_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _text: str) -> int:
            raise ValueError("I/O operation on closed file")

    log.configure("INFO", "json")
    monkeypatch.setattr("sys.stderr", Closed())
    log.get_logger("bridge.test").info("unheard")
