"""How far a fit has come, told to scikit-learn's callbacks (`set_callbacks(ProgressBar())`).

scikit-learn has callbacks from 1.9 on. Below that, and where none is set, nothing is told and
nothing costs: the tasks below are then empty.

A fit is a tree of tasks, as scikit-learn has it: rounds of fits lie under the search for suspect
rows, single fits under these, and the last fit is handed on to the model, which may go on telling.

A meta-estimator has `CallbackSupportMixin` (`BaseWrapper` has it) and `with whole_fit(self, X, y)`
around what takes time in its `fit`. Single fits are then told by `fit_each` and `fit_model`.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, NamedTuple

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn below 1.9

    class CallbackSupportMixin:
        """Nothing, and no `set_callbacks`."""

    def with_callbacks(method):
        return method


class Task(NamedTuple):
    """A part of somebody's fit; `hands_on` if models that are fitted in it may go on telling."""

    owner: Any
    context: Any
    hands_on: bool = False

    def begin(self, **given):
        self.context.call_on_fit_task_begin(estimator=self.owner, **given)

    def end(self, **given):
        self.context.call_on_fit_task_end(estimator=self.owner, **given)

    def part(self, name, n_parts=0, hands_on=False):
        """A task under this one; `n_parts` None means that nobody knows how many it will have."""
        context = self.context.subcontext(task_name=name, max_subtasks=n_parts)
        return Task(self.owner, context, hands_on)

    @contextmanager
    def told(self):
        """Begun and ended, also where it fails, for somebody may go on without it."""
        self.begin()
        try:
            yield
        except Exception:
            self.end()
            raise
        self.end()


# What is being fitted at this place of this thread. It is read where fits are planned, never in a
# worker, which is given its own task.
_CURRENT: ContextVar[Task | None] = ContextVar("sknoisy_task", default=None)


@contextmanager
def _under(current):
    token = _CURRENT.set(current)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def whole_fit(estimator, X, y, n_parts=None):
    """Around the body of a `fit`: callbacks of its estimator are told of the tasks within.

    No decorator, since warnings count the calls between themselves and the user's line.
    """
    if not getattr(estimator, "_skl_callbacks", None):
        with _under(None):  # what goes on here is none of an outer estimator's business
            yield
        return
    try:
        task = Task(estimator, estimator._init_callback_context(max_subtasks=n_parts))
        task.begin(X=X, y=y)
        with _under(task):
            yield
        task.end(X=X, y=y)
    finally:
        _tear_down(estimator)


@with_callbacks
def _tear_down(estimator):
    """Nothing itself: the decorator is the public way to end what was begun above."""


@contextmanager
def part_of_fit(name, n_parts=None, *, hands_on=False):
    """A task under the current one, if anybody wants to know.

    Parameters
    ----------
    name : str
    n_parts : int or None
        How many tasks it will have.
    hands_on : bool
        Whether the models that are fitted in it may go on telling.
    """
    above = _CURRENT.get()
    if above is None:
        yield
        return
    task = above.part(name, n_parts, hands_on)
    with _under(task), task.told():
        yield


def last_fit():
    """The part of a fit that leaves the model which predicts."""
    return part_of_fit("last fit", hands_on=True)


@contextmanager
def fit_of(model, name="single fit", *, hands_on=False):
    """A task for the fit of one model in this process; it has no other tasks than the model's own.

    Those are told in parts that hand on, or if `hands_on`; a bar for each of many rounds would be
    too much.
    """
    above = _CURRENT.get()
    if above is None:
        yield
        return
    task = above.part(name)
    handed_on = nullcontext()
    if (hands_on or above.hands_on) and hasattr(model, "set_callbacks"):
        handed_on = task.context.propagate_callback_context(model)
    with handed_on, task.told(), _under(None):
        yield


@contextmanager
def planned_fits(n_fits):
    """A task for each of some fits that may run anywhere; None for each if nobody asks."""
    above = _CURRENT.get()
    if above is None or n_fits == 0:
        yield [None] * n_fits
        return
    task = above.part("fits", n_fits)
    with task.told():
        yield [task.part("single fit") for _ in range(n_fits)]


@contextmanager
def taking_the_place_of(other, estimator):
    """While `estimator` is fitted for `other`, its tasks lie where those of `other` would."""
    place = getattr(other, "_parent_callback_ctx", None)
    if place is None:
        yield
        return
    estimator._parent_callback_ctx = place
    try:
        yield
    finally:
        del estimator._parent_callback_ctx


@contextmanager
def one_fit(task):
    """A fit that was planned."""
    with _under(None), nullcontext() if task is None else task.told():
        yield
