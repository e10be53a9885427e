"""Which module holds which custom op; read lazily, like the table of builtins."""

from __future__ import annotations

from litefuse.runtime.kernels.registry import KernelTable

# One line a module.  A module's `KERNELS` tuple holds exactly the ops named here.
MODULES: dict[str, tuple[str, ...]] = {
    "custom.audio_spectrogram": ("AudioSpectrogram",),
    "custom.detection_postprocess": ("TFLite_Detection_PostProcess",),
    "custom.max_pool_argmax": ("MaxPoolingWithArgmax2D",),
    "custom.max_unpool": ("MaxUnpooling2D",),
    "custom.mfcc": ("Mfcc",),
    "custom.transpose_conv_bias": ("Convolution2DTransposeBias",),
}

CUSTOM_KERNELS = KernelTable(MODULES)
