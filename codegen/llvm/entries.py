"""The entries of an image as LLVM text: `run`, `invoke`, `worker`, `litert_invoke`
(docs/contracts.md, section 3).

Orders. A generation is published by a sequentially consistent addition after plain stores of what
to run, and read with acquire. A thread that goes to sleep first counts itself as a sleeper
(sequentially consistent), and the kernel then compares the generation again: either the publisher
sees the sleeper and wakes it, or the kernel sees the new generation and does not sleep. The barrier
works the same way on its own generation; the last thread to arrive resets the count before it
publishes, so the count is 0 whenever a thread can enter the next barrier.
"""

from __future__ import annotations

from typing import Any

from litefuse.codegen.llvm.emit import quoted
from litefuse.codegen.targets import Target
from litefuse.compiler.ir.attributes import Symbol
from litefuse.compiler.ir.core import IRError, Operation

ENTRIES = ("run", "invoke", "worker", "litert_invoke")
_FUTEX = {"x86_64": 202, "aarch64": 98}
_PAUSE = {
    "x86_64": "call void @llvm.x86.sse2.pause()",
    "aarch64": "call void @llvm.aarch64.hint(i32 1)",
}
_CLOCK = {
    "x86_64": ("llvm.readcyclecounter", "", ""),
    "aarch64": ("llvm.read_volatile_register.i64", "metadata", '!{!"cntvct_el0"}'),
}
_FOREVER = (1 << 31) - 1


def emit_entries(program: Operation, target: Target) -> tuple[str, dict[str, str]]:
    """The text of the entries of a `loop.program`, and the declarations by name."""
    steps = [op for op in program.body.ops if op.name == "loop.step"]
    arch = target.arch
    pause = {
        "x86_64": "declare void @llvm.x86.sse2.pause()",
        "aarch64": "declare void @llvm.aarch64.hint(i32)",
    }[arch]
    clock, parameter, _ = _CLOCK[arch]
    declared = {"pause": pause, "clock": f"declare i64 @{clock}({parameter})"}
    for step in steps:  # for when the kernel is compiled into another object
        name = quoted(_callee(step))
        types = ", ".join([*(["ptr"] * len(step["args"])), "i64", "i64"])
        declared[name] = f"declare dso_local void @{name}({types})"
    text = [
        _run(steps),
        _program(steps, arch, alone=True),
        _program(steps, arch, alone=False),
        _barrier(arch),
        _wake(arch),
        _sleep(arch),
        _invoke(alone=all(_units(step) == 1 for step in steps)),
        _worker(arch),
        _litert_invoke(program.get("n_io", _io_count(steps))),
    ]
    return "\n".join(text), declared


def _io_count(steps: list[Operation]) -> int:
    used = [a["offset"] for s in steps for a in s["args"] if a["space"] == "io"]
    return max(used, default=-1) + 1


def _run(steps: list[Operation]) -> str:
    return """
define dso_local void @run(ptr %state, i32 %tid) #0 {
entry:
  %pool.p = getelementptr i8, ptr %state, i64 32
  %pool = load ptr, ptr %pool.p
  %none = icmp eq ptr %pool, null
  br i1 %none, label %one, label %ask
ask:
  %n = load i32, ptr %pool
  %single = icmp sle i32 %n, 1
  br i1 %single, label %one, label %many
one:
  call void @run.alone(ptr %state, i32 0, i32 1)
  ret void
many:
  call void @run.shared(ptr %state, i32 %tid, i32 %n)
  ret void
}
"""


