"""What one asker lets go of is not what the others need."""

from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from sknoisy._evidence import Evidence
from sknoisy.detection import LabelCommittee


def test_a_committee_of_many_rows_leaves_the_fits_of_others():
    X, y = make_classification(5200, 4, n_informative=3, n_redundant=0, random_state=0)
    evidence = Evidence(X, y, task="classification")
    how = {"cv": 3, "random_state": 0}
    made = evidence.responses(LogisticRegression(), **how)
    LabelCommittee(members="few", random_state=0)._look(evidence)
    assert evidence.responses(LogisticRegression(), **how) is made
    evidence.forget()
    assert evidence.responses(LogisticRegression(), **how) is not made
