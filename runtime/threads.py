"""Worker threads that live in native code: Python starts them, and then stays out.

A pool of N has N - 1 workers, since the caller of ``invoke`` is thread 0. Each worker enters the
image's ``worker`` once, through ctypes, which gives up the GIL, and stays there: spinning briefly,
then asleep on a futex, until `close`. A forked child, which inherits no threads, starts its own.

One pool runs one invoke at a time: `lock` is held by `Executable.invoke`. Code that enters an
image natively (the LiteRT bridge) must not share a pool between interpreters.

An invoke is over when its work is, and does not wait for workers that took none: one that the
system kept from running may still be on its way through the code and the State (it finds nothing to
take, and leaves). Before either is freed, `leave` takes the State out of the pool and waits until
no worker is inside.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
import time
import weakref
from typing import Final

from litefuse.runtime import libc
from litefuse.runtime.arena import Memory
from litefuse.runtime.errors import ThreadError
from litefuse.runtime.loader import LoadedImage
from litefuse.runtime.options import MAX_THREADS

POOL_BYTES: Final = 256
LINE: Final = 64
# About 50 us of looking before sleeping where every thread has a core; none where they must share.
SPIN: Final = 2000
JOIN_SECONDS: Final = 10.0
WORKER: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32)


class PoolFields(ctypes.Structure):
    """The native Pool of docs/contracts.md, field by field."""

    _fields_ = (
        ("num_threads", ctypes.c_int32),
        ("spin", ctypes.c_int32),
        ("syscall", ctypes.c_void_p),
        ("words", ctypes.c_void_p),
        ("_line0", ctypes.c_char * 40),
        ("generation", ctypes.c_int32),
        ("stop", ctypes.c_int32),
        ("sleepers", ctypes.c_int32),
        ("_gap", ctypes.c_char * 20),
        ("slots", ctypes.c_uint64 * 4),
        ("inside", ctypes.c_int32),
        ("_line2", ctypes.c_char * 60),
        ("events", ctypes.c_int32),
        ("event_sleepers", ctypes.c_int32),
        ("_line3", ctypes.c_char * 56),
    )


_pools: weakref.WeakSet[ThreadPool] = weakref.WeakSet()
# What a worker that would not stop may still touch: unmapping that is worse than keeping it.
_stuck: list[tuple[list[Memory], LoadedImage | None]] = []


class ThreadPool:
    """Exactly `num_threads` threads, the caller's included, for the images that are run with it.

    Threads start with `start`; with one thread none ever do. `num_threads` outside
    1..`MAX_THREADS` is a ThreadError, and so is a system that refuses to start that many.
    """

    def __init__(self, num_threads: int = 1) -> None:
        if not 1 <= num_threads <= MAX_THREADS:
            raise ThreadError(f"num_threads is {num_threads}; it must be from 1 to {MAX_THREADS}")
        self.num_threads = num_threads
        # Reentrant: a collection inside a locked section may close a forgotten executable.
        self.lock = threading.RLock()
        self._memory = Memory(POOL_BYTES)
        self.address = self._memory.address
        self._fields = PoolFields.from_address(self.address)
        # The last is in use; a late worker may still look into those before.
        self._words: list[Memory] = []
        self._threads: list[threading.Thread] = []
        self._image: LoadedImage | None = None
        self._worker = 0
        self._closed = False
        self._reset()
        _pools.add(self)

    @property
    def started(self) -> bool:
        """Whether `start` was called; with one thread that starts nothing, but is remembered."""
        return self._worker != 0

    @property
    def threads_running(self) -> int:
        """The number of threads that an invoke really uses now, the caller's included."""
        return 1 + sum(thread.is_alive() for thread in self._threads)

    def start(self, worker_address: int, image: LoadedImage | None = None) -> None:
        """Send the workers into the native function at `worker_address`; again is harmless.

        `image`, which holds that function, is kept mapped while they are in it.
        """
        if self._closed:
            raise ThreadError("the thread pool is closed; make a new one")
        if self.started:
            return
        self._image = image.retain() if image is not None else None
        self._worker = worker_address
        try:
            self._spawn()
        except RuntimeError as error:
            running = self.threads_running
            self.close()
            raise ThreadError(
                f"asked for {self.num_threads} threads, the system gave {running} ({error}); "
                "ask for fewer with num_threads, or raise the limit (ulimit -u)"
            ) from error

    def reserve(self, steps: int) -> None:
        """Make the word area large enough for programs of so many steps.

        A line a step and thread, and one a step for a phase. Grows at least twofold, so the areas
        that were outgrown are together smaller than the one in use.
        """
        lines = steps * (self.num_threads + 1)
        with self.lock:
            have = self._words[-1].nbytes // LINE if self._words else 0
            if self.num_threads == 1 or lines <= have:
                return
            self._words.append(Memory(LINE * max(lines, 2 * have)))
            self._fields.words = self._words[-1].address

    def leave(self, state: int) -> None:
        """Take the State at this address out of the pool; when it returns no worker is in it.

        Every Executable calls it before it frees its State or gives up its image.
        """
        if self.num_threads == 1:
            return
        with self.lock:
            if self._closed:
                return
            for slot in (0, 2):
                if self._fields.slots[slot + 1] == state:
                    self._fields.slots[slot] = 0  # no function: a worker that comes now turns back
            # A full barrier: whoever is not yet counted in `inside` sees the slot empty.
            libc.futex_wake(self.address + PoolFields.events.offset)
            looks = 0
            while self._fields.inside != 0:
                looks += 1
                time.sleep(0 if looks < 100 else 1e-4)

    def close(self) -> None:
        """Stop and join the workers, and free the pool; again is harmless.

        Waits for an invoke under way, if it holds `lock`. ThreadError if a worker does not stop.
        """
        if self._closed:
            return
        with self.lock:
            self._closed = True
            self._fields.stop = 1
            word = self.address + PoolFields.generation.offset
            libc.futex_wake(word)  # a full barrier: `stop` is seen before the new generation is
            self._fields.generation += 1
            libc.futex_wake(word)
            for thread in self._threads:
                thread.join(JOIN_SECONDS)
            stuck = [thread.name for thread in self._threads if thread.is_alive()]
        _pools.discard(self)
        if stuck:
            _stuck.append(([self._memory, *self._words], self._image))
            raise ThreadError(f"worker threads did not stop within {JOIN_SECONDS} s: {stuck}")
        self._threads = []
        del self._fields
        self.address = 0
        for memory in (self._memory, *self._words):
            memory.close()
        if self._image is not None:
            self._image.release()
            self._image = None

    def _reset(self) -> None:
        ctypes.memset(self.address, 0, POOL_BYTES)
        self._fields.num_threads = self.num_threads
        self._fields.spin = SPIN if self.num_threads <= len(os.sched_getaffinity(0)) else 0
        self._fields.syscall = libc.syscall_address()
        if self._words:
            self._fields.words = self._words[-1].address

    def _spawn(self) -> None:
        """Start the workers; the generation is 0, where each of them begins to count."""
        enter = WORKER(self._worker)
        for tid in range(1, self.num_threads):
            thread = threading.Thread(
                target=enter, args=(self.address, tid), name=f"litefuse-{tid}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def _after_fork(self) -> None:
        """In a forked child: the copied state names threads that do not exist here. Begin anew."""
        self.lock = threading.RLock()
        self._threads = []
        self._reset()
        if self.started:
            self._spawn()

    def __del__(self) -> None:
        # An exception here could only be printed; a stuck worker keeps its memory (see close).
        if not getattr(self, "_closed", True):
            self.close()


def _restart_all() -> None:
    for pool in list(_pools):
        pool._after_fork()


def _close_all() -> None:
    for pool in list(_pools):
        pool.close()


os.register_at_fork(after_in_child=_restart_all)
# Before modules are torn down: code must not be unmapped under a worker.
atexit.register(_close_all)
