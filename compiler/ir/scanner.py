"""A cursor over IR text: the lexical half of the parser, with errors that point."""

from __future__ import annotations

import re

from litefuse.compiler.ir.core import IRError

_SPACE = re.compile(r"(?:\s+|//[^\n]*)*")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_ESCAPE = re.compile(r'\\([0-9A-Fa-f]{2}|[nt"\\])')
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$.]*")
_INTEGER = re.compile(r"-?[0-9]+")
_SUFFIX = re.compile(r"[A-Za-z0-9_$.-]+")


class ParseError(IRError):
    """Text that is not IR. The message has file, line, column, the line and a caret."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Scanner:
    """Reads one thing after another; white space and `//` comments between them are skipped."""

    def __init__(self, text: str, source: str = "<text>") -> None:
        self.text = text
        self.source = source
        self.pos = 0
        self.skip()

    def skip(self) -> None:
        """Go past white space and comments."""
        match = _SPACE.match(self.text, self.pos)
        if match:
            self.pos = match.end()

    def error(self, message: str, pos: int | None = None) -> ParseError:
        """An error to raise that points at `pos`, or at the cursor."""
        at = self.pos if pos is None else pos
        line = self.text.count("\n", 0, at) + 1
        start = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        shown = self.text[start : end if end >= 0 else len(self.text)]
        offset = at - start
        # A resource line can be megabytes long: show the part around the place.
        left = max(0, offset - 60)
        shown, caret = shown[left : left + 120], " " * (offset - left) + "^"
        return ParseError(
            f"{self.source}:{line}:{offset + 1}: {message}\n  {shown}\n  {caret}", line, offset + 1
        )

    def looking_at(self, literal: str) -> bool:
        """Whether the literal comes next."""
        return self.text.startswith(literal, self.pos)

    def take(self, literal: str) -> bool:
        """Read the literal if it comes next."""
        if not self.text.startswith(literal, self.pos):
            return False
        self.pos += len(literal)
        self.skip()
        return True

    def need(self, literal: str, why: str = "") -> None:
        """Read the literal, which must come next."""
        if not self.take(literal):
            raise self.error(f"expected {literal!r}{' ' + why if why else ''}")

    def regex(self, pattern: re.Pattern[str]) -> str | None:
        """Read what the pattern matches, if anything."""
        match = pattern.match(self.text, self.pos)
        if match is None:
            return None
        self.pos = match.end()
        self.skip()
        return match.group()

    def need_regex(self, pattern: re.Pattern[str], what: str) -> str:
        """Read what the pattern matches; `what` names it in the error."""
        found = self.regex(pattern)
        if found is None:
            raise self.error(f"expected {what}")
        return found

    def identifier(self, what: str) -> str:
        """Read a bare word."""
        return self.need_regex(_IDENTIFIER, what)

    def integer(self, what: str) -> int:
        """Read a decimal integer."""
        return int(self.need_regex(_INTEGER, what))

    def suffix(self, sigil: str, what: str) -> str:
        """Read `%name`, `^name`: the name after the sigil."""
        if not self.text.startswith(sigil, self.pos):
            raise self.error(f"expected {what}")
        self.pos += len(sigil)
        return self.need_regex(_SUFFIX, what)

    def string(self, what: str) -> str:
        """Read a quoted string and resolve its escapes."""
        return self.raw_string(what).decode("utf-8", "surrogateescape")

    def raw_string(self, what: str) -> bytes:
        """Read a quoted string as bytes."""
        start = self.pos
        match = _STRING.match(self.text, self.pos)
        if match is None:
            raise self.error(f"expected {what}, a quoted string")
        self.pos = match.end()
        self.skip()
        body = match.group(1)
        if "\\" not in body:
            return body.encode("utf-8", "surrogateescape")
        out, at = b"", 0
        while at < len(body):
            back = body.find("\\", at)
            if back < 0:
                back = len(body)
            out += body[at:back].encode("utf-8", "surrogateescape")
            if back == len(body):
                break
            escape = _ESCAPE.match(body, back)
            if escape is None:
                raise self.error(
                    "a backslash is followed by n, t, a quote, a backslash or two hex digits",
                    start + 1 + back,
                )
            code = escape.group(1)
            named = {"n": b"\n", "t": b"\t", '"': b'"', "\\": b"\\"}.get(code)
            out += named if named is not None else bytes.fromhex(code)
            at = escape.end()
        return out

    def more(self, close: str) -> bool:
        """Whether the list goes on: reads a comma, or the closing literal and answers no."""
        if self.take(close):
            return False
        self.need(",", f"or {close!r}")
        return True
