"""The Dockerfiles, checked without an engine: a linter, and our own rules."""

from __future__ import annotations

import fnmatch
import re
import runpy
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.unit.about_the_code.sources import ROOT, SECRET_NAME, read, run, tracked

DOCKERFILES = ("docker/Dockerfile.api", "docker/Dockerfile.workers", "docker/Dockerfile.odoo")
LABELS = ("title", "description", "licenses", "version", "revision", "created", "source")
probe = runpy.run_path(str(ROOT / "docker/probe.py"))["main"]


def lint_errors(path: Path) -> str:
    checked = run("hadolint", "--no-color", str(path))
    return "" if checked.ok else checked.output


def careless_image(text: str) -> list[str]:
    """What hadolint lets pass: root, secrets, unpinned requirements, missing health check."""
    wrong = []
    steps = re.findall(r"^([A-Z]+)\s+(.+)$", re.sub(r"\\\n\s*", "", text), re.MULTILINE)
    last_stage = steps[max(i for i, (word, _) in enumerate(steps) if word == "FROM") :]
    said = dict(last_stage)
    if said.get("USER", "root").split(":")[0] in {"root", "0"}:
        wrong.append("runs as root")
    wrong += [f"no {word}" for word in ("HEALTHCHECK", "LABEL", "CMD") if word not in said]
    if any("pip install" in rest and "--require-hashes" not in rest for _, rest in steps):
        wrong.append("installs without hashes")
    bases = [rest.split()[0] for word, rest in steps if word == "FROM"]
    stages = {rest.split()[-1] for word, rest in steps if word == "FROM"}
    wrong += [
        f"FROM {base} cannot be pinned from outside"
        for base in bases
        if base not in stages | {"scratch"} and not base.startswith("${")
    ]
    labels = said.get("LABEL", "")
    wrong += [
        f"no label {one}" for one in LABELS if f"org.opencontainers.image.{one}=" not in labels
    ]
    for word, rest in steps:
        names = re.findall(r"(\w+)(?:=|$|\s)", rest) if word in {"ENV", "ARG"} else []
        wrong += [f"{word} {name}" for name in names if SECRET_NAME.search(name)]
        if word in {"ADD", "COPY"} and "--chmod" in rest:
            wrong.append("needs BuildKit, which `az acr build` has not")
        if word == "COPY" and re.search(r"(^|\s)\.\s", rest):
            wrong.append("copies the whole checkout")
    return wrong


def copied(text: str) -> list[str]:
    """What a Dockerfile takes from the checkout."""
    lines = [line for line in text.splitlines() if re.match(r"COPY (?!--from)", line)]
    return [word for line in lines for word in line.split()[1:-1]]


def ignored(path: str, rules: str) -> bool:
    """Whether .dockerignore keeps `path` out: the last rule that fits counts."""
    out = False
    for rule in rules.splitlines():
        pattern = rule.strip().lstrip("!").removeprefix("**/")
        if rule.startswith("#") or not pattern:
            continue
        tops = {path, path.split("/", maxsplit=1)[0]}
        if any(fnmatch.fnmatch(top, pattern) for top in tops):
            out = not rule.startswith("!")
    return out


@pytest.mark.parametrize("path", DOCKERFILES)
def test_the_dockerfiles_pass_the_linter(path: str) -> None:
    assert lint_errors(ROOT / path) == ""


@pytest.mark.parametrize("path", DOCKERFILES)
def test_an_image_runs_unprivileged_and_holds_no_secret(path: str) -> None:
    assert careless_image(read(path).text) == []


@pytest.mark.parametrize("path", DOCKERFILES)
def test_what_an_image_copies_is_in_the_repository_and_in_the_build(path: str) -> None:
    rules = read(".dockerignore").text
    sources = copied(read(path).text)
    assert sources
    for source in sources:
        held = [file for file in tracked() if file == source or file.startswith(f"{source}/")]
        assert held, source
        assert not any(ignored(file, rules) for file in held), source


def test_the_build_sees_nothing_else() -> None:
    rules = read(".dockerignore").text
    for path in (".env", "tests/conftest.py", ".git/config", "miasalud.db", "docs/x.md"):
        assert ignored(path, rules), path


def test_both_images_share_their_layers() -> None:
    def shared(path: str) -> str:
        text = read(path).text.split("# --- What this image runs ---")
        assert len(text) == 2
        return text[0][text[0].index("FROM") :]

    assert shared(DOCKERFILES[0]) == shared(DOCKERFILES[1])


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class _Broken(_Fine):
    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()


@pytest.mark.parametrize(("handler", "code"), [(_Fine, 0), (_Broken, 1)])
def test_the_probe_tells_a_healthy_process_from_another(
    handler: type[BaseHTTPRequestHandler], code: int
) -> None:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.handle_request, daemon=True).start()
        assert probe(server.server_port) == code


def test_the_probe_says_that_nobody_is_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert probe(taken.getsockname()[1]) == 1


@pytest.mark.parametrize(
    "line",
    ["FORM python:3.12-slim", "FROM python:latest", "RUN cd /app && sudo make", "CMD python x.py"],
)
def test_a_dockerfile_with_a_fault_is_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    text = read(DOCKERFILES[0]).text
    path.write_text(f"{text}{line}\n")
    assert lint_errors(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("USER 10001:10001", ""),
        ("USER 10001:10001", "USER root"),
        ("ADD https", "ADD --chmod=0644 https"),
        ("HEALTHCHECK", "# HEALTHCHECK"),
        ("--require-hashes ", ""),
        ("ENV PORT=8000", "ENV API_KEY=swordfish"),
        ("ARG VERSION=dev", "ARG ODOO_PASSWORD"),
        ("COPY bridge bridge", "COPY . ."),
        ("FROM ${PYTHON_IMAGE} AS runtime", "FROM python:3.12-slim AS runtime"),
        ("org.opencontainers.image.source", "source"),
    ],
)
def test_a_careless_image_is_seen(old: str, new: str) -> None:
    text = read(DOCKERFILES[0]).text
    assert old in text
    assert careless_image(text.replace(old, new))
