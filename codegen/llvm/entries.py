"""The entries of an image as LLVM text: `run`, `invoke`, `worker`, `litert_invoke`
(docs/contracts.md, section 3).

Work, not threads, is counted. The steps between two barriers are a phase. The pool's word area has
a line a phase, `done`: generation << 32 | units finished, and a line for each thread of each shared
step: generation << 32 | units taken of that thread's share. A thread takes chunks of its own share
by compare and swap, then of the others', and adds what it made to `done` when a step has no more to
take. A phase begins when the one before has all its units: nobody waits for a thread that took
nothing, and the caller's thread alone would get through all of it.

Late threads. A unit of generation g can only be taken while g runs: invoke(g) returns when every
unit was taken and made, and the words of g then stay exhausted until they are set for a later
generation. So a thread that is still on its way through g afterwards takes nothing: it finds shares
that are used up, or a word of another generation, and leaves. What it reads of the State may be of
a later invoke, but it is used only by a thread that took a unit. The State and the code must stay
mapped meanwhile: `inside` counts the workers between looking up what to run and leaving it, and
who frees a State first takes it out of the pool and then waits for `inside` to be 0.

Orders. Words and the slot (fn, State) of a generation are written before the generation is
published by a sequentially consistent addition, and read after it with acquire. Slots alternate:
a worker that read the slot of g and finds the generation still g (acquire loads, in this order) has
that generation's pair, since the next write to it releases the publication of g + 1. A worker
raises `inside` (sequentially consistent) before it reads the slot, and who frees clears the slot,
passes a full barrier, and then reads `inside`: one of both sees the other. Chunks are added to
`done` with release and a phase's completion is read with acquire, additions in between keep the
chain, so all that a phase stored is seen in the next, and nothing it still reads is overwritten.

Sleep. A thread that goes to sleep first counts itself as a sleeper (sequentially consistent), looks
again, and the kernel compares the futex once more: whoever publishes or completes either sees the
sleeper and wakes it, or is seen. Sleepers for a phase wait on `events`, which only counts: a `done`
word could have come back to the same number in another run.
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
        _run(),
        _program(steps, arch, alone=True),
        _program(steps, arch, alone=False),
        _TAKE,
        _FINISH,
        _complete(arch),
        _wake(arch),
        _sleep(arch),
        _invoke(steps),
        _WORKER,
        _litert_invoke(program.get("n_io", _io_count(steps))),
    ]
    return "\n".join(text), declared


def _io_count(steps: list[Operation]) -> int:
    used = [a["offset"] for s in steps for a in s["args"] if a["space"] == "io"]
    return max(used, default=-1) + 1


def _run() -> str:
    return """
define dso_local void @run(ptr %state, i32 %tid, i32 %generation) #0 {
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
  call void @run.alone(ptr %state)
  ret void
