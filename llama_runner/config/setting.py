"""One key of a configuration file, as its attrs class declares it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_type_hints

from attrs import NOTHING, fields, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCUMENTATION = "documentation"
_INTERNAL = "internal"

# A field that the program fills in: no key in the file, no place in the schema.
INTERNAL: Mapping[str, Any] = MappingProxyType({_INTERNAL: True})


def documented(line: str) -> dict[str, Any]:
    """Return the field metadata that carries a key's one line of documentation."""
    return {_DOCUMENTATION: line}


@frozen
class Setting:
    """A key with its type, default and documentation."""

    name: str
    type: Any
    documentation: str
    default: Any

    @property
    def required(self) -> bool:
        """Whether the file must hold this key."""
        return self.default is NOTHING


def settings_of(cls: type[Any]) -> Mapping[str, Setting]:
    """Return the settings of a configuration class by name, in their order."""
    types = get_type_hints(cls, include_extras=True)
    return MappingProxyType(
        {
            attribute.name: Setting(
                name=attribute.name,
                type=types[attribute.name],
                documentation=attribute.metadata.get(_DOCUMENTATION, ""),
                default=_default(attribute.default),
            )
            for attribute in fields(cls)
            if _INTERNAL not in attribute.metadata
        }
    )


def _default(declared: Any) -> Any:
    # attrs types Factory as a function, but its values are instances of it.
    return declared.factory() if hasattr(declared, "factory") else declared
