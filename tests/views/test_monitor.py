"""The monitor as state: what trainings tell it, what it sends to the page, what it keeps."""

import pytest

import simlab as sl
from simlab.training import fit
from simlab.training._progress import Progress
from simlab.views import Monitor
from simlab.views._monitor import _MOST_SAVED


@pytest.fixture
def monitor(monkeypatch):
    """A monitor whose messages to the page are kept in `.sent`."""
    made = Monitor()
    made.sent = []
    monkeypatch.setattr(made, "send", lambda message, *_: made.sent.append(message))
    return made


def row(epoch, value=0.5, loss=1.0):
    return {"epoch": epoch, "loss": loss, "val_map@r": value, "seconds": float(epoch)}


def train(monitor, values, *, name="supcon", finished=True):
    monitor.start(name, len(values), metric="val_map@r", refits=False)
    for epoch, value in enumerate(values):
        monitor.epoch(row(epoch, value), [])
    best = max(range(len(values)), key=values.__getitem__)
    monitor.end(best_epoch=best, finished=finished)


def sent_rows(monitor, at=0):
    return [row for message in monitor.sent if message["at"] == at for row in message["rows"]]


@pytest.fixture
def run(items, counting):
    """A function that trains on twelve arrays."""

    def trained(progress, **options):
        how = {"epochs": 4, "val": 0, "cache": False, "batch_size": 12, "per_class": 4}
        return fit(items, counting, progress=progress, **how | options)

    return trained


def test_a_monitor_and_its_named_form_are_what_training_tells():
    assert isinstance(Monitor(), Progress)
    assert isinstance(Monitor().named("one"), Progress)


def test_a_training_is_kept_epoch_by_epoch(monitor, run):
    told = run(monitor)
    [kept] = monitor.runs

    assert kept["name"] == told.name
    assert [one[0] for one in kept["rows"]] == told.history["epoch"].tolist()
    assert [one[1] for one in kept["rows"]][1:] == told.history["loss"].tolist()[1:]
    assert (kept["best"], kept["state"], kept["metric"]) == (4, "done", None)


def test_what_json_cannot_hold_is_left_out(monitor, run):
    run(monitor)

    assert monitor.runs[0]["rows"][0][1] is None


def test_several_trainings_are_kept_with_names_of_their_own(monitor, run):
    for _ in range(3):
        run(monitor)
    run(monitor.named("small steps"), lr=1e-5)
    names = [kept["name"] for kept in monitor.runs]

    assert names == [f"supcon on counting{end}" for end in ("", " (2)", " (3)")] + ["small steps"]


def test_each_epoch_is_sent_once(monitor):
    train(monitor, [0.1, 0.3, 0.2])
    train(monitor, [0.4, 0.5])

    assert [one[0] for one in sent_rows(monitor)] == [0, 1, 2]
    assert [one[0] for one in sent_rows(monitor, at=1)] == [0, 1]


def test_many_epochs_in_a_moment_are_sent_together(monitor):
    train(monitor, [0.1] * 500)

    assert len(monitor.sent) < 10
    assert len(sent_rows(monitor)) == 500