many:
  call void @run.shared(ptr %state, i32 %tid, i32 %n, i32 %generation)
  ret void
}
"""


def _program(steps: list[Operation], arch: str, alone: bool) -> str:
    """All steps in order. The form for one thread has no shares, no waits and no words."""
    head = "run.alone(ptr %state)"
    if not alone:
        head = "run.shared(ptr %state, i32 %tid, i32 %n, i32 %generation)"
    out = [
        f"define internal void @{head} #0 {{",
        "entry:",
        "  %consts = load ptr, ptr %state",
        "  %arena.p = getelementptr i8, ptr %state, i64 8",
        "  %arena = load ptr, ptr %arena.p",
        "  %io.p = getelementptr i8, ptr %state, i64 16",
        "  %io = load ptr, ptr %io.p",
        "  %ticks.p = getelementptr i8, ptr %state, i64 24",
        "  %ticks = load ptr, ptr %ticks.p",
        "  %on = icmp ne ptr %ticks, null",
    ]
    if alone:
        out.append("  %timed = and i1 %on, true")
    else:
        out += [
            "  %pool.p = getelementptr i8, ptr %state, i64 32",
            "  %pool = load ptr, ptr %pool.p",
            "  %words.p = getelementptr i8, ptr %pool, i64 16",
            "  %words = load ptr, ptr %words.p",
            "  %tid.l = zext i32 %tid to i64",
            "  %n.l = zext i32 %n to i64",
            "  %generation.l = zext i32 %generation to i64",
            "  %mark = shl i64 %generation.l, 32",
            "  %first = icmp eq i32 %tid, 0",
            "  %timed = and i1 %on, %first",
        ]
    out += _tick(-1, arch)
    phases = _phases(steps)
    number = {id(step): k for k, step in enumerate(s for s in steps if _units(s) > 1)}
    for i, step in enumerate(steps):
        if alone:
            _whole(out, i, step)
            out += _tick(i, arch)
            continue
        phase, last = phases[i], phases[i - 1] if i else 0
        if phase != last:
            out += _wait(f"{i}", last, _total(steps, phases, last))
        total = _total(steps, phases, phase)
        if _units(step) > 1:
            _taken(out, i, step, max(phases) + 1, number[id(step)], phase, total)
        else:
            out.append(f"  br i1 %first, label %mine{i}, label %next{i}")
            out.append(f"mine{i}:")
            _whole(out, i, step)
            if _units(step):
                _finish(out, i, phase, total, "1")
            out += [f"  br label %next{i}", f"next{i}:"]
        out += _tick(i, arch)
    if not alone and steps:  # the caller stays until all is done, a worker just leaves
        out += ["  br i1 %first, label %last, label %leave", "last:"]
        out += _wait("last", phases[-1], _total(steps, phases, phases[-1]))
    out.append("  br label %leave")
    return "\n".join([*out, "leave:", "  ret void", "}"])


def _phases(steps: list[Operation]) -> list[int]:
    """The phase of each step: a barrier begins a new one."""
    phases: list[int] = []
    for step in steps:
        phases.append(phases[-1] + bool(step["barrier"]) if phases else 0)
    return phases


def _total(steps: list[Operation], phases: list[int], phase: int) -> int:
    """The units of a phase; a step for one thread is one."""
    total = sum(_units(s) for s, p in zip(steps, phases, strict=True) if p == phase)
    if total >= 1 << 32:
        raise IRError(f"phase {phase} has {total} units, a word counts to 2**32; raise the grain")
    return total


def _whole(out: list[str], i: int, step: Operation) -> None:
    """The step in one piece, on this thread."""
    arguments = [_argument(out, i, j, a) for j, a in enumerate(step["args"])]
    arguments += ["i64 0", f"i64 {step['trip']}"]
    out.append(f"  call void @{quoted(_callee(step))}({', '.join(arguments)})")


def _taken(
    out: list[str], i: int, step: Operation, lines: int, k: int, phase: int, total: int
) -> None:
    """Chunks of a step, as long as there are any. Its words are lines `lines` + k * n and on."""
    arguments = [_argument(out, i, j, a) for j, a in enumerate(step["args"])]
    arguments += [f"i64 %b{i}", f"i64 %e{i}"]
    trip, grain, units = step["trip"], step.get("grain") or 1, _units(step)
    given = f"ptr %w{i}, i64 %tid.l, i64 %n.l, i64 {units}, i64 %generation.l, i64 %v{i}"
    out += [
        f"  %w{i}.0 = mul i64 %n.l, {64 * k}",
        f"  %w{i}.1 = add i64 %w{i}.0, {64 * lines}",
        f"  %w{i} = getelementptr i8, ptr %words, i64 %w{i}.1",
        f"  br label %step{i}",
        f"step{i}:",
        f"  br label %take{i}",
        f"take{i}:",
        f"  %v{i} = phi i64 [0, %step{i}], [%v{i}.n, %do{i}]",
        f"  %made{i} = phi i64 [0, %step{i}], [%made{i}.n, %do{i}]",
        f"  %r{i} = call {{i64, i64, i64}} @take({given})",
        f"  %u{i} = extractvalue {{i64, i64, i64}} %r{i}, 0",
        f"  %x{i} = extractvalue {{i64, i64, i64}} %r{i}, 1",
        f"  %v{i}.n = extractvalue {{i64, i64, i64}} %r{i}, 2",
        f"  %some{i} = icmp ult i64 %u{i}, %x{i}",
        f"  br i1 %some{i}, label %do{i}, label %out{i}",
        f"do{i}:",
        f"  %b{i} = mul i64 %u{i}, {grain}",
        f"  %e{i}.0 = mul i64 %x{i}, {grain}",
        f"  %e{i}.1 = icmp ult i64 %e{i}.0, {trip}",
        f"  %e{i} = select i1 %e{i}.1, i64 %e{i}.0, i64 {trip}",
        f"  call void @{quoted(_callee(step))}({', '.join(arguments)})",
        f"  %size{i} = sub i64 %x{i}, %u{i}",
        f"  %made{i}.n = add i64 %made{i}, %size{i}",
        f"  br label %take{i}",
        f"out{i}:",
        f"  %late{i} = icmp ugt i64 %u{i}, %x{i}",
        f"  br i1 %late{i}, label %leave, label %sum{i}",
        f"sum{i}:",
        f"  %any{i} = icmp ne i64 %made{i}, 0",
        f"  br i1 %any{i}, label %add{i}, label %end{i}",
        f"add{i}:",
    ]
    _finish(out, i, phase, total, f"%made{i}")
    out += [f"  br label %end{i}", f"end{i}:"]


def _finish(out: list[str], i: int, phase: int, total: int, made: str) -> None:
    out += [
        f"  %all{i} = or i64 %mark, {total}",
        f"  %done{i} = getelementptr i8, ptr %words, i64 {64 * phase}",
        f"  call void @finish(ptr %pool, ptr %done{i}, i64 {made}, i64 %all{i})",
    ]


def _wait(name: str, phase: int, total: int) -> list[str]:
    """Until a phase is complete; a thread whose generation is over leaves."""
    return [
        f"  %want.{name} = or i64 %mark, {total}",
        f"  %before.{name} = getelementptr i8, ptr %words, i64 {64 * phase}",
        f"  %ok.{name} = call i1 @complete(ptr %pool, ptr %before.{name}, i64 %want.{name})",
        f"  br i1 %ok.{name}, label %begin.{name}, label %leave",
        f"begin.{name}:",
    ]


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


# The next chunk, a quarter of a share, from the shares of the threads `tid` + v and on: the units
# begin to end of the step and the v to go on with. begin == end: none is left; begin > end: the
# generation is over. Share t is the units from ceil(t * units / n): contiguous, the first larger.
_TAKE = """
define internal {i64, i64, i64} @take(ptr %w, i64 %tid, i64 %n, i64 %units, i64 %g, i64 %v) #0 {
entry:
  %n.less = sub i64 %n, 1
  br label %share
