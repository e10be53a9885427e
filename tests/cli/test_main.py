"""The command line as a whole: help without imports, one-line errors, exit statuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from litefuse.cli import COMMANDS


def litefuse(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a fresh process."""
    line = [sys.executable, "-m", "litefuse", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys, litefuse.cli as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: pass\n"
        "loaded = [m for m in sys.modules if m.startswith('litefuse.') and m != 'litefuse.cli']\n"
        "print('loaded:', loaded, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert done.stdout.strip().endswith("loaded: [] False")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str) -> None:
    done = litefuse(name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: litefuse {name}")


def test_each_command_is_one_file() -> None:
    import litefuse.cli

    here = Path(litefuse.cli.__file__).parent
    for name in COMMANDS:
        assert (here / f"{name}.py").is_file()


def test_version() -> None:
    import litefuse as package

    done = litefuse("--version")
    assert done.returncode == 0
    assert package.__version__ in done.stdout


def test_a_malformed_model_is_one_line_and_status_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(b"not a model at all, but long enough to have a header")
    done = litefuse("inspect", path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("litefuse: error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" in litefuse("inspect", path, "--debug").stderr


def test_an_unknown_option_lists_the_valid_ones() -> None:
    from litefuse.cli import digits

    done = litefuse("explain", digits.model_path("int8"), "-O", "deny_opps=ADD")
    assert done.returncode == 2
    assert "did you mean 'deny_ops'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("nope",), "No such command 'nope'"),
        (("run",), "Missing argument 'MODEL'"),
        (("inspect", "absent.tflite"), "absent.tflite"),
        (("cache", "list", "--cache-dir", "/proc/nope"), "cannot be used"),
    ],
)
def test_usage_errors_are_one_line(words: tuple[str, ...], text: str) -> None:
    done = litefuse(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("litefuse: error: ")
    assert done.stderr.count("\n") == 1
    assert text in done.stderr


def test_a_bug_is_called_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import litefuse.cli

    def broken(words: list[str], **_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(litefuse.cli.cli, "main", broken)
    with pytest.raises(SystemExit) as ended:
        litefuse.cli.main(["inspect"])
    assert ended.value.code == litefuse.cli.STATUS_BUG
    assert "internal error: KeyError: 'x'. This is a bug" in capsys.readouterr().err
