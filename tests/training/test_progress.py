"""Who is told of a training hears of every epoch; who asks to stop, and ■, keep the best head."""

import importlib
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simlab.encoders import embed
from simlab.errors import SimlabError
from simlab.space import score
from simlab.training import Run


class Listener:
    """Writes down what it is told; asks to stop after an epoch."""

    def __init__(self, until=None):
        self.told, self.until = [], until

    @property
    def asks_to_stop(self):
        return self.until is not None and ("epoch", self.until) in self.told

    def start(self, name, epochs, *, metric, refits):
        self.told.append(("start", name, epochs, metric, refits))

    def epoch(self, row, advice):
        self.told.append(("epoch", row["epoch"]))
        self.row, self.advice = row, advice

    def end(self, *, best_epoch, finished):
        self.told.append(("end", best_epoch, finished))


def weights(run):
    return {name: tensor.numpy() for name, tensor in run.head.state_dict().items()}


def rate(run, items):
    return score(embed(items, run, cache=False, progress=False)).value("map@r")


@pytest.fixture
def parts(blobs):
    return blobs().with_column("split", np.tile(["train"] * 5 + ["val"] * 3, 10))


# -- who is told ----------------------------------------------------------------------------


def test_a_listener_hears_of_every_epoch(parts, learn):
    listener = Listener()
    run = learn(parts, epochs=2, progress=listener)

    assert listener.told == [
        ("start", "supcon on pixels", 2, "val_map@r", False),
        *(("epoch", epoch) for epoch in range(3)),
        ("end", run.best_epoch, True),
    ]


def test_a_listener_hears_the_rows_of_the_history(parts, learn):
    listener = Listener()
    run = learn(parts, epochs=2, progress=listener)

    assert listener.row == run.history.iloc[-1].to_dict()


def test_a_listener_hears_advice(digits, learn):
    listener = Listener()
    run = learn(digits, lr=1e-9, epochs=4, progress=listener)

    assert listener.advice == [str(one) for one in run.health.advice] != []


def test_a_refit_is_told_as_a_second_training(blobs, learn):
    listener = Listener()
    run = learn(blobs(), epochs=3, lr=1e-2, progress=listener)
    starts = [told for told in listener.told if told[0] == "start"]

    assert [told[1:] for told in starts] == [
        ("supcon on pixels", 3, "val_map@r", False),
        ("supcon on pixels", run.best_epoch, None, True),
    ]


@pytest.mark.parametrize("wrong", [1, "bar", object()])
def test_what_cannot_be_told_is_refused(blobs, learn, wrong):
    with pytest.raises(TypeError, match="progress must be True, False or something") as caught:
        learn(blobs(), progress=wrong)
    assert isinstance(caught.value, SimlabError)


def test_who_asks_to_stop_gets_the_best_weights_so_far(parts, learn):
    listener = Listener(until=2)
    run = learn(parts, epochs=9, progress=listener, refit=False)
    two = learn(parts, epochs=9, refit=False, progress=Listener(until=2))

    assert (run.finished, run.history["epoch"].tolist()) == (False, [0, 1, 2])
    assert listener.told[-1] == ("end", run.best_epoch, False)
    assert all(np.array_equal(weights(run)[name], weights(two)[name]) for name in weights(run))


def test_a_training_in_a_thread_can_be_stopped(parts, learn):
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(learn, parts, epochs=9, progress=Listener(until=1)).result()

    assert not run.finished


# -- the stop button of the notebook --------------------------------------------------------


def interrupting(monkeypatch, owner, name, *, at=1):
    """Send the signal of the stop button when a function is called for the `at`-th time."""
    real, calls = getattr(owner, name), []

    def interrupted(*given, **options):
        calls.append(name)
        if len(calls) == at:
            signal.raise_signal(signal.SIGINT)
        return real(*given, **options)

    monkeypatch.setattr(owner, name, interrupted)


MOMENTS = {
    "in validation": ("simlab.training._module", "retrieval_rates", 9),
    "in the measuring of health": ("simlab.training._watch", "hubness", 3),
    "in the noting of an epoch": ("simlab.training._callbacks", "deepcopy", 2),
    "in the noting of the loss": ("simlab.training._callbacks", "state_of", 2),
    "in the making of the history": ("simlab.training._learn", "_learned", 1),
    "in the scores": ("simlab.training._fit", "_scores", 1),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interruption_at_any_moment_gives_a_run(parts, learn, monkeypatch, moment):
    owner, name, at = MOMENTS[moment]
    interrupting(monkeypatch, importlib.import_module(owner), name, at=at)
    run = learn(parts, epochs=6, lr=1e-2, batch_size=32)
    rates = run.history.set_index("epoch")["val_map@r"]

    assert isinstance(run, Run)
    assert not run.finished
    assert rate(run, parts.where(split="val")) == pytest.approx(rates[run.best_epoch], abs=1e-6)


def test_an_interrupted_refit_tells_the_end(blobs, learn, monkeypatch):
    listener = Listener()
    real = listener.start

    def start(*given, **how):
        real(*given, **how)
        if how["refits"]:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(listener, "start", start)
    run = learn(blobs(), epochs=3, lr=1e-2, progress=listener)

    assert (run.finished, run.refitted) == (False, False)
    assert listener.told[-1][0] == "end"
    assert listener.told[-1][2] is False
