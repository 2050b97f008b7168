"""The command line."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import traceback

from sknoisy._audit._errors import AuditError, UsageError, harmless, one_line

DESCRIPTION = """\
Find the rows of a table whose target (a label or a number) is probably wrong.

A model predicts the target of each row from the other columns, without having seen that row. Rows
that the model contradicts with confidence are flagged. Without FILE, real data that come with
scikit-learn get wrong targets on purpose, and it is measured how many of them are found.
"""
EPILOG = """\
examples:
  python -m sknoisy audit data.csv --target label
  python -m sknoisy audit data.csv.gz --target price --drop id,url --out verdicts.csv
  python -m sknoisy audit data.parquet --target label --model forest --worst 30
  python -m sknoisy audit data.csv --target label --proba out_of_sample.parquet
  python -m sknoisy audit data.csv --target label --report report.html
  python -m sknoisy audit 'data/*.parquet' --target label --engine dask --jobs 4 --out verdicts
  python -m sknoisy audit --compare verdicts_may.csv verdicts_june.csv
  python -m sknoisy audit --task regression
"""
PRINTED = "-"  # --json without a name
FOR_A_FILE = (
    "target",
    "drop",
    "groups",
    "weight",
    "trusted",
    "sep",
    "decimal",
    "missing",
    "encoding",
    "proba",
)


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one line."""

    def error(self, message):
        raise UsageError(f"{one_line(message)} (see {self.prog} --help)")


def whole_number(least, most=2**31):
    """Reader of an option: an int, or an error that says which ones there may be."""

    def read(text):
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            which = f"of {least} or more"
            if number is not None and number > most:
                which = f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number {which}")
        return number

    return read


def share_or_auto(text):
    if text == "auto":
        return text
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 0.5:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor a share from 0 to 0.5")
    return share


def separator(text):
    text = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(text) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character (or tab)")
    return text


