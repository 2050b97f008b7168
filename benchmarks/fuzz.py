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

from fuzzer import parts, trials  # noqa: E402
from joblib import Parallel, delayed  # noqa: E402


def run(seed, what):
    choose = random.Random(seed).choice
    trial = parts.draw_part(choose) if what == "parts" else trials.draw_trial(choose)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seed, trial, outcome_of(trial)


def outcome_of(trial):
    return parts.run_part(trial) if "part" in trial else trials.run_trial(trial)


def odd_choices(trial):
    """What of a trial is not ordinary."""
    if "part" in trial:
        return {k: v for k, v in trial.items() if k not in ("part", "seed")}
    chosen = trials.tables(trial["task"])
    plain = {name: next(iter(table)) for name, table in chosen.items()}
    odd = {k: v for k, v in trial.items() if k in plain and v != plain[k]}
    return {"who": trial["who"], "detector": trial["detector"], **odd, "rel": trial["relation"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first trial; the next is + 1")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--what", choices=["fits", "parts"], default="fits")
    parser.add_argument("--json", type=Path, help="where to write the faults")
    parser.add_argument("--again", help="one trial, as JSON, its outcome is printed")
    args = parser.parse_args()
    if args.again:
        print(outcome_of(json.loads(args.again)))
        return
    seeds = range(args.seed, args.seed + args.tries)
    start = time.perf_counter()
    done = Parallel(n_jobs=args.jobs)(delayed(run)(seed, args.what) for seed in seeds)
    count = Counter(outcome.kind for _, _, outcome in done)
    kinds = defaultdict(list)
    for seed, trial, outcome in done:
        if outcome.is_fault:
            kinds[outcome.kind, outcome.what, outcome.where].append((seed, trial))
    for (kind, what, where), shown in sorted(kinds.items(), key=lambda item: -len(item[1])):
        seed, trial = shown[0]
        print(f"{len(shown):4d} {kind}: {what} {where and f'[{where}]'}")
        print(f"       seed {seed}: {odd_choices(trial)}")
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
