"""Calls in one process and in several: the same results in the same order, warnings and errors."""

import os
import signal
import threading
import time
import warnings

import pytest

from gymskel.parallel import choose_pool, map_as_completed, map_in_order, silence_joblib


def described(number):
    if number < 0:
        raise KeyError(f"{number} is negative")
    time.sleep(0.05 * (number == 0))  # the first is ready last
    warnings.warn(f"{number % 2} is left", RuntimeWarning, stacklevel=1)
    return number**2, os.getpid()


@pytest.mark.parametrize("workers", [1, 2, pytest.param(5, marks=pytest.mark.slow)])
def test_results_in_order_and_warnings(workers):
    with pytest.warns(RuntimeWarning) as caught:
        made = list(map_in_order(described, range(4), workers))
    assert [square for square, _ in made] == [0, 1, 4, 9]
    assert {str(entry.message) for entry in caught} == {"0 is left", "1 is left"}
    assert (os.getpid() in {pid for _, pid in made}) == (workers == 1)


def test_functions_of_a_notebook():
    threshold = 3
    assert list(map_in_order(lambda number: number < threshold, [2, 3], 2)) == [True, False]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_goes_wrong_is_raised(workers):
    with pytest.raises(KeyError, match="-1 is negative"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        list(map_in_order(described, [1, -1, 2], workers))


def test_one_process_does_nothing_ahead():
    done = []
    work = map_in_order(done.append, [1, 2, 3])
    assert done == []
    next(work)
    assert done == [1]


@pytest.mark.slow
def test_stopping_half_way_stops_the_others(tmp_path, monkeypatch):
    """Silently, also while a result comes in: loky gives out work within that moment, and does not find it any more."""
    from joblib.externals.loky.process_executor import _ExecutorManagerThread

    take = _ExecutorManagerThread.process_result_item

    def take_slowly(thread, result):
        take(thread, result)
        time.sleep(0.3)

    def leave_a_trace(number):
        time.sleep(0.2 * bool(number))
        (tmp_path / str(number)).touch()

    monkeypatch.setattr(_ExecutorManagerThread, "process_result_item", take_slowly)
    work = map_in_order(leave_a_trace, range(50), 2)
    next(work)
    work.close()
    monkeypatch.undo()
    time.sleep(1)
    assert len(list(tmp_path.iterdir())) < 10
    assert list(map_in_order(lambda number: number + 1, [4, 5], 2)) == [5, 6]  # and others can work again


@pytest.mark.parametrize(
    "name, fault, told",
    [
        ("ExecutorManagerThread", KeyError(4), 0),
        ("ExecutorManagerThread", OSError(), 1),
        ("own", KeyError(4), 1),
    ],
)
def test_threads_that_end_by_an_error_are_told_of(monkeypatch, name, fault, told):
    def work():
        raise fault

    heard = []
    monkeypatch.setattr(threading, "excepthook", heard.append)
    silence_joblib()
    silence_joblib()
    thread = threading.Thread(target=work, name=name)
    thread.start()
    thread.join()
    assert len(heard) == told


KEPT = []


def keep(number):
    """400 MB more each time but the first: loky then takes another process, and says so."""
    KEPT.append(b"x" * (400_000_000 * bool(KEPT)))
    time.sleep(1.1)  # it looks once a second
    return number


@pytest.mark.slow
def test_a_process_that_grows_is_replaced():
    """In silence: where warnings are errors, as here, loky's would end the thread that waits for the results."""

    def give_up(*_):
        raise TimeoutError("hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(90)
    try:
        assert list(map_in_order(keep, range(8), 2)) == list(range(8))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, None, "2"])
def test_no_number_of_processes(workers):
    with pytest.raises(ValueError, match=f"`workers` .*got {workers!r}"):
        map_in_order(described, [1, 2], workers)


# --- calls that may end their process ---------------------------------------------------------------------


def end_if_negative(number):
    if number < 0:
        os._exit(1)
    warnings.warn(f"{number}", RuntimeWarning, stacklevel=1)
    return number, os.getpid()


def test_a_call_that_ends_its_process_costs_no_other_result():
    pool = choose_pool(2, 3)
    results = map_as_completed(
        end_if_negative,
        [1, -1, 2],
        pool,
        is_begun=lambda number: number < 0,
        on_crash=lambda number, error: (number, type(error).__name__),
    )
    with pytest.warns(RuntimeWarning) as caught:
        made = dict(results)
    assert sorted(made) == [-1, 1, 2] and "Terminated" in made[-1]
    assert os.getpid() not in made.values()
    assert {str(entry.message) for entry in caught} >= {"1", "2"}


def test_where_calls_are_made():
    import joblib

    assert choose_pool(1, 9) is choose_pool(4, 1) is choose_pool(None, 9) is None
    assert choose_pool(4, 3)().n_jobs == 3
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert choose_pool(None, 9)().n_jobs == 2
        assert choose_pool(1, 9) is None
    with joblib.parallel_config(backend="threading", n_jobs=1):
        assert choose_pool(None, 9) is None