def make_parser():
    import sknoisy

    parser = Parser(prog="sknoisy", description=sknoisy.__doc__)
    parser.add_argument("--version", action="version", version=f"sknoisy {sknoisy.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    audit = commands.add_parser(
        "audit",
        help="find the rows of a table whose target is probably wrong",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = audit.add_argument
    add(
        "file",
        nargs="?",
        metavar="FILE",
        help="CSV (.gz, .bz2, .xz; .tsv) or Parquet; with --engine dask a folder of such files, "
        "or a pattern such as 'data/*.parquet'",
    )
    add("--target", "--label", metavar="COLUMN", help="column to judge; needed with FILE")
    add("--task", choices=["classification", "regression"], help="labels or numbers; else guessed")
    add(
        "--drop",
        action="append",
        metavar="COLUMNS",
        help="leave columns out: names or patterns such as lf_*, separated by commas",
    )
    add("--groups", metavar="COLUMN", help="rows that belong together, judged by the others")
    add("--weight", metavar="COLUMN", help="weights of the rows")
    add("--trusted", metavar="COLUMN", help="yes/no: rows known to be right, never flagged")
    add(
        "--model",
        default="auto",
        metavar="NAME",
        help="boosting, forest, linear, logistic, ridge, tree, knn, or any scikit-learn class; "
        "else chosen: boosting, a forest for few rows or many classes, linear for texts",
    )
    add(
        "--detector",
        metavar="NAME",
        help="class of sknoisy.detection; default: "
        "ConfidentLearning for labels, Residual for numbers",
    )
    add(
        "--proba",
        metavar="FILE",
        help="CSV or Parquet with predictions by models of your own that have not seen the row, in "
        "the order of the rows: a column for each class, called like it, or one of numbers; then "
        "no model is fitted",
    )
    add(
        "--contamination",
        default="auto",
        type=share_or_auto,
        metavar="SHARE",
        help="share of rows to flag, from 0 to 0.5; default: auto, the detector's own rule",
    )
    add("--cv", type=whole_number(2), metavar="N", help="folds; default: 5, out-of-bag for forests")
    add(
        "--engine",
        choices=["memory", "dask"],
        default="memory",
        help="dask: files that are more than memory holds, in pieces of rows, each judged "
        "by models that learnt from others, so rows should be in no order; --jobs workers, or "
        "those at DASK_SCHEDULER_ADDRESS; --model linear (default), boosting (xgboost or "
        "lightgbm) or a scikit-learn class with partial_fit; --out names a folder",
    )
    add("--jobs", type=whole_number(1), default=1, metavar="N", help="fits at a time; default: 1")
    add("--seed", type=whole_number(0), default=0, metavar="N", help="of all that is random")
    add(
        "--worst",
        type=whole_number(0),
        default=10,
        metavar="N",
        help="rows to show; default: 10, and 20 on the page",
    )
    add(
        "--out",
        metavar="FILE",
        help="write the verdict on every row: .csv, .csv.gz, .tsv, "
        ".parquet; text that a spreadsheet would run as a formula gets a leading apostrophe",
    )
    add("--report", metavar="FILE.html", help="write a page for people (needs jinja2)")
    add(
        "--json",
        nargs="?",
        const=PRINTED,
        metavar="FILE.json",
        help="print all that was found as JSON, and nothing else; or write it to FILE.json",
    )
    add(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="set two files of --out side by side, in place of an audit",
    )
    add("--sep", type=separator, metavar="CHAR", help="separator of columns; default: found out")
    add(
        "--decimal",
        choices=[".", ","],
        metavar="MARK",
        help="the point or comma that is decimal where cells such as 1,234 do not tell",
    )
    add(
        "--missing",
        action="append",
        metavar="TEXT",
        help="text that means no value, also in the target; in columns of numbers ?, n/a, unknown "
        "and the like always do",
    )
    add(
        "--encoding",
        metavar="NAME",
        help="of a CSV file; default: that of its byte order mark, utf-8, or else cp1252",
    )
    add("--debug", action="store_true", help="show where an error comes from")
    return parser


def main(argv=None):
    """Run the command line; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):  # what the terminal cannot show is no error
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = make_parser().parse_args(argv)
        _give_back_file(options)
        _audit(options)
        sys.stdout.flush()
        return 0
    except AuditError as error:
        code, message, trace = error.exit_code, str(error), traceback.format_exc()
    except KeyboardInterrupt:
        code, message, trace = 130, "interrupted", traceback.format_exc()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        code, message = 1, f"{type(error).__name__}: {error} (--debug shows where)"
        trace = traceback.format_exc()
    if "--debug" in argv:
        print(harmless(trace), file=sys.stderr)
    print(f"sknoisy: {one_line(message).removesuffix('.')}", file=sys.stderr)
    return code


def _give_back_file(options):
    """``--json data.csv``: what does not end in .json is the file to read, not one to write."""
    name = options.json
    if name in (None, PRINTED) or name.lower().endswith(".json"):
        return
    if options.file is not None:
        raise UsageError(f"--json {name}: the name must end in .json")
    options.file, options.json = name, PRINTED


def _audit(options):
    # imported here, so that --help and wrong options are quick
    from sknoisy._audit._demo import audit_bundled
    from sknoisy._audit._print import describe_next
    from sknoisy._audit._run import audit_file, noise_report_of
    from sknoisy._audit._write import (
        MOST_ON_PAGE,
        check_out,
        check_page,
        verdicts,
        write,
        write_page,
    )

    width = max(60, shutil.get_terminal_size((100, 24)).columns)
    if options.engine == "dask":
        from sknoisy._audit.by_partition import audit_by_partition, describe, report_of

        summary = audit_by_partition(options)
        if options.report is not None:
            write_page("--report", report_of(summary).to_html(), options.report)
        for line in describe(summary, options, width):
            print(harmless(line))
        return
    if options.compare is not None:
        from sknoisy._audit._compare import compare

        if options.file is not None:
            raise UsageError("--compare reads two files of verdicts, and takes no other file.")
        others = [name for name in ("out", "report", "json") if getattr(options, name)]
        if others:
            raise UsageError(f"--compare prints text, and has no --{others[0]}.")
        for line in compare(*options.compare, width):
            print(harmless(line))
        return
    out = None if options.out is None else check_out(options.out, options.file)
    to_json = None if options.json == PRINTED else options.json
    if options.report is not None:
        check_page("--report", options.report, options.file)
    if to_json is not None:
        check_page("--json", to_json, options.file)
    if options.file is None:
        for name in FOR_A_FILE:
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} is for a file: give FILE, too.")
        result, measured = audit_bundled(options)
    else:
        result, measured = audit_file(options.file, options), []
    if out is not None:  # first of all, since a reader such as head may close the output
        write(verdicts(result.n_rows, result.target, result.report), out)
    if options.report is not None or options.json:
        found = noise_report_of(result, max(MOST_ON_PAGE, options.worst))
        if options.report is not None:
            write_page("--report", found.to_html(), options.report)
        if options.json:
            text = json.dumps(found.to_dict(), ensure_ascii=True)
            if to_json is None:
                print(text)
                return
            write_page("--json", text, to_json)
    lines = [*_found(result, options, width), *measured]
    if out is not None:
        lines += ["", f"The verdict on each of the {result.n_rows} rows is in {options.out}."]
    if options.report is not None:
        lines += ["", f"The report for people is in {options.report}: open it in a browser."]
    if to_json is not None:
        lines += ["", f"The same for programs is in {to_json}."]
    lines += ["", *describe_next(result, options.out)]
    for line in lines:
        print(harmless(line))


def _found(result, options, width):
    from sknoisy._audit import _print as p
    from sknoisy._audit._worst import describe_worst

    rule = f"the rule of {type(result.detector).__name__}"
    if options.contamination != "auto":
        rule = f"--contamination {options.contamination:g}"
    parts = [
        p.describe_input(result, width),
        p.describe_first(result, width),
        p.describe_rate(result.report, rule),
    ]
    if result.target.task == "classification":
        labels = result.detector.classes_
        parts.append(p.describe_labels(result.report, labels, width))
    else:
        parts.append(p.describe_numbers(result.report))
    if options.worst:
        parts.append(describe_worst(result, options.worst, width, options.seed))
    return "\n\n".join("\n".join(part) for part in parts if part).split("\n")
