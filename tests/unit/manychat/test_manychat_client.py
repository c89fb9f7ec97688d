"""The client of ManyChat's API against a server that answers as documented."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge.errors import AwayError, BridgeError, BusyError, PermanentError, TransientError
from bridge.manychat.client import PER_SECOND, Budget, ManyChatClient
from bridge.manychat.errors import LONGEST_HOLD
from bridge.settings import load_settings
from devstack.manychat_server import LIMITS, ManyChatServer, Page

Call = Callable[[ManyChatClient], None]


def set_one(client: ManyChatClient) -> None:
    client.set_fields("77", {"etapa": "Nuevo"})


@pytest.fixture
def page() -> Iterator[Page]:
    with ManyChatServer() as server:
        server.page.url = server.url  # type: ignore[attr-defined]
        yield server.page


@pytest.fixture
def client(page: Page) -> ManyChatClient:
    return ManyChatClient(page.url, page.token, (1, 0.3))  # type: ignore[attr-defined]


def error_of(client: ManyChatClient, call: Call = set_one) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        call(client)
    return caught.value


def test_fields_tags_and_flows_arrive(page: Page, client: ManyChatClient) -> None:
    set_one(client)
    client.set_fields("77", {"asesor": "Ana Sol", "lead": "7"})
    client.add_tag("77", "Cotización")
    client.add_tag("77", "Vieja")
    client.remove_tag("77", "Vieja")
    client.start_flow("77", "content_1")
    contact = page.contact("77")
    assert contact.fields == {"etapa": "Nuevo", "asesor": "Ana Sol", "lead": "7"}
    assert (contact.tags, contact.flows) == ({"Cotización"}, ["content_1"])


def test_several_fields_are_one_call_and_a_numeric_id_is_a_number(
    page: Page, client: ManyChatClient
) -> None:
    client.set_fields("77", {"a": "1", "b": "2"})
    client.add_tag("MC-1", "x")
    assert page.paths() == ["/fb/subscriber/setCustomFields", "/fb/subscriber/addTagByName"]
    assert [body["subscriber_id"] for _, _, body in page.calls] == [77, "MC-1"]


def test_before_each_call_its_budget_is_asked(page: Page) -> None:
    asked: list[Budget] = []
    client = ManyChatClient(page.url, page.token, before_call=asked.append)  # type: ignore[attr-defined]
    set_one(client)
    client.start_flow("77", "f")
    client.ping()
    assert asked == [Budget.SET, Budget.FLOW, Budget.SET]


def test_the_budgets_are_four_fifths_of_the_limits() -> None:
    assert {budget: rate / 0.8 for budget, rate in PER_SECOND.items()} == {
        Budget.SET: LIMITS["set"],
        Budget.FLOW: LIMITS["flow"],
    }


@pytest.mark.parametrize("stranger", ["77", "etapa"])
def test_what_does_not_exist_is_refused_for_good(
    page: Page, client: ManyChatClient, stranger: str
) -> None:
    page.strangers = {stranger}
    error = error_of(client)
    assert isinstance(error, PermanentError)
    assert error.detail.startswith("400: no such ")


def test_a_contact_who_was_silent_for_a_day_is_refused_and_the_page_goes_on(
    page: Page, client: ManyChatClient
) -> None:
    page.silent = {"77"}
    error = error_of(client, lambda c: c.start_flow("77", "content_1"))
    assert isinstance(error, PermanentError)
    assert error.detail == "400 3011: the contact has not written for a day"
    set_one(client)
    assert page.contact("77").fields == {"etapa": "Nuevo"}


def test_the_status_decides_and_not_the_http_code(page: Page, client: ManyChatClient) -> None:
    page.mood = "odd"
    error = error_of(client)
    assert isinstance(error, PermanentError)
    assert error.detail == "200"


def test_what_manychat_writes_about_a_contact_stays_out_of_the_error(
    page: Page, client: ManyChatClient
) -> None:
    page.strangers = {"Rosa 987654321"}
    error = error_of(client, lambda c: c.add_tag("77", "Rosa 987654321"))
    assert "Rosa" not in f"{error} {error.detail}"


@pytest.mark.parametrize(
    ("mood", "retry_after", "wanted"),
    [("busy", None, None), ("busy", 30, 30.0), ("busy", 999_999, LONGEST_HOLD),
     ("blocked", None, LONGEST_HOLD)],
)  # fmt: skip
def test_a_page_that_asked_too_much_is_told_for_how_long(
    page: Page, client: ManyChatClient, mood: str, retry_after: int | None, wanted: float | None
) -> None:
    page.mood, page.retry_after = mood, retry_after
    for call in (set_one, ManyChatClient.ping):
        error = error_of(client, call)
        assert isinstance(error, BusyError)
        assert error.retry_after == wanted


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        ("broken", "manychat_http_500"),
        ("dead", "manychat_timeout"),
        ("slow", "manychat_timeout"),
        ("exception", "manychat_exception"),
    ],
)
def test_a_call_that_may_have_been_done_is_transient_and_a_probe_means_away(
    page: Page, client: ManyChatClient, mood: str, code: str
) -> None:
    page.mood, page.seconds = mood, 0.6
    error = error_of(client)
    assert isinstance(error, TransientError)
    assert error.code == code
    assert isinstance(error_of(client, ManyChatClient.ping), AwayError)


def test_a_wrong_token_or_no_server_is_away(page: Page) -> None:
    wrong = error_of(ManyChatClient(page.url, "wrong"))  # type: ignore[attr-defined]
    assert (type(wrong), wrong.code) == (AwayError, "manychat_token_refused")
    nobody = error_of(ManyChatClient("http://127.0.0.1:9", "x"))
    assert (type(nobody), nobody.code) == (AwayError, "manychat_unreachable")
    assert error_of(ManyChatClient("nonsense", "x")).code == "manychat_bad_url"


def test_without_a_token_there_is_no_client_and_with_one_it_is_never_shown() -> None:
    def made(**given: str) -> ManyChatClient | None:
        settings = load_settings(_env_file=None, api_key="k", **given)
        assert "s3cret" not in repr(settings)
        return ManyChatClient.from_settings(settings, lambda _: None)

    assert made() is None
    client = made(manychat_api_token="s3cret")
    assert client is not None
    assert "s3cret" not in repr(client)
