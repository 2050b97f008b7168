"""The same on Dask collections, which may be larger than the memory of a machine.

Needs `pip install "sknoisy[dask]"`.
"""

from sknoisy.dask._filter import DaskFilterClassifier, DaskFilterRegressor

__all__ = ["DaskFilterClassifier", "DaskFilterRegressor"]
