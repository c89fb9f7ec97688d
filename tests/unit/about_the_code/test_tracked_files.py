"""What is in the repository holds no machine's paths, no secrets, and nothing left for later."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pip._internal.models.index import PyPI

from tests.unit.about_the_code.sources import Source, run, texts

HERE = "tests/unit/about_the_code/"  # these tests spell out what they look for
PATHS = re.compile(r"(?<![\w.~$}/-])/(?:root|home|work|Users)/[\w.-]+")
LOCAL = re.compile(r"\b[\w-]+\.(?:internal|local|lan|corp)\b(?!host)")
INDEX = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host|\"resolved\": \"http")
LATER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HACK)\b")
DODGED = re.compile(r"@?(?:pytest\.mark|unittest)\.(?:skip|skipif|skipUnless|xfail)\b")
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|AccountKey=[A-Za-z0-9+/]{40,}|\bghp_[A-Za-z0-9]{36}"
    r"|\bEby8vdM02x"
)
PAPERS = re.compile(r"\b(?:CONTRACT|DESIGN|PLATFORM|INTERFACES)(?:\.md| \d|'s\b)")
INVENTED = {"host.docker.internal"}

APT_SOURCES = (
    Path("/etc/apt/sources.list"),
    *sorted(Path("/etc/apt/sources.list.d").glob("*")),
)


def found(pattern: re.Pattern[str], sources: Iterable[Source]) -> list[str]:
    return [
        source.at(number, match.group())
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        for match in pattern.finditer(line)
        if match.group() not in INVENTED
    ]


def path(*parts: str) -> str:
    """An absolute path, spelled so that this file holds none."""
    return "/".join(["", *parts])


def elsewhere() -> list[Source]:
    """Every tracked text but these tests and the licence."""
    return [s for s in texts() if not s.path.startswith(HERE) and s.path != "LICENSE"]


def this_machines_hosts() -> set[str]:
    """Hosts of the package registries that this machine's pip and apt are told to use.

    Read from the machine, so that they are named nowhere here.
    """
    lists = [path for path in APT_SOURCES if path.is_file()]
    told = [run("pip", "config", "list").output, PyPI.url, *(p.read_text() for p in lists)]
    urls = re.findall(r"https?://[^\s'\"\]]+", " ".join(told))
    return {host for url in urls if (host := urlsplit(url).hostname)}


def test_no_file_names_a_machines_path() -> None:
    assert found(PATHS, elsewhere()) == []


def test_no_file_names_a_private_host_or_a_package_mirror() -> None:
    hosts = [re.escape(host) for host in this_machines_hosts()]
    patterns = [LOCAL, INDEX, *map(re.compile, hosts)]
    sources = [s for s in elsewhere() if not s.path.startswith("requirements")]
    assert [hit for pattern in patterns for hit in found(pattern, sources)] == []


def test_the_pinned_requirements_name_no_index() -> None:
    pinned = [s for s in texts() if re.fullmatch(r"requirements.*\.txt", s.path)]
    lines = [
        Source(s.path, "\n".join(line for line in s.text.splitlines() if not line.startswith("#")))
        for s in pinned
    ]
    assert pinned
    assert found(INDEX, lines) == []
    assert found(re.compile(r"https?://|@ file:"), lines) == []


def test_no_file_holds_a_secret() -> None:
    assert found(SECRET, elsewhere()) == []


def test_nothing_is_left_for_later_and_no_test_is_dodged() -> None:
    assert found(LATER, elsewhere()) == []
    assert found(DODGED, [s for s in elsewhere() if s.path.endswith(".py")]) == []


def test_no_file_points_to_papers_outside_the_repository() -> None:
    assert found(PAPERS, elsewhere()) == []


def test_no_file_of_odoo_and_no_driver_is_in_the_repository() -> None:
    names = re.compile(r"(^|/)(odoo-bin|release\.py)$|\.(so|dll|deb|whl|db|sqlite3?|pem|pfx)$")
    assert [s.path for s in texts() if names.search(s.path)] == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (PATHS, "cd " + path("root", "project")),
        (PATHS, f'path = "{path("home", "ana", "odoo")}"'),
        (PATHS, path("work", "shared", "DESIGN.md")),
        (LOCAL, "http://pypi.mirror.internal/simple"),
        (INDEX, "pip install --extra-index-url http://x"),
        (INDEX, '"resolved": "http://127.0.0.1:4873/azurite"'),
        (LATER, "# TODO: mend"),
        (DODGED, "@pytest.mark.skipif(True, reason='slow')"),
        (DODGED, '@unittest.skip("later")'),
        (PAPERS, "as CONTRACT 6 says"),
        (PAPERS, "see DESIGN's laws"),
        (SECRET, "AccountKey=" + "A" * 86 + "=="),
    ],
)
def test_a_careless_line_is_seen(pattern: re.Pattern[str], line: str) -> None:
    assert len(found(pattern, [Source("bridge/bad.py", line)])) == 1


@pytest.mark.parametrize(
    "line",
    [
        "~/.cache/miasalud-crm",
        "$HOME" + path("work", "x"),
        "https://example.com/home/x",
        "/opt/venv",
    ],
)
def test_an_ordinary_path_is_no_machines_path(line: str) -> None:
    assert found(PATHS, [Source("README.md", line)]) == []
