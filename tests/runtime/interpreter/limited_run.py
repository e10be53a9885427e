"""A child of `test_odd`: open, allocate, feed and run models, within limits of memory and time.

Reads jobs from standard input, a JSON list of {"model", "values" (.npz by input name; zeros for the
others), "space" (bytes of address space beyond what the imports took), "seconds" (of processor
time), "resolver"}. Each runs in a fork of its own. Prints one line of JSON a job: how far it came,
the error and how much memory it took, or what it was killed by.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from litefuse.runtime.interpreter import Interpreter, OpResolverType


def attempt(path: str, fed: dict[str, Any], resolver: str) -> dict[str, Any]:
    """Runs the model; {"stage", "error" (type, text) or None}."""
    stage = "open"
    try:
        interpreter = Interpreter(path, experimental_op_resolver_type=OpResolverType[resolver])
        stage = "allocate"
        interpreter.allocate_tensors()
        stage = "feed"
        for details in interpreter.get_input_details():
            if details["name"] in fed:
                value = fed[details["name"]]
            elif details["dtype"] is np.bytes_:
                value = np.full(details["shape"], b"0", object)
            else:
                value = np.zeros(details["shape"], details["dtype"])
            interpreter.set_tensor(details["index"], value)
        stage = "run"
        interpreter.invoke()
        stage = "read"
        for details in interpreter.get_output_details():
            interpreter.get_tensor(details["index"])
    except Exception as error:
        return {"stage": stage, "error": [type(error).__name__, str(error)]}
    return {"stage": "done", "error": None}


def limited(job: dict[str, Any]) -> dict[str, Any]:
    """Sets this process's limits and makes the attempt."""
    with np.load(job["values"]) as stored:
        fed = dict(stored)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = mapped + job["space"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (job["seconds"], job["seconds"]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = attempt(job["model"], fed, job["resolver"])
    found["kilobytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return found


def forked(job: dict[str, Any]) -> dict[str, Any]:
    """What a child that takes the job says."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.write(write, json.dumps(limited(job)).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(text) if text else {"killed": status}
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for each in json.load(sys.stdin):
        print(json.dumps(forked(each)), flush=True)
