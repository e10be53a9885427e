"""Custom ops that LiteRT, its delegates or MediaPipe define, by custom code."""

from __future__ import annotations

from litefuse.runtime.kernels.custom.registry import CUSTOM_KERNELS

__all__ = ["CUSTOM_KERNELS"]
