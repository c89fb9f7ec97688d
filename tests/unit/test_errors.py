"""The taxonomy: every error has one class of fate, a code and a text that is safe."""

from __future__ import annotations

import pytest

from bridge.errors import (
    AwayError,
    BridgeError,
    BusyError,
    PermanentError,
    SettingsError,
    TransientError,
    UnusableEvent,
)

FATES = (PermanentError, TransientError, AwayError, SettingsError)


@pytest.mark.parametrize("error", [PermanentError, UnusableEvent, TransientError, AwayError])
def test_an_error_shows_its_code_and_detail(error: type[BridgeError]) -> None:
    assert (str(error("some_code")), error("some_code").detail) == ("some_code", "")
    assert str(error("some_code", "why")) == "some_code: why"


@pytest.mark.parametrize("error", [UnusableEvent, BusyError, *FATES])
def test_an_error_has_exactly_one_fate(error: type[BridgeError]) -> None:
    assert issubclass(error, BridgeError)
    assert sum(issubclass(error, fate) for fate in FATES) == 1


def test_a_busy_side_may_say_how_long() -> None:
    assert BusyError("busy").retry_after is None
    assert BusyError("busy", retry_after=2.5).retry_after == 2.5


def test_a_settings_error_names_the_variable_in_its_detail() -> None:
    error = SettingsError("PORT: is wrong")
    assert (error.code, error.detail) == ("bad_settings", "PORT: is wrong")
