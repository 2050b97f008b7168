"""The audit of files that are more than memory holds, by a Dask engine."""

from sknoisy._audit.by_partition._page import report_of
from sknoisy._audit.by_partition._print import describe
from sknoisy._audit.by_partition._run import audit_by_partition

__all__ = ["audit_by_partition", "describe", "report_of"]
