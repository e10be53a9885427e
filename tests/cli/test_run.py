"""`litefuse run`: arrays in and out."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from litefuse.cli import digits
from litefuse.cli.run import command, load_arrays, save_arrays

DETAILS = [
    {"name": "a", "dtype": np.float32, "shape": np.array([2])},
    {"name": "b", "dtype": np.int8, "shape": np.array([3])},
]
A, B = np.float32([1, 2]), np.int8([1, 2, 3])


def run(*words: str | Path) -> Result:
    done = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done


def test_an_npz_gives_arrays_by_name_or_by_place(tmp_path: Path) -> None:
    np.savez(tmp_path / "named.npz", b=B, a=A)
    np.savez(tmp_path / "placed.npz", in1=B, in0=A)
    for name in ("named.npz", "placed.npz"):
        a, b = load_arrays([tmp_path / name], DETAILS)
        assert np.array_equal(a, A)
        assert np.array_equal(b, B)


def test_npy_files_come_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", A)
    np.save(tmp_path / "y.npy", B)
    a, b = load_arrays([tmp_path / "x.npy", tmp_path / "y.npy"], DETAILS)
    assert np.array_equal(a, A)
    assert np.array_equal(b, B)


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    np.savez(tmp_path / "few.npz", a=A)
    with pytest.raises(click.BadParameter, match=r"few.npz has no array 'b' \(or in1\); it has a"):
        load_arrays([tmp_path / "few.npz"], DETAILS)
    np.save(tmp_path / "x.npy", A)
    with pytest.raises(click.BadParameter, match="1 arrays for 2 inputs"):
        load_arrays([tmp_path / "x.npy"], DETAILS)
    with pytest.raises(click.BadParameter, match="input 'b' wants int8, the array holds float32"):
        load_arrays([tmp_path / "x.npy", tmp_path / "x.npy"], DETAILS)
    with pytest.raises(click.BadParameter, match=r"write 2 outputs to an \.npz"):
        save_arrays(tmp_path / "x.npy", {"a": A, "b": B})


@pytest.mark.parametrize("where", ["plain", "reference", "own", "litefuse"])
def test_it_reads_a_digit_and_writes_the_scores(tmp_path: Path, where: str) -> None:
    held_out = digits.held_out()
    np.save(tmp_path / "x.npy", digits.as_input(held_out.images[:1], np.int8))
    model = digits.model_path("int8")
    run(model, tmp_path / "x.npy", "--in", where, "-o", tmp_path / "y.npz")
    with np.load(tmp_path / "y.npz") as archive:
        scores = archive["digit"]
    assert scores.shape == (1, 10)
    assert scores.dtype == np.int8
    assert scores.argmax() == held_out.labels[0]


def test_random_inputs_repeat_by_seed() -> None:
    model = digits.model_path("float32")
    one, again, other = (
        run(model, "--random", "--seed", seed, "--in", "plain", "--json").output
        for seed in ("1", "1", "2")
    )
    assert one == again != other
    (scores,) = json.loads(one).values()
    assert scores["shape"] == [1, 10]
    assert sum(scores["values"][0]) == pytest.approx(1, abs=1e-5)


def test_arrays_or_random_is_a_choice() -> None:
    with pytest.raises(click.UsageError, match="one of the two"):
        run(digits.model_path("int8"))


def test_outputs_of_any_name_are_written(tmp_path: Path) -> None:
    """NumPy's own functions would take some of these names for arguments."""
    named = {"file": A, "allow_pickle": B, "a/b:0": A}
    save_arrays(tmp_path / "y.npz", named)
    with np.load(tmp_path / "y.npz") as archive:
        assert sorted(archive.files) == sorted(named)
        for name, array in named.items():
            np.testing.assert_array_equal(archive[name], array)
