"""From a model's partition to a loaded image: the cache first, the compiler only on a miss.

The one module of the runtime that reaches the compiler, and inside functions only: a start from
the cache imports no compiler, pass or code generator.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

from litefuse import __version__
from litefuse.runtime import fingerprint
from litefuse.runtime.artifact import FORMAT
from litefuse.runtime.cache import Cache, CacheKey
from litefuse.runtime.cpu import HostTarget, host_target, resolve_target
from litefuse.runtime.errors import BuildError, CacheError, LitefuseWarning, LoadError
from litefuse.runtime.loader import LoadedImage, Origin, load, load_bytes
from litefuse.runtime.options import Options
from litefuse.runtime.plan import Partition, Plan, Reason

__all__ = [
    "Partition",
    "Plan",
    "Reason",
    "artifact_key",
    "build",
    "build_bytes",
    "open_cache",
    "plan",
    "plan_key",
]

# What decides which nodes are claimed, besides the model and the compiler.
_PLAN_OPTIONS = (
    "max_delegated_partitions",
    "min_nodes_per_partition",
    "first_delegate_node_index",
    "last_delegate_node_index",
    "allow_ops",
    "deny_ops",
    "allow_nodes",
    "deny_nodes",
    "allow_names",
    "deny_names",
)


class Hashed(Protocol):
    """A model that knows the hash of its contents, as `litefuse.runtime.model.Model` does."""

    @property
    def content_hash(self) -> str:
        """The sha256 hex of the model's file."""


def plan(model: Any, subgraph: int, options: Options, *, content_hash: str | None = None) -> Plan:
    """Which nodes of a subgraph litefuse claims, and why not the others; cached.

    `content_hash` identifies a model that is not a file, but a running interpreter's graph, which
    has the shapes that it runs at. BuildError if planning fails.
    """
    cache = open_cache(options)
    key = plan_key(model, subgraph, options, content_hash=content_hash)
    found = _cached_plan(cache, key)
    if found is not None:
        return found
    with cache.lock(key) if cache else nullcontext():
        found = _cached_plan(cache, key) if cache and cache.contains(key) else None
        if found is not None:
            return found
        started = time.perf_counter()
        made: Plan = _compiler(
            f"planning subgraph {subgraph}",
            lambda driver: driver.plan_subgraph(
                model, subgraph, options, {} if content_hash else None
            ),
        )
        if cache:
            _store(cache, key, _sealed(made.to_json()), time.perf_counter() - started)
    return made


def build(
    model: Any, partition: Partition, options: Options, *, content_hash: str | None = None
) -> LoadedImage:
    """The compiled partition, mapped and ready to run; ``origin`` says where it came from.

    Of several processes (or threads) that want the same one, one compiles and the others wait. A
    damaged or unloadable entry is replaced. With `options.dump_ir` the compiler always runs.
    BuildError if the compiler fails (its exception is the cause), LoadError or BuildError if the
    target is not one that this machine runs.
    """
    target = resolve_target(options.target)
    _check_runnable(target)
    cache = open_cache(options)
    key = artifact_key(model, partition, options, content_hash=content_hash)
    fresh = bool(options.dump_ir)
    if cache and not fresh:
        image = _cached_image(cache, key)
        if image is not None:
            return image
    with cache.lock(key) if cache else nullcontext():
        if cache and not fresh and cache.contains(key):
            image = _cached_image(cache, key)  # made while we waited
            if image is not None:
                return image
        miss = cache.explain_miss(key).text if cache else "there is no cache"
        data, seconds = _compile(model, partition, options, target)
        path = _store(cache, key, data, seconds) if cache else None
        image = _load_stored(path, data)
    image.origin = Origin(False, seconds, path, "dump_ir compiles anew" if fresh else miss)
    return image


def build_bytes(
    model: Any, partition: Partition, options: Options, *, content_hash: str | None = None
) -> bytes:
    """The artifact file's bytes, for any target: to save, or to copy to another machine. Cached."""
    cache = open_cache(options)
    target = resolve_target(options.target)
    key = artifact_key(model, partition, options, content_hash=content_hash)
    with cache.lock(key) if cache else nullcontext():
        if cache and not options.dump_ir and (path := cache.get(key)) is not None:
            data = _sound_artifact(path)
            if data is not None:
                return data
            cache.remove(key)
        data, seconds = _compile(model, partition, options, target)
        if cache:
            _store(cache, key, data, seconds)
    return data


def open_cache(options: Options) -> Cache | None:
    """The cache that the options ask for; None if they ask for none.

    CacheError if the given directory cannot be used safely; of the default one that is a warning,
    and None.
    """
    if options.cache_dir == "":
        return None
    try:
        return Cache(options.cache_dir, options.cache_max_bytes)
    except CacheError as error:
        if options.cache_dir is not None:
            raise
        warnings.warn(f"running without a cache: {error}", LitefuseWarning, stacklevel=3)
        return None


