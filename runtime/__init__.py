"""Everything that runs a model: file format, kernels, artifact, cache, executor, interpreter."""