share:
  %i = phi i64 [%v, %entry], [%i.n, %next]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %owner, label %none
owner:
  %t.0 = add i64 %tid, %i
  %over = icmp uge i64 %t.0, %n
  %t.1 = sub i64 %t.0, %n
  %t = select i1 %over, i64 %t.1, i64 %t.0
  %b.0 = mul i64 %t, %units
  %b.1 = add i64 %b.0, %n.less
  %b = udiv i64 %b.1, %n
  %e.0 = add i64 %b.1, %units
  %e = udiv i64 %e.0, %n
  %size = sub i64 %e, %b
  %chunk.0 = add i64 %size, 3
  %chunk = lshr i64 %chunk.0, 2
  %offset = shl i64 %t, 6
  %word = getelementptr i8, ptr %w, i64 %offset
  br label %look
look:
  %old = load atomic i64, ptr %word acquire, align 8
  %g.old = lshr i64 %old, 32
  %late = icmp ne i64 %g.old, %g
  br i1 %late, label %over.now, label %left
left:
  %used = and i64 %old, 4294967295
  %some = icmp ult i64 %used, %size
  br i1 %some, label %try, label %next
try:
  %rest = sub i64 %size, %used
  %short = icmp ult i64 %rest, %chunk
  %take = select i1 %short, i64 %rest, i64 %chunk
  %new = add i64 %old, %take
  %swap = cmpxchg ptr %word, i64 %old, i64 %new acq_rel monotonic, align 8
  %got = extractvalue {i64, i1} %swap, 1
  br i1 %got, label %have, label %look