def artifact_key(
    model: Any, partition: Partition, options: Options, *, content_hash: str | None = None
) -> CacheKey:
    """What a compiled partition depends on, by name. Threads, profiling and dumps are not in it."""
    inputs = ", ".join(
        f"{index}:{'x'.join(map(str, partition.shapes.get(index, ())))}"
        for index in partition.inputs
    )
    shapes = json.dumps({str(i): list(partition.shapes[i]) for i in sorted(partition.shapes)})
    edges = json.dumps([partition.nodes, partition.inputs, partition.outputs])
    nodes = f"{len(partition.nodes)} nodes of subgraph {partition.subgraph}"
    return CacheKey(
        {
            "model": _model_hash(model, content_hash),
            "partition": f"{nodes} ({_short_digest(edges)})",
            "shapes": f"{inputs} ({_short_digest(shapes)})",
            "target": resolve_target(options.target).name,
            "numerics": options.numerics,
            **_maker(),
        }
    )


def plan_key(
    model: Any, subgraph: int, options: Options, *, content_hash: str | None = None
) -> CacheKey:
    """What a plan depends on, by name."""
    return CacheKey(
        {
            "model": _model_hash(model, content_hash),
            "subgraph": str(subgraph),
            "target": resolve_target(options.target).name,
            "numerics": options.numerics,
            **{name: json.dumps(getattr(options, name)) for name in _PLAN_OPTIONS},
            **_maker(),
        },
        kind="plan",
    )


def _maker() -> dict[str, str]:
    return {
        "litefuse": __version__,
        "compiler": fingerprint.compiler_digest(),
        "llvm": fingerprint.llvm_version(),
        "format": str(FORMAT),
    }


def _model_hash(model: Hashed | Any, given: str | None) -> str:
    if given is not None:
        return given
    found = getattr(model, "content_hash", None)
    text = found() if callable(found) else found
    if not isinstance(text, str) or not text:
        raise BuildError(
            "this model has no content_hash to name its cache entries with; read it with "
            "litefuse.runtime.model.read_model, or give content_hash"
        )
    return text


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_runnable(target: HostTarget) -> None:
    host = host_target()
    if target.arch != host.arch or not target.features <= host.features:
        missing = ", ".join(sorted(target.features - host.features)) or target.arch
        raise BuildError(
            f"code for target {target.name!r} does not run here (this is {host.name}; it lacks "
            f"{missing}); write it to a file with `litefuse compile --target {target.name}` and "
            "run that there"
        )


def _compiler(what: str, call: Callable[[Any], Any]) -> Any:
    """The seam: `call` gets ``litefuse.compiler.driver``; what it raises becomes a BuildError."""
    try:
        from litefuse.compiler import driver

        return call(driver)
    except ImportError as error:
        raise BuildError(
            f"{what}: not in the cache, and the compiler cannot be imported ({error}); install "
            "litefuse with llvmlite and numba here, or bring an artifact compiled elsewhere"
        ) from error
    except BuildError:
        raise
    except Exception as error:
        raise BuildError(f"{what}: {error or type(error).__name__}") from error


def _compile(
    model: Any, partition: Partition, options: Options, target: HostTarget
) -> tuple[bytes, float]:
    """An artifact's bytes, and the seconds that the compiler took."""
    started = time.perf_counter()
    what = f"compiling {len(partition.nodes)} nodes of subgraph {partition.subgraph}"
    data: bytes = _compiler(
        what, lambda driver: driver.compile_partition(model, partition, options, target)
    )
    return data, time.perf_counter() - started


def _cached_image(cache: Cache, key: CacheKey) -> LoadedImage | None:
    path = cache.get(key)
    if path is None:
        return None
    try:
        image = load(path)
    except LoadError as error:
        # Gone (evicted since), damaged, or unsafe: in each case compiling again is the remedy.
        if path.exists():
            warnings.warn(
                f"a cached artifact is made again: {error}", LitefuseWarning, stacklevel=3
            )
            cache.remove(key)
        return None
    image.origin = Origin(True, cache.seconds(key), path, None)
    return image


def _load_stored(path: Path | None, data: bytes) -> LoadedImage:
    """From the cache's file, whose pages processes share; from memory where that fails."""
    if path is not None:
        try:
            return load(path)
        except LoadError as error:
            if path.exists():
                warnings.warn(f"running from memory: {error}", LitefuseWarning, stacklevel=3)
    return load_bytes(data)


def _store(cache: Cache, key: CacheKey, data: bytes, seconds: float) -> Path | None:
    try:
        return cache.put(key, data, seconds=seconds)
    except OSError as error:
        warnings.warn(
            f"could not write to the cache {cache.directory}: {error.strerror or error}; the next "
            "start will compile again",
            LitefuseWarning,
            stacklevel=3,
        )
        return None


def _sound_artifact(path: Path) -> bytes | None:
    from litefuse.runtime.artifact import ArtifactError, parse

    try:
        data = path.read_bytes()
        parse(data)
    except (OSError, ArtifactError):
        return None
    return data


def _sealed(text: str) -> bytes:
    """A plan's text with its checksum: a plan is believed without a compiler to check it."""
    return hashlib.sha256(text.encode()).hexdigest().encode() + b"\n" + text.encode()


def _cached_plan(cache: Cache | None, key: CacheKey) -> Plan | None:
    path = cache.get(key) if cache else None
    if cache is None or path is None:
        return None
    try:
        digest, _, text = path.read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() == digest:
            return Plan.from_json(text)
    except (OSError, ValueError):
        pass  # damaged or gone: planned again, below
    cache.remove(key)
    return None
