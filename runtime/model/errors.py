"""The one exception of the file format."""

from __future__ import annotations

DAMAGED = "the file is damaged or truncated: fetch or export it again"
NEWER = (
    "the file is damaged, or made for a newer schema than this litefuse knows: update litefuse, "
    "or export for an older runtime"
)
FIX = "correct the model before writing it"


class ModelError(ValueError):
    """A model that cannot be read, written or used as asked.

    The text says what is wrong, in which table, field and byte, and what to do next. The parts are
    also attributes: `table` and `field` by schema name, `byte` the offset in the file (None for a
    model that never was a file), `where` the path from the root (``subgraphs[0].operators[3]``),
    `problem` and `remedy` the two halves of the sentence, `file` the name when there is one.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = DAMAGED,
        table: str = "",
        field: str = "",
        byte: int | None = None,
        where: str = "",
        file: str = "",
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.table = table
        self.field = field
        self.byte = byte
        self.where = where
        self.file = file

    def __str__(self) -> str:
        place = ".".join(part for part in (self.table, self.field) if part)
        if self.byte is not None:
            place = f"{place} at byte {self.byte}".strip()
        if self.where:
            place = f"{place} ({self.where})".strip()
        head = ": ".join(part for part in (self.file, place) if part)
        return (
            f"{head}: {self.problem}; {self.remedy}" if head else f"{self.problem}; {self.remedy}"
        )