have:
  %begin = add i64 %b, %used
  %end = add i64 %begin, %take
  %r.0 = insertvalue {i64, i64, i64} poison, i64 %begin, 0
  %r.1 = insertvalue {i64, i64, i64} %r.0, i64 %end, 1
  %r.2 = insertvalue {i64, i64, i64} %r.1, i64 %i, 2
  ret {i64, i64, i64} %r.2
next:
  %i.n = add i64 %i, 1
  br label %share
none:
  ret {i64, i64, i64} {i64 0, i64 0, i64 0}
over.now:
  ret {i64, i64, i64} {i64 1, i64 0, i64 0}
}
"""

# Add to a phase's `done`; who completes it wakes those that sleep for it.
_FINISH = """
define internal void @finish(ptr %pool, ptr %done, i64 %made, i64 %all) #0 {
entry:
  %old = atomicrmw add ptr %done, i64 %made seq_cst
  %new = add i64 %old, %made
  %last = icmp eq i64 %new, %all
  br i1 %last, label %tell, label %out
tell:
  %sleepers = getelementptr i8, ptr %pool, i64 196
  %count = load atomic i32, ptr %sleepers seq_cst, align 4
  %some = icmp ne i32 %count, 0
  br i1 %some, label %event, label %out
event:
  %events = getelementptr i8, ptr %pool, i64 192
  %n = atomicrmw add ptr %events, i32 1 seq_cst
  call void @wake(ptr %pool, ptr %events, ptr %sleepers)
  br label %out
out:
  ret void
}
"""


def _complete(arch: str) -> str:
    """Wait until `done` is `want`: true; false when it is of another generation."""
    return f"""
define internal i1 @complete(ptr %pool, ptr %done, i64 %want) #0 {{
entry:
  %spin.p = getelementptr i8, ptr %pool, i64 4
  %spin = load i32, ptr %spin.p
  %f.p = getelementptr i8, ptr %pool, i64 8
  %f = load ptr, ptr %f.p
  %endless = icmp eq ptr %f, null
  %events = getelementptr i8, ptr %pool, i64 192
  %sleepers = getelementptr i8, ptr %pool, i64 196
  br label %look
look:
  %i = phi i32 [0, %entry], [%i.n, %again]
  %now = load atomic i64, ptr %done acquire, align 8
  %all = icmp eq i64 %now, %want
  br i1 %all, label %yes, label %part
part:
  %other = xor i64 %now, %want
  %late = icmp uge i64 %other, 4294967296
  br i1 %late, label %no, label %again
again:
  {_PAUSE[arch]}
  %i.n = add i32 %i, 1
  %more = icmp slt i32 %i.n, %spin
  %stay = or i1 %more, %endless
  br i1 %stay, label %look, label %sleep
sleep:
  %before = atomicrmw add ptr %sleepers, i32 1 seq_cst
  br label %check
check:
  %seen = load atomic i32, ptr %events seq_cst, align 4
  %now2 = load atomic i64, ptr %done seq_cst, align 8
  %all2 = icmp eq i64 %now2, %want
  br i1 %all2, label %up, label %part2
part2:
  %other2 = xor i64 %now2, %want
  %late2 = icmp uge i64 %other2, 4294967296
  br i1 %late2, label %up, label %wait
wait:
  %seen.l = zext i32 %seen to i64
  %r = call i64 (i64, ...) %f(i64 {_FUTEX[arch]}, ptr %events, i64 128, i64 %seen.l, i64 0, i64 0)
  br label %check
up:
  %after = atomicrmw sub ptr %sleepers, i32 1 seq_cst
  br i1 %all2, label %yes, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}
