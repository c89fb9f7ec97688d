"""A stand-in for ManyChat's public API on loopback: its limits, its error answers, its moods.

It knows the calls that writing back makes, and answers them as ManyChat documents it, or as its
clients saw it. What it says to a page that it blocks is a guess: nobody wrote it down.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIMITS = {"set": 10, "flow": 25}
"""Calls a second that a page may make."""
STRIKES = 5
"""So often may the limit be passed before the page is blocked for a day."""
_SET = "/fb/subscriber/"
_SILENT = "Subscriber last interaction was over 266h ago (more than 24 hours ago)"
Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Contact:
    """What ManyChat has of one contact."""

    fields: dict[str, str] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    flows: list[str] = field(default_factory=list)


@dataclass
class Page:
    """One page: its contacts, what was asked of it, and how it feels.

    `mood` is ok, slow (answers after `seconds`), broken (500), dead (hangs up without a word),
    busy (429), blocked (for 24 hours), odd (HTTP 200, whose `status` is error) or exception (the
    same with exception). `strangers` are contacts, fields, tags and flows that do not exist,
    `silent` contacts who have not written for 24 hours, to whom no flow may write.
    """

    token: str = "stand-in"  # noqa: S105  (nobody's)
    mood: str = "ok"
    seconds: float = 0.0
    retry_after: int | None = None
    strangers: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    contacts: dict[str, Contact] = field(default_factory=dict)
    calls: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    strikes: int = 0
    limits: dict[str, int] = field(default_factory=lambda: dict(LIMITS))
    lock: threading.Lock = field(default_factory=threading.Lock)
    _recent: dict[str, deque[float]] = field(
        default_factory=lambda: {kind: deque() for kind in LIMITS}
    )

    def contact(self, manychat_id: str) -> Contact:
        return self.contacts.setdefault(manychat_id, Contact())

    def paths(self) -> list[str]:
        """What was asked for, in order, without probes."""
        return [path for _, path, _ in self.calls if not path.endswith("getInfo")]

    def answer(self, path: str, body: dict[str, Any], bearer: str) -> Answer:
        """What ManyChat says; what it takes is kept."""
        with self.lock:
            self.calls.append((time.monotonic(), path, body))
            if bearer != f"Bearer {self.token}":
                return 401, {"status": "error", "message": "Wrong token"}, {}
            refusal = self._refusal(path)
            if refusal:
                return refusal
            if path == "/fb/page/getInfo":
                return 200, {"status": "success", "data": {"name": "Stand-in"}}, {}
            return self._take(path, body)

    def _refusal(self, path: str) -> Answer | None:
        if self.mood == "blocked" or self.strikes >= STRIKES:
            text = "Rate limit exceeded: the page is blocked for 24 hours"
            return 429, {"status": "error", "message": text}, {}
        if self.mood == "busy" or self._is_over(path):
            told = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            return 429, {"status": "error", "message": "Rate limit exceeded"}, told
        if self.mood == "broken":
            return 500, {"status": "error", "message": "Internal error"}, {}
        if self.mood == "odd":
            return 200, {"status": "error", "message": "Validation error"}, {}
        if self.mood == "exception":
            return 200, {"status": "exception", "message": "Something went wrong"}, {}
        return None

    def _is_over(self, path: str) -> bool:
        """Whether this call is one too many within a second."""
        kind, now = "flow" if path.endswith("sendFlow") else "set", time.monotonic()
        recent = self._recent[kind]
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        recent.append(now)
        over = len(recent) > self.limits[kind]
        self.strikes += over
        return over

    def _take(self, path: str, body: dict[str, Any]) -> Answer:
        named = _named(path, body)
        if named is None:
            return 404, {"status": "error", "message": "Unknown method"}, {}
        manychat_id = str(body.get("subscriber_id"))
        for kind, name in (("Subscriber", manychat_id), *named):
            if name in self.strangers:
                return 400, _invalid(f"{kind} does not exist"), {}
        if path.endswith("sendFlow") and manychat_id in self.silent:
            return 400, {"status": "error", "message": _SILENT, "code": 3011}, {}
        self._do(path, body, self.contact(manychat_id))
        return 200, {"status": "success"}, {}

    def _do(self, path: str, body: Mapping[str, Any], contact: Contact) -> None:
        if "setCustomField" in path:
            for one in body.get("fields", [body]):
                contact.fields[one["field_name"]] = one["field_value"]
        elif path.endswith("addTagByName"):
            contact.tags.add(body["tag_name"])
        elif path.endswith("removeTagByName"):
            contact.tags.discard(body["tag_name"])
        else:
            contact.flows.append(body["flow_ns"])


def _named(path: str, body: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """Kind and name of all that the call names; None for a call that there is not."""
    if path in (f"{_SET}setCustomFieldByName", f"{_SET}setCustomFields"):
        return [("Field", one["field_name"]) for one in body.get("fields", [body])]
    if path in (f"{_SET}addTagByName", f"{_SET}removeTagByName"):
        return [("Tag", body["tag_name"])]
    return [("Flow", body["flow_ns"])] if path == "/fb/sending/sendFlow" else None


def _invalid(text: str) -> dict[str, Any]:
    return {"status": "error", "message": "Validation error",
            "details": {"messages": [{"message": text}]}}  # fmt: skip


class ManyChatServer:
    """The page behind real HTTP; use it as a context, or start and stop it."""

    def __init__(self, page: Page | None = None) -> None:
        self.page = page or Page()
        handler = type("Handler", (_Handler,), {"page": self.page})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ManyChatServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    page: Page
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, *_: object) -> None:
        """Say nothing: tests look at the page."""

    def _answer(self, body: dict[str, Any]) -> None:
        page = self.page
        if page.mood == "dead":
            page.calls.append((time.monotonic(), self.path, body))
            self.close_connection = True
            return
        bearer = self.headers.get("Authorization", "")
        status, said, headers = page.answer(self.path, body, bearer)
        if page.mood == "slow":  # done already, when the caller gives up
            time.sleep(page.seconds)
        with suppress(BrokenPipeError, ConnectionResetError):
            self._write(status, headers, json.dumps(said).encode())

    def _write(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
