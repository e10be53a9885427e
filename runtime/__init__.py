"""Everything that runs a model: file format, kernels, artifact, cache, loader, executor, interpreter, LiteRT bridge."""
