"""What the documents tell can be done: commands, files, links, paths and bodies exist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from typing import Any, TypeGuard, get_type_hints

import pytest
import typer
from typer.models import CommandInfo

from bridge.api.app import create_app
from bridge.cli import app as cli
from bridge.events.event import EventType
from bridge.events.reading import Rules, accept, read_event
from bridge.events.spellings import SPELLINGS
from bridge.settings import Settings
from tests.unit.about_the_code.sources import ROOT, Source, read, texts, tracked

MADE = (".devstack", ".venv", "artifacts", ".env")  # what is there only after a command was run
PARAMETERS = "deploy/prod.bicepparam"
NOT_SETTINGS = {
    "ODOO_SERIES": "make: which series",
    "ONCE": "make demo",
    "BRIDGE_URL": "make demo: where its API listens",
    "PYTEST": "make test",
    "FAULTS": "make faults: what to break",
    "FAULTS_EVENTS": "make faults",
    "FAULTS_CONTACTS": "make faults",
    "FAULTS_SEED": "make faults",
    "TEST_DATABASE_URL": "tests/integration/mirror: whichever database it names",
    "WEB_CONCURRENCY": "gunicorn",
    "ACCEPT_EULA": "Microsoft's installers",
    "API_URL": "docs/deploy.md: where the API is",
    "WEBSITES_PORT": "App Service",
    "PR_SET_PDEATHSIG": "Linux",
}
KINDS = {
    "contact": EventType.CONTACT,
    "campaign-assignment": EventType.ASSIGNMENT,
    "stage-change": EventType.STAGE,
    "address": EventType.ADDRESS,
}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def documents() -> list[Source]:
    return list(texts(path for path in tracked() if path.endswith(".md")))


def spans(source: Source) -> Iterator[tuple[int, str]]:
    """Inline code and the lines of code blocks, with their line numbers."""
    fenced = False
    for number, line in enumerate(source.text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line.strip()
        else:
            yield from ((number, span) for span in re.findall(r"`([^`]+)`", line))


def unknown_targets(sources: Iterable[Source]) -> list[str]:
    known = set(re.findall(r"^([a-z][a-z0-9-]*):", read("Makefile").text, re.MULTILINE))
    return [
        source.at(number, f"make {target}")
        for source in sources
        for number, span in spans(source)
        for target in re.findall(r"\bmake ([a-z][a-z0-9-]*)", span)
        if target not in known
    ]


def unknown_commands(sources: Iterable[Source]) -> list[str]:
    wrong = []
    for source in sources:
        for number, span in spans(source):
            for words in re.findall(r"python3? -m bridge((?: [a-z][a-z-]*)+)", span):
                if not _is_command(cli, words.split()):
                    wrong.append(source.at(number, f"python -m bridge{words}"))
            for module in re.findall(r"python3? -m (bridge\.[a-z_.]+)", span):
                if find_spec(module) is None:
                    wrong.append(source.at(number, f"python -m {module}"))
    return wrong


def _is_command(group: typer.Typer, words: list[str]) -> bool:
    """Whether these words run something: groups, a command, and values of its enum argument."""
    for position, word in enumerate(words):
        for inner in group.registered_groups:
            if inner.name == word and inner.typer_instance is not None:
                return _is_command(inner.typer_instance, words[position + 1 :])
        commands = {_command_name(one): one.callback for one in group.registered_commands}
        if word not in commands:
            return False
        hints = get_type_hints(commands[word]).values()
        choices = {str(value) for hint in hints if _is_choice(hint) for value in hint}
        return set(words[position + 1 :]) <= choices
    return False


def _command_name(command: CommandInfo) -> str:
    return command.name or command.callback.__name__.replace("_", "-")  # type: ignore[union-attr]


def _is_choice(hint: object) -> TypeGuard[type[StrEnum]]:
    return isinstance(hint, type) and issubclass(hint, StrEnum)


def missing_files(sources: Iterable[Source]) -> list[str]:
    """Names of files and folders of the checkout in code spans."""
    tops = {path.split("/")[0] for path in tracked()}
    return [
        source.at(number, name)
        for source in sources
        for number, span in spans(source)
        for name in re.findall(r"(?<![\w/.:~…$-])[\w.-]+(?:/[\w.-]+)*/?", span)
        if name.split("/")[0] in tops and name.split("/")[0] not in MADE
        if not (ROOT / name).exists()
    ]


def dead_links(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(number, link)
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        for link in re.findall(r"\]\(([^)#\s]+)", line)
        if "://" not in link and not (ROOT / source.path).parent.joinpath(link).exists()
    ]


def unknown_paths(sources: Iterable[Source]) -> list[str]:
    app = create_app(Settings(_env_file=None, api_key="x"))
    paths = app.openapi()["paths"]
    known = {path.replace("{kind}", kind) for path in paths for kind in (*KINDS, "{kind}")}
    return [
        source.at(number, path)
        for source in sources
        for number, span in spans(source)
        for path in re.findall(r"/api/v1/[\w/-]+", span)
        if path not in known
    ]


def unknown_variables(sources: Iterable[Source]) -> list[str]:
    """UPPER_CASE names in code spans that are neither a setting nor a constant of the code."""
    code = [source.text for source in texts(path for path in tracked() if path.endswith(".py"))]
    constants = re.compile(r"^([A-Z]+(?:_[A-Z]+)+)\b[^=\n]*=", re.MULTILINE)
    known = {name for text in code for name in constants.findall(text)}
    known |= {name.upper() for name in Settings.model_fields} | set(NOT_SETTINGS)
    known |= set(re.findall(r"\$\{([A-Z_]+)", read("docker-compose.yml").text))
    known |= set(re.findall(r"readEnvironmentVariable\('(\w+)", read(PARAMETERS).text))
    return [
        source.at(number, name)
        for source in sources
        for number, span in spans(source)
        for name in re.findall(r"(?<![\w*-])\$?([A-Z]+(?:_[A-Z]+)+)(?![\w*])", span)
        if name not in known
    ]


def bodies(source: Source) -> list[tuple[EventType, dict[str, Any]]]:
    """The webhook bodies of a document, each with the kind of the last path before it."""
    found = []
    pattern = r"webhook/([a-z-]+)`|```json\n(.*?)```"
    kind = ""
    for path, body in re.findall(pattern, source.text, re.DOTALL):
        if path:
            kind = path
        else:
            found.append((KINDS[kind], json.loads(body)))
    return found


def unread_keys(type: EventType, body: dict[str, Any]) -> list[str]:
    """Keys that the bridge would not read, or would mend."""
    known = {name for names in SPELLINGS.values() for name in names}
    rendered = {key: _rendered(key, value) for key, value in body.items()}
    event = read_event(accept(type, rendered, None, NOW, Rules()), Rules())
    return [key for key in body if key not in known] + [scrub.text for scrub in event.scrubs]


def _rendered(key: str, value: Any) -> Any:
    samples = {"whatsapp": "+51 987 654 321", "email_lead": "rosa@example.com"}
    return samples.get(key, "Rosa") if str(value).startswith("{{") else value


CHECKS = (
    unknown_targets,
    unknown_commands,
    missing_files,
    dead_links,
    unknown_paths,
    unknown_variables,
)


@pytest.mark.parametrize("check", CHECKS)
def test_what_the_documents_name_exists(check: Callable[[list[Source]], list[str]]) -> None:
    assert check(documents()) == []


@pytest.mark.parametrize("path", ["README.md", "README.es.md"])
def test_the_documented_bodies_are_read_whole(path: str) -> None:
    found = bodies(read(path))
    assert {type for type, _ in found} == set(KINDS.values())
    assert [wrong for type, body in found for wrong in unread_keys(type, body)] == []


def test_every_target_of_the_makefile_is_phony_and_explained() -> None:
    text = read("Makefile").text
    phony = set(re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split())  # type: ignore[index]
    explained = set(re.findall(r"^([a-z][a-z0-9-]*):.* ## \S", text, re.MULTILINE))
    assert phony == explained


def test_the_first_row_of_where_to_change_what_is_a_new_field() -> None:
    text = read("ARCHITECTURE.md").text
    rows = text[text.index("## Where to change what") :].splitlines()
    first = next(row for row in rows if row.startswith("| **"))
    assert first.startswith("| **a new ManyChat field** |")
    assert "`bridge/events/spellings.py`" in first
    assert "`miasalud_crm/models/crm_lead.py`" in first
    assert text.count("\n") < 90


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (unknown_targets, "Run `make everything`."),
        (unknown_commands, "`python -m bridge reboot`"),
        (unknown_commands, "`python -m bridge worker nobody`"),
        (unknown_commands, "```bash\npython -m bridge db\n```"),
        (unknown_commands, "`python -m bridge.workers.nobody`"),
        (missing_files, "See `bridge/events/nothing.py`."),
        (dead_links, "See [this](docs/nothing.md)."),
        (unknown_paths, "POST `https://x/api/v1/manychat/webhook/nothing`"),
        (unknown_variables, "Set `ODOO_COLOUR`."),
    ],
)
def test_a_document_that_promises_too_much_is_seen(
    check: Callable[[list[Source]], list[str]], text: str
) -> None:
    assert len(check([Source("README.md", text)])) == 1


def test_a_body_that_is_not_read_is_seen() -> None:
    body = {"manychat_id": "{{user_id}}", "nombre": "{{first_name}}", "whatsapp": "abc"}
    assert unread_keys(EventType.CONTACT, body) == ["nombre", "whatsapp: bad_phone"]
