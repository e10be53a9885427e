"""One pass a file; `litefuse.passes.pipeline` lists them in order."""
