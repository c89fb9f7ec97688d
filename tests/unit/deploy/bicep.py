"""Bicep read by its tree-sitter grammar: syntax, names and parameters. It is no compiler.

What it cannot see: types of values, properties of resources, whether an API version exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

LANGUAGE = Language(tree_sitter_bicep.language())
DECLARATIONS = {
    "parameter_declaration", "variable_declaration", "resource_declaration",
    "module_declaration", "output_declaration",
}  # fmt: skip
FUNCTIONS = {
    "concat", "empty", "guid", "json", "readEnvironmentVariable", "resourceGroup", "string",
    "subscription", "subscriptionResourceId",
}  # fmt: skip


class Bicep:
    """One file."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        # the grammar knows no parameter files; there a parameter is written as a variable is
        parsed = re.sub(r"(?m)^param (\w+ =)", r"var \1", text) if path.endswith("param") else text
        self.root = Parser(LANGUAGE).parse(parsed.encode()).root_node

    @property
    def errors(self) -> list[str]:
        """Where it is no Bicep."""
        return [
            f"{self.path}:{node.start_point[0] + 1}: {_text(node)[:60]!r}"
            for node in _all(self.root)
            if node.type == "ERROR" or node.is_missing
        ]

    @cached_property
    def declared(self) -> dict[str, Node]:
        """Name → declaration of parameters, variables, resources and modules; no outputs."""
        return {
            _text(_first(node, "identifier")): node
            for node in _all(self.root)
            if node.type in DECLARATIONS and node.type != "output_declaration"
        }

    def named(self, kind: str) -> list[str]:
        """The names of one kind: `parameter`, `variable`, `resource`, `module`, `output`."""
        return [
            _text(_first(node, "identifier"))
            for node in _all(self.root)
            if node.type == f"{kind}_declaration"
        ]

    @property
    def required(self) -> set[str]:
        """The parameters without a default."""
        return {name for name in self.named("parameter") if len(self._children(name)) < 3}

    @property
    def unknown(self) -> list[str]:
        """Names that are used and declared nowhere."""
        known = set(self.declared) | FUNCTIONS | self._loop_names
        return [
            f"{self.path}:{node.start_point[0] + 1}: {_text(node)}"
            for node in _all(self.root)
            if node.type == "identifier" and _is_use(node) and _text(node) not in known
        ]

    @property
    def unused(self) -> list[str]:
        """Parameters and variables that nothing uses."""
        used = {_text(n) for n in _all(self.root) if n.type == "identifier" and _is_use(n)}
        return sorted({*self.named("parameter"), *self.named("variable")} - used)

    @property
    def strings(self) -> list[str]:
        """Every string without its quotes, interpolations as they are written."""
        return [_text(node)[1:-1] for node in _all(self.root) if node.type == "string"]

    def modules(self) -> Iterator[tuple[str, set[str]]]:
        """File and given parameters of each module."""
        for name in self.named("module"):
            node = self.declared[name]
            body = next(child for child in _all(node) if child.type == "object")
            params = next(v for k, v in _properties(body) if k == "params")
            yield _text(_first(node, "string"))[1:-1], {key for key, _ in _properties(params)}

    def variable(self, name: str) -> str:
        """The text of a variable's value."""
        return _text(self._children(name)[-1])

    def _children(self, name: str) -> list[Node]:
        return self.declared[name].named_children

    @property
    def _loop_names(self) -> set[str]:
        names = set()
        for node in _all(self.root):
            if node.type == "for_statement":
                head = _text(node).split(" in ")[0]
                names |= set(re.findall(r"\w+", head)) - {"for"}
        return names


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def _text(node: Node | None) -> str:
    assert node is not None
    assert node.text is not None
    return node.text.decode()


def _first(node: Node, kind: str) -> Node | None:
    return next((child for child in node.named_children if child.type == kind), None)


def _properties(node: Node) -> Iterator[tuple[str, Node]]:
    for child in node.named_children:
        if child.type == "object_property":
            key, *value = child.named_children
            yield _text(key), value[-1] if value else key


def _is_use(node: Node) -> bool:
    """Whether an identifier names a value: no key, no declaration, no decorator."""
    parent = node.parent
    assert parent is not None
    first = parent.named_children[0] == node
    if parent.type == "object_property" or parent.type in DECLARATIONS or parent.type == "type":
        return not first and parent.type != "type"
    inside: Node | None = node
    while inside is not None:
        if inside.type == "decorators":
            return False
        inside = inside.parent
    return True
