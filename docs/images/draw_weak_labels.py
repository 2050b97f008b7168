"""Draws weak_labels.svg: what y looks like, for each kind of labels.

python docs/images/draw_weak_labels.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

COLORS = {"a": "#7fb3d5", "b": "#f5b971", "c": "#9bc995"}
TRUTH = "aabbcc"
KINDS = {
    # title: (class, columns of y from the left, a blank for no answer; what is marked, by column)
    "Answers of a crowd": ("CrowdClassifier", ["aabbc ", "a bac ", " abbcc", "ccbbbc"], {}),
    "Labelling functions": ("WeaklySupervisedClassifier", ["aa  a ", "  b   ", "  bbcc"], {}),
    "Only some positives": ("ElkanNotoClassifier", ["a a   "], {}),
    "Candidate sets": ("PartialLabelClassifier", ["aa  a ", " bbb  ", "  c cc"], {}),
    "Rows without a label": ("SoftPseudoLabelClassifier", ["a  b c"], {}),
    "Several columns": ("MultiLabelClassifier", ["aabbcc", "ababab", "ccaac "], {}),
    "A few trusted rows": ("TrustedWeightClassifier", ["acbbac"], {0: {0: "✓", 2: "✓", 5: "✓"}}),
    "Known bad rows": ("CorrectiveUnlearningClassifier", ["aabbaa"], {0: {4: "✗"}}),
    "Which is taken for which": ("TransitionClassifier", ["acbbca"], {}),
}
NOTES = {  # what stands below the columns
    "Answers of a crowd": "annotators",
    "Labelling functions": "functions",
    "Only some positives": "y",
    "Candidate sets": "classes",
    "Rows without a label": "y",
    "Several columns": "questions",
    "A few trusted rows": "y",
    "Known bad rows": "y",
    "Which is taken for which": "y",
}
MATRIX = [[0.7, 0.0, 0.3], [0.0, 1.0, 0.0], [0.3, 0.0, 0.7]]


def cell(axis, x, y, label, mark=None):
    blank = label == " "
    color = "white" if blank else COLORS[label]
    axis.add_patch(plt.Rectangle((x, y), 0.9, 0.9, facecolor=color, edgecolor="0.6", linewidth=0.6))
    if not blank:
        axis.text(x + 0.45, y + 0.5, label, ha="center", va="center", fontsize=8)
    if mark:
        axis.text(x + 1.0, y + 0.5, mark, ha="left", va="center", fontsize=9)


def matrix(axis, left):
    axis.text(left + 1.4, 4.2, "P(given | true)", ha="center", va="top", fontsize=7, color="0.4")
    for i, row in enumerate(MATRIX):
        for j, share in enumerate(row):
            shade = str(1 - 0.5 * share)
            axis.add_patch(plt.Rectangle((left + j, i + 1), 0.9, 0.9, facecolor=shade))
            axis.text(
                left + j + 0.45, i + 1.5, f"{share:.1f}", ha="center", va="center", fontsize=7
            )
    for k, label in enumerate("abc"):
        for x, y in [(left + k + 0.45, 0.5), (left - 0.4, k + 1.5)]:
            axis.text(x, y, label, ha="center", va="center", fontsize=7)


def draw(axis, title):
    name, columns, marks = KINDS[title]
    one_truth = title != "Several columns"
    truth = "aaabbb" if title == "Only some positives" else TRUTH
    left = 2 if one_truth else 0
    for row, label in enumerate(truth):
        if one_truth:
            cell(axis, 0, row, label)
        for j, column in enumerate(columns):
            cell(axis, left + j, row, column[row], marks.get(j, {}).get(row))
    if one_truth:
        axis.text(0.45, 6.2, "truth", ha="center", va="top", fontsize=7, color="0.4")
    middle = left + (len(columns) - 0.1) / 2
    axis.text(middle, 6.2, NOTES[title], ha="center", va="top", fontsize=7, color="0.4")
    if name == "TransitionClassifier":
        matrix(axis, 4.5)
    axis.set(xlim=(-0.3, 8), ylim=(8.2, -0.4), aspect="equal")
    axis.set_title(title, fontsize=9, loc="left", fontweight="bold")
    axis.text(0, 7.3, name, fontsize=8, family="monospace", va="top")
    axis.axis("off")


def main():
    plt.rcParams["svg.hashsalt"] = "sknoisy"  # the same file each time
    figure, axes = plt.subplots(3, 3, figsize=(7, 7.8), layout="constrained")
    assert np.size(axes) == len(KINDS)
    for axis, title in zip(axes.flat, KINDS, strict=True):
        draw(axis, title)
    to = Path(__file__).with_name("weak_labels.svg")
    figure.savefig(to, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
