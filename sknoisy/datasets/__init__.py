"""Noise with known truth: make labels, numbers or features wrong, and know where.

Functions of noise take clean data and a `rate`, and return two things: the noisy data, in the
container it came in, and a boolean mask of what is wrong. `rate` always is the expected share of
all rows (of all cells in :func:`gross_noise` and :func:`swap_noise`) whose value really is changed.
:func:`group_noise` takes a rate for each group, and :func:`dilute` adds noisy rows to clean ones.
Nothing given to a function is changed in place, and the same seed with the same data gives the
same noise. :func:`make_spurious` makes data of its own, in which nothing is wrong and a feature
misleads in some of the rows.
"""

from sknoisy.datasets._annotators import dissenting_noise
from sknoisy.datasets._confusions import confusion_noise, instance_noise
from sknoisy.datasets._dilution import dilute
from sknoisy.datasets._features import feature_noise, gross_noise, open_set_noise, swap_noise
from sknoisy.datasets._groups import group_noise
from sknoisy.datasets._labels import (
    boundary_noise,
    one_way_noise,
    pair_noise,
    region_noise,
    symmetric_noise,
    transition_noise,
)
from sknoisy.datasets._numbers import (
    decimal_noise,
    heavy_tail_noise,
    one_sided_noise,
    outlier_noise,
    shuffle_noise,
    spread_noise,
)
from sknoisy.datasets._spurious import make_spurious

__all__ = [
    "boundary_noise",
    "confusion_noise",
    "decimal_noise",
    "dilute",
    "dissenting_noise",
    "feature_noise",
    "gross_noise",
    "group_noise",
    "heavy_tail_noise",
    "instance_noise",
    "make_spurious",
    "one_sided_noise",
    "one_way_noise",
    "open_set_noise",
    "outlier_noise",
    "pair_noise",
    "region_noise",
    "shuffle_noise",
    "spread_noise",
    "swap_noise",
    "symmetric_noise",
    "transition_noise",
]
