"""A pytest plugin (``-p tests.aarch64.profile``): few examples, since emulation is slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "emulated",
    max_examples=4,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