def test_epochs_far_apart_are_sent_at_once(monitor, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr("simlab.views._monitor.time.monotonic", lambda: next(clock))
    train(monitor, [0.1, 0.2, 0.3])

    assert [len(message["rows"]) for message in monitor.sent] == [0, 1, 1, 1, 0]


def test_a_view_that_opens_in_the_middle_gets_all_epochs_so_far(monitor):
    monitor.start("supcon", 9, metric="val_map@r", refits=False)
    for epoch in range(4):
        monitor.epoch(row(epoch), [])
    [kept] = monitor.get_state()["runs"]

    assert ([one[0] for one in kept["rows"]], kept["state"]) == ([0, 1, 2, 3], "runs")


def test_the_best_epoch_so_far_is_marked(monitor):
    monitor.start("supcon", 9, metric="val_map@r", refits=False)
    for epoch, value in enumerate([0.1, 0.4, 0.4, 0.3]):
        monitor.epoch(row(epoch, value), [])

    assert monitor.get_state()["runs"][0]["best"] == 1


def test_a_refit_belongs_to_the_run_before(monitor):
    digits = sl.load("striped-digits")[:400].split(by="item")
    told = fit(digits, sl.encoder("pixels"), epochs=3, cache=False, progress=monitor)
    [kept] = monitor.runs

    assert told.refitted
    assert kept["state"] == "done"
    assert kept["refit"] == kept["best"] == told.best_epoch
    assert len(kept["rows"]) == len(told.history)


def test_advice_is_shown_while_training_goes_on(monitor):
    monitor.start("supcon", 9, metric=None, refits=False)
    monitor.epoch(row(0), [])
    monitor.epoch(row(1), ["The space has collapsed."])

    assert monitor.get_state()["runs"][0]["advice"] == ["The space has collapsed."]


def test_the_saved_form_of_very_many_epochs_is_thinned(monitor):
    train(monitor, [*([0.1] * 5000), 0.9, *([0.1] * 4998)])
    epochs = [one[0] for one in monitor.runs[0]["rows"]]

    assert len(epochs) <= _MOST_SAVED + 2
    assert {0, 5000, 9998} <= set(epochs)


# -- the button -----------------------------------------------------------------------------


def press(monitor):
    """Do what a message of the page does."""
    monitor._handle_custom_msg({"kind": "stop"}, [])


def test_the_button_asks_to_stop_and_says_that_it_was_heard(monitor):
    train(monitor, [0.1])
    press(monitor)

    assert monitor.asks_to_stop
    assert monitor.named("one").asks_to_stop
    assert monitor.sent[-1] == {"kind": "stopping"}


def test_a_button_that_was_pressed_too_late_stops_no_later_training(monitor, run):
    press(monitor)

    assert run(monitor).finished


def test_other_messages_are_not_for_the_button(monitor):
    monitor._handle_custom_msg({"kind": "else"}, [])
    monitor._handle_custom_msg("stop", [])

    assert not monitor.asks_to_stop


def test_the_button_ends_a_training_with_its_best_weights(monitor, run, monkeypatch):
    tell = monitor.epoch

    def pressed(told, advice):
        tell(told, advice)
        if told["epoch"] == 2:
            press(monitor)

    monkeypatch.setattr(monitor, "epoch", pressed)
    told = run(monitor, epochs=50)

    assert (told.finished, told.best_epoch) == (False, 2)
    assert monitor.runs[0]["state"] == "stopped"


def test_an_error_ends_the_training_on_the_monitor_too(monitor, run):
    def broken(*_):
        raise ArithmeticError("no such number")

    with pytest.raises(ArithmeticError):
        run(monitor, loss=broken)
    assert monitor.runs[0]["state"] == "stopped"


# -- how it shows itself --------------------------------------------------------------------


def test_a_monitor_says_what_it_holds(monitor):
    assert repr(monitor).startswith("Monitor of 0 runs;")
    train(monitor, [0.1])
    assert repr(monitor).startswith("Monitor of 1 run;")


def test_a_table_stands_in_for_curves_without_a_widget(monitor):
    train(monitor, [0.1, 0.25], name="<b>")
    shown = monitor._repr_html_()

    assert "&lt;b&gt;" in shown
    assert "0.250" in shown


def test_an_empty_monitor_shows_an_empty_table(monitor):
    assert "<table>" in monitor._repr_html_()


def test_a_report_holds_the_curves(monitor, tmp_path):
    train(monitor, [0.1, 0.25], name="my run")
    text = sl.report(monitor, to=tmp_path / "report.html").read_text("utf-8")

    assert "my run" in text
    assert "[1,1.0,0.25,1.0]" in text
