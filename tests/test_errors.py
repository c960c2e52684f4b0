"""Errors: each is of simlab and of the kind that a caller would catch; texts are in full."""

import pickle
import sys
import types

import pytest
from hypothesis import given, strategies as st

from simlab import errors
from simlab._require import require
from simlab.errors import ChoiceError, MissingExtraError, SimlabError, SimlabWarning

KINDS = {
    "ChoiceError": ValueError,
    "ShapeError": ValueError,
    "DataError": ValueError,
    "MissingExtraError": ImportError,
    "CacheError": OSError,
    "RankError": RuntimeError,
}


@pytest.mark.parametrize(("name", "builtin"), KINDS.items())
def test_every_error_is_of_simlab_and_of_a_built_in_kind(name, builtin):
    assert issubclass(getattr(errors, name), (SimlabError,))
    assert issubclass(getattr(errors, name), (builtin,))


def test_the_tree_in_the_documentation_is_complete():
    there = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }

    assert there == {*KINDS, "SimlabError", "SimlabWarning"}
    assert all(name in errors.__doc__ for name in there)


def test_the_warning_is_no_error():
    assert issubclass(SimlabWarning, UserWarning)
    assert not issubclass(SimlabWarning, SimlabError)


@pytest.mark.parametrize(
    ("given_name", "text"),
    [
        (
            "tripplet",
            "loss must be one of 'supcon', 'triplet'; got 'tripplet'. Did you mean 'triplet'?",
        ),
        ("zzz", "loss must be one of 'supcon', 'triplet'; got 'zzz'"),
        (3, "loss must be one of 'supcon', 'triplet'; got 3"),
        (None, "loss must be one of 'supcon', 'triplet'; got None"),
    ],
)
def test_a_wrong_choice_names_the_choices_and_guesses(given_name, text):
    assert str(ChoiceError.of("loss", given_name, ["triplet", "supcon"])) == text


@given(st.text(), st.sets(st.text(min_size=1), min_size=1))
def test_a_wrong_choice_carries_what_was_given_and_all_choices_sorted(wrong, choices):
    error = ChoiceError.of("thing", wrong, choices)

    assert (error.given, error.choices) == (wrong, tuple(sorted(choices)))


def test_errors_survive_pickling_as_those_of_worker_processes_do():
    error = pickle.loads(pickle.dumps(ChoiceError.of("loss", "a", ["b"])))  # noqa: S301 (its own)

    assert (str(error), error.choices) == ("loss must be one of 'b'; got 'a'", ("b",))


# -- missing packages -----------------------------------------------------------------------


def test_a_missing_package_names_the_reason_and_the_extra():
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_package.part", extra="text", reason="counting words")

    assert str(caught.value) == (
        'counting words needs no_such_package.part; install it with: pip install "simlab[text]"'
    )


def test_a_package_that_is_there_but_misses_another_tells_the_truth(monkeypatch, tmp_path):
    (tmp_path / "half_installed.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="'no_such_package'") as caught:
        require("half_installed", extra="text", reason="counting")
    assert not isinstance(caught.value, MissingExtraError)


def test_a_package_that_is_there_is_returned(monkeypatch):
    there = types.ModuleType("surely_there")
    monkeypatch.setitem(sys.modules, "surely_there", there)

    assert require("surely_there", extra="text", reason="counting") is there