def _program(steps: list[Operation], arch: str, alone: bool) -> str:
    """All steps in order. The form for one thread has no shares and no barriers."""
    name = "run.alone" if alone else "run.shared"
    out = [
        f"define internal void @{name}(ptr %state, i32 %tid, i32 %n) #0 {{",
        "entry:",
        "  %consts = load ptr, ptr %state",
        "  %arena.p = getelementptr i8, ptr %state, i64 8",
        "  %arena = load ptr, ptr %arena.p",
        "  %io.p = getelementptr i8, ptr %state, i64 16",
        "  %io = load ptr, ptr %io.p",
        "  %ticks.p = getelementptr i8, ptr %state, i64 24",
        "  %ticks = load ptr, ptr %ticks.p",
        "  %pool.p = getelementptr i8, ptr %state, i64 32",
        "  %pool = load ptr, ptr %pool.p",
        "  %tid.l = zext i32 %tid to i64",
        "  %n.l = zext i32 %n to i64",
        "  %n.less = sub i64 %n.l, 1",
        "  %on = icmp ne ptr %ticks, null",
        "  %first = icmp eq i32 %tid, 0",
        "  %timed = and i1 %on, %first",
    ]
    out += _tick(-1, arch)
    for i, step in enumerate(steps):
        if step["barrier"] and not alone:
            out.append("  call void @barrier(ptr %pool, i32 %n)")
        arguments = [_argument(out, i, j, a) for j, a in enumerate(step["args"])]
        callee = quoted(_callee(step))
        if alone:
            arguments += ["i64 0", f"i64 {step['trip']}"]
            out.append(f"  call void @{callee}({', '.join(arguments)})")
        else:
            begin, end = _share(out, i, step)
            arguments += [f"i64 {begin}", f"i64 {end}"]
            out += [
                f"  %some{i} = icmp ult i64 {begin}, {end}",
                f"  br i1 %some{i}, label %do{i}, label %skip{i}",
                f"do{i}:",
                f"  call void @{callee}({', '.join(arguments)})",
                f"  br label %skip{i}",
                f"skip{i}:",
            ]
        out += _tick(i, arch)
    return "\n".join([*out, "  ret void", "}"])


def _callee(step: Operation) -> str:
    callee = step["callee"]
    return callee.name if isinstance(callee, Symbol) else str(callee)


def _tick(i: int, arch: str) -> list[str]:
    k = i + 1
    name, parameter, argument = _CLOCK[arch]
    return [
        f"  br i1 %timed, label %tick{k}, label %go{k}",
        f"tick{k}:",
        f"  %now{k} = call i64 @{name}({parameter} {argument})",
        f"  %slot{k} = getelementptr i64, ptr %ticks, i64 {k}",
        f"  store i64 %now{k}, ptr %slot{k}",
        f"  br label %go{k}",
        f"go{k}:",
    ]


def _argument(out: list[str], i: int, j: int, argument: dict[str, Any]) -> str:
    name, space, offset = f"%p{i}.{j}", argument["space"], argument["offset"]
    if space == "io":
        out.append(f"  {name}.p = getelementptr ptr, ptr %io, i64 {offset}")
        out.append(f"  {name} = load ptr, ptr {name}.p")
    elif space in ("arena", "const"):
        base = "%arena" if space == "arena" else "%consts"
        out.append(f"  {name} = getelementptr i8, ptr {base}, i64 {offset}")
    else:
        raise IRError(
            f"step {i}, argument {j}: no memory space {space!r}; there are arena, const and io"
        )
    return f"ptr {name}"


def _share(out: list[str], i: int, step: Operation) -> tuple[str, str]:
    """This thread's part of the trip: contiguous, in whole grains, the first threads get the larger
    parts.
    """
    trip, grain, units = step["trip"], step.get("grain") or 1, _units(step)
    for name, tid in (("b", "%tid.l"), ("e", "%tid.next")):
        if name == "e":
            out.append(f"  %tid.next{i} = add i64 %tid.l, 1")
            tid = f"%tid.next{i}"
        out.append(f"  %{name}{i}.0 = mul i64 {tid}, {units}")
        out.append(f"  %{name}{i}.1 = add i64 %{name}{i}.0, %n.less")
        out.append(f"  %{name}{i}.2 = udiv i64 %{name}{i}.1, %n.l")
        out.append(f"  %{name}{i}.3 = mul i64 %{name}{i}.2, {grain}")
        out.append(f"  %{name}{i}.4 = icmp ult i64 %{name}{i}.3, {trip}")
        out.append(f"  %{name}{i} = select i1 %{name}{i}.4, i64 %{name}{i}.3, i64 {trip}")
    return f"%b{i}", f"%e{i}"


