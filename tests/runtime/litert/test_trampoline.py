"""The trampoline passes its arguments on and follows the State's slot."""

from __future__ import annotations

import ctypes as c
import platform

import pytest

from litefuse.runtime.litert import structs, trampoline


def test_it_jumps_to_the_slot_with_the_arguments_untouched() -> None:
    address = trampoline.trampoline_address()
    if address is None:
        pytest.skip("this system maps no code of ours")
    calls: list[tuple[int, int, str]] = []

    def target(name: str, status: int) -> structs.NodeFunction:
        return structs.NodeFunction(
            lambda context, node: calls.append((context, node, name)) or status
        )

    first, second = target("first", 0), target("second", 7)
    state = (c.c_uint64 * 8)()
    node = structs.TfLiteNode(user_data=c.addressof(state))
    jump = structs.NodeFunction(address)
    for function, name, status in ((first, "first", 0), (second, "second", 7)):
        state[trampoline.ENTRY_SLOT // 8] = c.cast(function, c.c_void_p).value or 0
        assert jump(0xABC, c.addressof(node)) == status
        assert calls.pop() == (0xABC, c.addressof(node), name)
    assert trampoline.trampoline_address() == address


def test_an_unknown_machine_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert trampoline.trampoline_address.__wrapped__() is None
