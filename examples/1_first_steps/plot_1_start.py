"""
Start in five minutes
=====================

Every fifth training label is made wrong. A wrapper around an ordinary classifier finds most of
them, and drops them while it is fitted.
"""

# %%
# The data are real, the mistakes are put in, so that we know which rows are wrong. Test labels
# stay right.

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sknoisy.datasets import symmetric_noise

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
y_noisy, wrong = symmetric_noise(y_train, rate=0.2, random_state=0)
print(f"{wrong.sum()} of {len(wrong)} training labels are wrong")

# %%
# Wrap the model. Nothing else changes: it is still a step of a pipeline, with `fit` and `predict`.
# Left alone, the tree itself judges the rows. A better judge is a logistic regression.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sknoisy import FilterClassifier
from sknoisy.detection import ConfidentLearning

tree = DecisionTreeClassifier(random_state=0)
judge = ConfidentLearning(LogisticRegression(C=0.1), bounded=True)
models = {
    "plain tree": tree,
    "filtered, judged by itself": FilterClassifier(tree, random_state=0),
    "filtered, better judge": FilterClassifier(tree, judge, random_state=0),
}
for name, model in models.items():
    cleaned = make_pipeline(StandardScaler(), model).fit(X_train, y_noisy)
    print(f"{name:27} accuracy {cleaned.score(X_test, y_test):.3f}")

# %%
# What did the last one drop? The report is a DataFrame, worst row first.

report = cleaned[-1].noise_report(X_train, y_noisy)
print(report[["row", "given", "suggested", "probability"]].head())

# %%
# A good picture to begin with is the histogram of the scores. The rows that are really wrong
# (outlined) and the ones that were flagged are mostly the same. Some right rows went, too, and
# some wrong ones are left.

found = cleaned[-1].noise_mask_
print(f"dropped {found.sum()}, of which {wrong[found].sum()} are wrong ({wrong.sum()} in all)")

import matplotlib.pyplot as plt

from sknoisy.inspection import NoiseScoreDisplay

display = NoiseScoreDisplay.from_estimator(cleaned[-1], mask_true=wrong)
display.ax_.set_title("Training rows by how suspect they are")
plt.show()
