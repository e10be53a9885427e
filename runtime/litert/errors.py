"""The exception of this layer, and why a delegate leaves a node alone."""

from __future__ import annotations

from dataclasses import dataclass

from litefuse.runtime.errors import LitefuseError


class LiteRTError(LitefuseError, RuntimeError):
    """The host interpreter cannot be used, or was used in a way that cannot work."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node is not claimed: the rule, the offending value, and what would help.

    It is falsy, so `is_node_supported` may return it wherever it could return False.
    """

    rule: str
    value: str = ""
    remedy: str = ""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        text = f"{self.rule}: {self.value}" if self.value else self.rule
        return f"{text} ({self.remedy})" if self.remedy else text
