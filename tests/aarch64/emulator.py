"""Python for 64-bit Arm under qemu: set up once, then run with the core of one's choice.

``python -m tests.aarch64.emulator [pytest's arguments]`` runs tests there by hand, on a core with
everything that a target asks for; without arguments, those of the generated kernels.

The emulated system is made by ``../shared/tools/aarch64.sh`` (packages of the distribution and of
the package index for the other architecture, so it takes root and a network) in build/aarch64; what
its Python lacks for running our tests goes beside it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from tests.conftest import ROOT, SHARED

# A core that has what the target promises and, as far as there is one, no more.
CORES = {"aarch64": "cortex-a72", "aarch64-dotprod": "neoverse-n1", "aarch64-i8mm": "max,sme=off"}
EVERYTHING = CORES["aarch64-i8mm"]
# A rescaling is drawn sixty times for each of its forms: one target's are enough for an emulator.
KERNEL_TESTS = (
    "tests/codegen/families", "tests/codegen/test_entries.py", "tests/codegen/test_mbqm.py",
    "-k", "not test_each_form_is_exact or i8mm",
)  # fmt: skip
# What the emulated Python needs for the tests beyond what the script installs.
TEST_WHEELS = (
    "pytest",
    "hypothesis",
    "click",
    "rich",
    "platformdirs",
    "filelock",
    "filecheck",
    "pyelftools",
)
SETUP_SECONDS = 420
_MANYLINUX = ("17", "27", "28", "31", "34", "35")


class Unavailable(RuntimeError):
    """The emulator cannot be had here; the text says why."""


class Emulator:
    """An emulated CPython with NumPy, llvmlite, Numba and LiteRT, and the checkout importable."""

    def __init__(self, folder: Path = ROOT / "build" / "aarch64") -> None:
        self.folder = folder
        self.script = SHARED / "tools" / "aarch64.sh"
        self.extra = folder / "site-tests"

    def python(
        self,
        *words: str,
        core: str = EVERYTHING,
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
        cwd: Path = ROOT,
    ) -> subprocess.CompletedProcess[str]:
        """Run the emulated interpreter; never raises for what it returns."""
        variables = {
            **os.environ,
            "AARCH64_DIR": str(self.folder),
            "QCPU": core,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{self.extra}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **(env or {}),
        }
        return subprocess.run(
            ["bash", str(self.script), "python", *words],
            env=variables, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def ready(self) -> str:
        """Why the emulated Python does not work yet; empty if it does."""
        if not (self.folder / "site").is_dir() or not self.extra.is_dir():
            return "it is not set up"
        imports = "import numpy, llvmlite, ai_edge_litert, pytest, hypothesis, elftools, platform"
        try:
            done = self.python("-c", f"{imports}; print(platform.machine())", timeout=120)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        return "" if done.stdout.strip() == "aarch64" else _last_line(done.stderr)

    def prepare(self) -> None:
        """Set up whatever is missing; Unavailable if that cannot be done. One process at a time."""
        reason = impossible()
        if reason:
            raise Unavailable(reason)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.folder}.lock"):
            if not self.ready():
                return
            try:
                if not (self.folder / "site" / "llvmlite").is_dir() or not shutil.which(
                    "qemu-aarch64"
                ):
                    self._set_up_system()
                self._add_test_packages()
            except (OSError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
                raise Unavailable(f"setting up emulated aarch64 failed: {error}") from error
            reason = self.ready()
            if reason:
                raise Unavailable(f"emulated aarch64 does not start: {reason}")

    def _set_up_system(self) -> None:
        words = ["bash", str(self.script), "setup", str(self.folder)]
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=SETUP_SECONDS, cwd=ROOT, check=False
        )
        if done.returncode:
            raise Unavailable(f"aarch64.sh setup failed: {_last_line(done.stderr)}")

    def _add_test_packages(self) -> None:
        wheels = self.folder / "wheels-tests"
        wheels.mkdir(parents=True, exist_ok=True)
        tags = [word for n in _MANYLINUX for word in ("--platform", f"manylinux_2_{n}_aarch64")]
        words = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", *tags,
            "--platform", "manylinux2014_aarch64", "-d", str(wheels), *TEST_WHEELS,
        ]  # fmt: skip
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=SETUP_SECONDS, check=False
        )
        if done.returncode:
            raise Unavailable(f"pip cannot get aarch64 wheels: {_last_line(done.stderr)}")
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(self.extra)


def impossible() -> str:
    """Why there can be no emulator here, found without trying; empty if there may be one."""
    if os.environ.get("LITEFUSE_AARCH64") == "0":
        return "LITEFUSE_AARCH64=0 switches emulated aarch64 off"
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return f"emulated aarch64 is for x86-64 Linux; this is {platform.machine()} {sys.platform}"
    if not (SHARED / "tools" / "aarch64.sh").is_file():
        return "no tools/aarch64.sh in a shared folder beside the checkout"
    if os.geteuid() != 0:
        return "emulated aarch64 takes root: packages of another architecture, and a mount"
    needed = [tool for tool in ("bash", "apt-get", "dpkg", "unshare") if not shutil.which(tool)]
    return f"emulated aarch64 needs {', '.join(needed)}" if needed else ""


def pytest_words(*arguments: str) -> list[str]:
    """The words that run tests in the emulated Python, quickly."""
    return [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.aarch64.profile",
        *arguments,
    ]


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def main(arguments: list[str]) -> int:
    """Run tests under emulation and show what pytest says; its exit status."""
    emulator = Emulator()
    try:
        emulator.prepare()
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    words = pytest_words(*(arguments or KERNEL_TESTS))
    done = emulator.python(*words, env={"HYPOTHESIS_PROFILE": "emulated"}, timeout=3600)
    print(done.stdout, done.stderr, sep="\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