def _units(step: Operation) -> int:
    """Whole grains of the trip: how many threads can have a part."""
    return int(-(-step["trip"] // (step.get("grain") or 1)))


def _wake(arch: str) -> str:
    """Wake every thread that sleeps on a generation, if the sleepers' count says that there may be
    one.
    """
    return f"""
define internal void @wake(ptr %pool, ptr %word, ptr %sleepers) #0 {{
entry:
  %count = load atomic i32, ptr %sleepers seq_cst, align 4
  %some = icmp ne i32 %count, 0
  br i1 %some, label %call, label %done
call:
  %f.p = getelementptr i8, ptr %pool, i64 8
  %f = load ptr, ptr %f.p
  %have = icmp ne ptr %f, null
  br i1 %have, label %do, label %done
do:
  %r = call i64 (i64, ...) %f(i64 {_FUTEX[arch]}, ptr %word, i64 129, i64 {_FOREVER}, i64 0, i64 0)
  br label %done
done:
  ret void
}}
"""


def _sleep(arch: str) -> str:
    """Wait until the generation is not `seen` any more, or a stop: `spin` looks, then the futex."""
    return f"""
define internal i32 @await(ptr %pool, ptr %word, ptr %sleepers, i32 %seen) #0 {{
entry:
  %spin.p = getelementptr i8, ptr %pool, i64 4
  %spin = load i32, ptr %spin.p
  %stop.p = getelementptr i8, ptr %pool, i64 68
  %f.p = getelementptr i8, ptr %pool, i64 8
  %f = load ptr, ptr %f.p
  %endless = icmp eq ptr %f, null
  br label %look
look:
  %i = phi i32 [0, %entry], [%i.n, %again]
  %g = load atomic i32, ptr %word acquire, align 4
  %new = icmp ne i32 %g, %seen
  br i1 %new, label %done, label %stopped
stopped:
  %stop = load atomic i32, ptr %stop.p acquire, align 4
  %ends = icmp ne i32 %stop, 0
  br i1 %ends, label %done, label %again
again:
  {_PAUSE[arch]}
  %i.n = add i32 %i, 1
  %more = icmp slt i32 %i.n, %spin
  %stay = or i1 %more, %endless
  br i1 %stay, label %look, label %sleep
sleep:
  %old = atomicrmw add ptr %sleepers, i32 1 seq_cst
  br label %check
check:
  %g2 = load atomic i32, ptr %word seq_cst, align 4
  %new2 = icmp ne i32 %g2, %seen
  br i1 %new2, label %up, label %check.stop
check.stop:
  %stop2 = load atomic i32, ptr %stop.p acquire, align 4
  %ends2 = icmp ne i32 %stop2, 0
  br i1 %ends2, label %up, label %wait
wait:
  %seen.l = zext i32 %seen to i64
  %r = call i64 (i64, ...) %f(i64 {_FUTEX[arch]}, ptr %word, i64 128, i64 %seen.l, i64 0, i64 0)
  br label %check
up:
  %old2 = atomicrmw sub ptr %sleepers, i32 1 seq_cst
  br label %done
done:
  %result = phi i32 [%g, %look], [%g, %stopped], [%g2, %up]
  ret i32 %result
}}
"""


def _barrier(arch: str) -> str:
    return """
define internal void @barrier(ptr %pool, i32 %n) #0 {
entry:
  %arrived.p = getelementptr i8, ptr %pool, i64 128
  %word = getelementptr i8, ptr %pool, i64 192
  %sleepers = getelementptr i8, ptr %pool, i64 196
  %seen = load atomic i32, ptr %word acquire, align 4
  %before = atomicrmw add ptr %arrived.p, i32 1 acq_rel
  %last.n = sub i32 %n, 1
  %last = icmp eq i32 %before, %last.n
  br i1 %last, label %open, label %wait
open:
  store atomic i32 0, ptr %arrived.p monotonic, align 4
  %old = atomicrmw add ptr %word, i32 1 seq_cst
  call void @wake(ptr %pool, ptr %word, ptr %sleepers)
  ret void
wait:
  %g = call i32 @await(ptr %pool, ptr %word, ptr %sleepers, i32 %seen)
  ret void
}
"""


def _invoke(alone: bool) -> str:
    """Publish and take part. A program whose steps all fall to one thread wakes no other."""
    if alone:
        return """
define dso_local i32 @invoke(ptr %state) #0 {
entry:
  call void @run.alone(ptr %state, i32 0, i32 1)
  ret i32 0
}
"""
    return """
define dso_local i32 @invoke(ptr %state) #0 {
entry:
  %pool.p = getelementptr i8, ptr %state, i64 32
  %pool = load ptr, ptr %pool.p
  %none = icmp eq ptr %pool, null
  br i1 %none, label %one, label %ask
ask:
  %n = load i32, ptr %pool
  %single = icmp sle i32 %n, 1
  br i1 %single, label %one, label %many
one:
  call void @run.alone(ptr %state, i32 0, i32 1)
  ret i32 0
many:
  %fn.p = getelementptr i8, ptr %pool, i64 72
  store ptr @run, ptr %fn.p
  %state.p = getelementptr i8, ptr %pool, i64 80
  store ptr %state, ptr %state.p
  %word = getelementptr i8, ptr %pool, i64 64
  %old = atomicrmw add ptr %word, i32 1 seq_cst
  %sleepers = getelementptr i8, ptr %pool, i64 88
  call void @wake(ptr %pool, ptr %word, ptr %sleepers)
  call void @run.shared(ptr %state, i32 0, i32 %n)
  call void @barrier(ptr %pool, i32 %n)
  ret i32 0
}
"""


def _worker(arch: str) -> str:
    """A worker starts having seen generation 0: one that starts late joins the first invoke."""
    return """
define dso_local void @worker(ptr %pool, i32 %tid) #0 {
entry:
  %word = getelementptr i8, ptr %pool, i64 64
  %stop.p = getelementptr i8, ptr %pool, i64 68
  %sleepers = getelementptr i8, ptr %pool, i64 88
  %fn.p = getelementptr i8, ptr %pool, i64 72
  %state.p = getelementptr i8, ptr %pool, i64 80
  br label %wait
wait:
  %seen = phi i32 [0, %entry], [%g, %work]
  %g = call i32 @await(ptr %pool, ptr %word, ptr %sleepers, i32 %seen)
  %stop = load atomic i32, ptr %stop.p acquire, align 4
  %ends = icmp ne i32 %stop, 0
  br i1 %ends, label %done, label %work
work:
  %fn = load ptr, ptr %fn.p
  %state = load ptr, ptr %state.p
  call void %fn(ptr %state, i32 %tid)
  %n = load i32, ptr %pool
  call void @barrier(ptr %pool, i32 %n)
  br label %wait
done:
  ret void
}
"""


def _litert_invoke(n_io: int) -> str:
    """Tensors may move between calls, so their addresses are read again each time.

    A TfLiteTensor has 112 bytes, its data pointer is at 8.
    """
    head = """
define dso_local i32 @litert_invoke(ptr %context, ptr %node) #0 {
entry:
  %state.p = getelementptr i8, ptr %node, i64 32
  %state = load ptr, ptr %state.p
  %tensors.p = getelementptr i8, ptr %context, i64 16
  %tensors = load ptr, ptr %tensors.p
  %io.p = getelementptr i8, ptr %state, i64 16
  %io = load ptr, ptr %io.p
  %list.p = getelementptr i8, ptr %state, i64 40
  %list = load ptr, ptr %list.p
"""
    tail = """
  %status = call i32 @invoke(ptr %state)
  ret i32 %status
}
"""
    if n_io == 0:
        return head + tail
    return (
        head
        + f"""  br label %refresh
refresh:
  %i = phi i64 [0, %entry], [%i.n, %refresh]
  %which.p = getelementptr i32, ptr %list, i64 %i
  %which = load i32, ptr %which.p
  %which.l = sext i32 %which to i64
  %bytes = mul i64 %which.l, 112
  %tensor = getelementptr i8, ptr %tensors, i64 %bytes
  %data.p = getelementptr i8, ptr %tensor, i64 8
  %data = load ptr, ptr %data.p
  %slot = getelementptr ptr, ptr %io, i64 %i
  store ptr %data, ptr %slot
  %i.n = add i64 %i, 1
  %more = icmp ult i64 %i.n, {n_io}
  br i1 %more, label %refresh, label %go
go:"""
        + tail
    )
