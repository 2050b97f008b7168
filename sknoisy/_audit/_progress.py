"""How far the work is: counted fits, and a bar on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

from sklearn.base import BaseEstimator, TransformerMixin


class FitLog(TransformerMixin, BaseEstimator):
    """First step of a Pipeline, which passes X on and notes each fit and prediction in a file.

    A file, since fits may run in other processes.

    Parameters
    ----------
    path : str or None
        One letter is appended for each event: f for a fit, p for a prediction.
    """

    def __init__(self, path=None):
        self.path = path

    def fit(self, X, y=None):
        self._note(b"f")
        return self

    def fit_transform(self, X, y=None):
        self._note(b"f")
        return X

    def transform(self, X):
        self._note(b"p")
        return X

    def _note(self, event):
        if self.path is not None:
            with open(self.path, "ab", buffering=0) as file:
                file.write(event)

    def __sklearn_is_fitted__(self):
        return True


def count_fits(path):
    """(fits begun, predictions begun)."""
    with open(path, "rb") as file:
        events = file.read()
    return events.count(b"f"), events.count(b"p")


class Progress:
    """A line on stderr that says what is being done; nothing where that is no terminal.

    Parameters
    ----------
    label : str
    total : int or None
        Expected number of fits.
    path : str or None
        File of a `FitLog`.
    """

    def __init__(self, label, total=None, path=None):
        self.label, self.total, self.path = label, total, path
        self._done = threading.Event()
        self._thread = None

    def __enter__(self):
        if sys.stderr is not None and sys.stderr.isatty():
            self._start = time.monotonic()
            self._thread = threading.Thread(target=self._draw_until_done, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error):
        if self._thread is not None:
            self._done.set()
            self._thread.join()
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _draw_until_done(self):
        while True:
            width = shutil.get_terminal_size().columns
            sys.stderr.write("\r\033[K" + self._line()[: width - 1])
            sys.stderr.flush()
            if self._done.wait(0.2):
                return

    def _line(self):
        seconds = f"{time.monotonic() - self._start:.0f} s"
        if self.path is None or not os.path.exists(self.path):
            return f"{self.label}  {seconds}"
        fits, predictions = count_fits(self.path)
        if self.total is None:
            return f"{self.label}  {fits} fits, {seconds}"
        done = min(max(predictions, fits - 1), self.total)
        filled = 20 * done // self.total
        bar = "#" * filled + "-" * (20 - filled)
        return f"{self.label}  [{bar}] {done} of {self.total} fits, {seconds}"
