"""A plant file as text: its content, and the line on which each entry stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lakehouse.plant.base import Loc, Mistake

MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Leaves a date that does not exist as text: what it stands for is judged by the declaration."""

    def construct_yaml_timestamp(self, node: Any) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        content: what it says; None when it is empty.
        root: its nodes, which know their lines.
        repeated: keys that stand twice in one mapping.
    """

    content: Any
    root: yaml.Node | None
    repeated: tuple[Mistake, ...]

    @classmethod
    def of(cls, text: str) -> Source:
        """Read YAML.

        Raises:
            yaml.YAMLError: it is not YAML.
        """
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            repeated = () if root is None else tuple(_repeated(root, (), set()))
            return cls(None if root is None else loader.construct_document(root), root, repeated)
        finally:
            loader.dispose()

    def line(self, loc: Loc) -> int:
        """Return the line, from 1, on which an entry begins; of one that is not there, that of what it is missing in."""
        line, node = 1, self.root
        for part in loc:
            found = _entry(node, part)
            if found is None:
                break
            line, node = found
        return line

    def has(self, loc: Loc) -> bool:
        """Return whether the file has an entry at a place."""
        node = self.root
        for part in loc:
            found = _entry(node, part)
            if found is None:
                return False
            node = found[1]
        return True


def _entry(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    """The line on which an entry of a node begins, and its own node; of a key that stands twice, the last."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == str(part):
                return key.start_mark.line + 1, value
    return None


def _repeated(node: yaml.Node, loc: Loc, seen: set[int]) -> Iterator[Mistake]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, each in enumerate(node.value):
            yield from _repeated(each, (*loc, number), seen)
    elif isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != MERGE]
        yield from (((*loc, key), "stands twice") for key in dict.fromkeys(keys) if keys.count(key) > 1)
        for key, value in node.value:
            yield from _repeated(value, (*loc, str(key.value)), seen)
