"""Try odd inputs on everything, count results that are silently wrong and errors from inside.

    python benchmarks/fuzz.py --tries 5000 --seed 0 --jobs 1 --json faults.json

Each fault is written with the trial that shows it; `--again '{"task": ...}'` runs one again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(ROOT / "tests"))

from fuzzer import trials  # noqa: E402
from joblib import Parallel, delayed  # noqa: E402


def draw(seed):
    return trials.draw_trial(random.Random(seed).choice)


def run(seed):
    trial = draw(seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = trials.run_trial(trial)
    return seed, trial, outcome, time.perf_counter() - start


def odd_choices(trial):
    chosen = trials.tables(trial["task"])
    plain = {name: next(iter(table)) for name, table in chosen.items()}
    return {k: v for k, v in trial.items() if k in plain and v != plain[k]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first trial; the next is + 1")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the faults")
    parser.add_argument("--again", help="one trial, as JSON, its outcome is printed")
    args = parser.parse_args()
    if args.again:
        print(trials.run_trial(json.loads(args.again)))
        return
    seeds = range(args.seed, args.seed + args.tries)
    start = time.perf_counter()
    done = Parallel(n_jobs=args.jobs)(delayed(run)(seed) for seed in seeds)
    count = Counter(outcome.kind for _, _, outcome, _ in done)
    kinds = defaultdict(list)
    for seed, trial, outcome, _ in done:
        if outcome.is_fault:
            kinds[outcome.kind, outcome.what, outcome.where].append((seed, trial))
    for (kind, what, where), shown in sorted(kinds.items(), key=lambda item: -len(item[1])):
        seed, trial = shown[0]
        who = "/".join(filter(None, [trial["who"], trial["detector"]]))
        print(f"{len(shown):4d} {kind}: {what} {where and f'[{where}]'}")
        print(f"       seed {seed}: {who} {odd_choices(trial)} {trial['relation']}")
    took = time.perf_counter() - start
    print(
        f"{len(done)} tried in {took:.0f} s: {count['right']} right, {count['refused']} refused, "
        f"{count['skipped']} skipped, {count['silent']} silent, {count['unclear']} unclear "
        f"({len(kinds)} kinds)"
    )
    if args.json:
        faults = [
            {"kind": k, "what": w, "where": at, "seed": seed, "trial": trial}
            for (k, w, at), shown in kinds.items()
            for seed, trial in shown
        ]
        args.json.write_text(json.dumps({"count": count, "faults": faults}, indent=1))


if __name__ == "__main__":
    main()