"""


def _invoke(steps: list[Operation]) -> str:
    """Publish and take part. A program whose steps all fall to one thread wakes no other."""
    shared = sum(_units(step) > 1 for step in steps)
    if not shared:
        return """
define dso_local i32 @invoke(ptr %state) #0 {
entry:
  call void @run.alone(ptr %state)
  ret i32 0
}
"""
    return f"""
define dso_local i32 @invoke(ptr %state) #0 {{
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
  call void @run.alone(ptr %state)
  ret i32 0
many:
  %words.p = getelementptr i8, ptr %pool, i64 16
  %words = load ptr, ptr %words.p
  %word = getelementptr i8, ptr %pool, i64 64
  %last = load atomic i32, ptr %word monotonic, align 4
  %g = add i32 %last, 1
  %g.l = zext i32 %g to i64
  %mark = shl i64 %g.l, 32
  %n.l = zext i32 %n to i64
  %lines.0 = mul i64 %n.l, {shared}
  %lines = add i64 %lines.0, {max(_phases(steps)) + 1}
  br label %set
set:
  %i = phi i64 [0, %many], [%i.n, %set]
  %at = shl i64 %i, 6
  %line = getelementptr i8, ptr %words, i64 %at
  store atomic i64 %mark, ptr %line monotonic, align 8
  %i.n = add i64 %i, 1
  %more = icmp ult i64 %i.n, %lines
  br i1 %more, label %set, label %publish
publish:
  %slot = call ptr @slot(ptr %pool, i32 %g)
  %slot.state = getelementptr i8, ptr %slot, i64 8
  store atomic ptr @run, ptr %slot release, align 8
  store atomic ptr %state, ptr %slot.state release, align 8
  %old = atomicrmw add ptr %word, i32 1 seq_cst
  %sleepers = getelementptr i8, ptr %pool, i64 72
  call void @wake(ptr %pool, ptr %word, ptr %sleepers)
  call void @run.shared(ptr %state, i32 0, i32 %n, i32 %g)
  ret i32 0
}}
"""


# A worker starts having seen generation 0: one that starts late joins the first invoke. A slot is
# what a generation, even or odd, runs.
_WORKER = """
define internal ptr @slot(ptr %pool, i32 %g) #0 {
  %odd = and i32 %g, 1
  %odd.l = zext i32 %odd to i64
  %at = shl i64 %odd.l, 4
  %slots = getelementptr i8, ptr %pool, i64 96
  %slot = getelementptr i8, ptr %slots, i64 %at
  ret ptr %slot
}

define dso_local void @worker(ptr %pool, i32 %tid) #0 {
entry:
  %word = getelementptr i8, ptr %pool, i64 64
  %stop.p = getelementptr i8, ptr %pool, i64 68
  %sleepers = getelementptr i8, ptr %pool, i64 72
  %inside = getelementptr i8, ptr %pool, i64 128
  br label %wait
wait:
  %seen = phi i32 [0, %entry], [%g, %leave]
  %g = call i32 @await(ptr %pool, ptr %word, ptr %sleepers, i32 %seen)
  %stop = load atomic i32, ptr %stop.p acquire, align 4
  %ends = icmp ne i32 %stop, 0
  br i1 %ends, label %done, label %enter
enter:
  %slot = call ptr @slot(ptr %pool, i32 %g)
  %slot.state = getelementptr i8, ptr %slot, i64 8
  %in = atomicrmw add ptr %inside, i32 1 seq_cst
  %fn = load atomic ptr, ptr %slot seq_cst, align 8
  %state = load atomic ptr, ptr %slot.state seq_cst, align 8
  %still = load atomic i32, ptr %word seq_cst, align 4
  %current = icmp eq i32 %still, %g
  %have = icmp ne ptr %fn, null
  %go = and i1 %current, %have
  br i1 %go, label %work, label %leave
work:
  call void %fn(ptr %state, i32 %tid, i32 %g)
  br label %leave
leave:
  %out = atomicrmw sub ptr %inside, i32 1 seq_cst
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
