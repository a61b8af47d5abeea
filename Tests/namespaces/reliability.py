"""docs/reliability.md: the table of faults with how its tests ended and what they measured, from the results of a run.

`scripts/reliability` runs it. The results are a folder: what pytest left there (`figures.py`), `unit.log` of the Swift
tests, and `soak.json`, the report of a soak.
"""

import argparse
import collections
import datetime
import glob
import json
import os
import platform
import re
import subprocess
import sys

import faults

_SWIFT_ENDED = re.compile(r'Test "(rows? (\d+(?:, \d+)*): .*)" (?:with \d+ test cases? )?(passed|failed) after')
_SWIFT_FIGURE = re.compile(r"^figure: row (\d+): (.*)$", re.MULTILINE)

Ended = collections.namedtuple("Ended", "test outcome figures")


class Results:
    """What the folder of a run has, by row."""

    def __init__(self, folder):
        self.by_row, self.scales, self.soak = collections.defaultdict(list), set(), None
        for path in sorted(glob.glob(f"{folder}/pytest-*.json")):
            self._read_pytest(path)
        for path in sorted(glob.glob(f"{folder}/unit*.log")):
            self._read_swift(path)
        if os.path.exists(f"{folder}/soak.json"):
            with open(f"{folder}/soak.json", encoding="utf-8") as file:
                self.soak = json.load(file)

    def _read_pytest(self, path):
        with open(path, encoding="utf-8") as file:
            run = json.load(file)
        self.scales.add(run["scale"])
        for each in run["tests"]:
            ended = Ended(each["test"].rpartition("::")[2], each["outcome"], each["figures"])
            of_row = self.by_row[faults.row_of(each["test"])]
            # What was run twice is one test, which has failed if it did once.
            before = next((other for other in of_row if other.test == ended.test), None)
            if before is not None and before.outcome != "failed":
                of_row.remove(before)
            if before is None or before.outcome != "failed":
                of_row.append(ended)

    def _read_swift(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            log = file.read()
        ended = {name: (numbers, outcome) for name, numbers, outcome in _SWIFT_ENDED.findall(log)}
        for name, (numbers, outcome) in ended.items():
            for number in map(int, numbers.split(", ")):
                self.by_row[number].append(Ended(name.partition(": ")[2], outcome, []))
        for number, text in _SWIFT_FIGURE.findall(log):
            self.by_row[int(number)].append(Ended("", "passed", [text]))

    def outcome(self, row):
        """`passed`, `failed`, `skipped` or, where nothing of the row was run, `not run`."""
        outcomes = {each.outcome for each in self.by_row[row]}
        return next((word for word in ("failed", "passed", "skipped") if word in outcomes), "not run")

    def count(self, row):
        """How many tests there were, each case of one counted."""
        return sum(bool(each.test) for each in self.by_row[row])

    def figures(self, row):
        """What was measured, the cases of the test in front of it: all of them, or how many."""
        cases = collections.defaultdict(list)
        for each in self.by_row[row]:
            case = re.search(r"\[(.*)\]$", each.test)
            for text in each.figures:
                cases[text] += [case[1]] if case else []
        return [_with_cases(text, of) for text, of in cases.items()]


def _with_cases(text, cases):
    if not cases or text.startswith(tuple(cases)):
        return text
    return f"{', '.join(cases) if len(cases) <= 4 else f'{len(cases)} cases'}: {text}"


def bad(results, listed):
    """What keeps a page from being one of a good run."""
    return [f"row {row['row']}: {results.outcome(row['row'])}" for row in listed
            if not row.get("untested") and results.outcome(row["row"]) != "passed"]


def page(results, listed, now):
    """The page."""
    return "\n".join([*_head(results, now), *_table(results, listed), *_figures(results, listed), *_soak(results.soak)])


def _head(results, now):
    git = ["git", "-C", faults.ROOT]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no", "--", "Sources", "Tests"],
                             capture_output=True, text=True).stdout.strip()
    scale = " and ".join(sorted(results.scales)) or "unknown"
    return [
        "# Reliability", "",
        "<!-- Made by scripts/reliability from the results of a run: change Tests/faults.json or the tests. -->", "",
        "What may go wrong or be done to an agent, what it then does, and what was measured. Every row is a test or "
        "several,", "named after its number: `test_fault_row_NN_…` in [Tests/namespaces](../Tests/namespaces), "
        "`row N: …` in the Swift tests.", "",
        f"Commit {commit or 'unknown'}{' with changes' if changed else ''}, {now:%Y-%m-%d}; {os.cpu_count()} cores, "
        f"Linux {platform.release()}; scale: {scale}.",
        "`scripts/test --full` runs the figures at their full scale and writes this page anew.", ""]


def _table(results, listed):
    lines = ["| # | Threat or fault | What the agent does | Tests | Outcome |", "|---:|---|---|---:|---|"]
    for row in listed:
        if row.get("untested"):
            lines.append(f"| {row['row']} | {row['threat']} | {row['rule']} | none | {row['untested']} |")
        else:
            lines.append(f"| {row['row']} | {row['threat']} | {row['rule']} | {results.count(row['row'])} | "
                         f"{results.outcome(row['row'])} |")
    return [*lines, ""]


def _figures(results, listed):
    lines = ["## Figures", "", "What the tests of this run noted. The case of a test that has several comes first.", ""]
    for row in listed:
        noted = results.figures(row["row"])
        if noted:
            lines += [f"**{row['row']}. {row['threat']}**", "", *(f"* {text}" for text in noted), ""]
    return lines


def _soak(report):
    if report is None:
        return []
    lines = ["## Soak", "", f"`scripts/soak`, {report['date'][:10]}: {report['minutes']} minutes, of which the first "
             f"{report['warm-minutes']:g} warm up, seed {report['seed']}. Keys live {report['key-seconds']} s.", "",
             f"* {sum(report['faults'].values())} faults: "
             + ", ".join(f"{count} × {name}" for name, count in report["faults"].items()),
             f"* after a fault frames of every flow pass again after {report['back-seconds']['median']} s (median), "
             f"{report['back-seconds']['largest']} s at most",
             f"* {report['reloads']} reloads, {report['refused-reloads']} more that are refused; "
             f"{report['tcp-transfers']} TCP transfers whole, none broken without a fault; "
             f"{report['datagrams']['arrived']:,} of {report['datagrams']['sent']:,} datagrams, faults included",
             f"* {report['underlay']['datagrams']:,} datagrams captured on the underlay: "
             f"{report['underlay']['in-clear']} in clear that should be sealed, "
             f"{sum(report['underlay']['findings'].values())} errors that `vtep verify` finds",
             "* dropped, each under a name that its fault may have: "
             + ", ".join(f"{reason} {count:,}" for reason, count in report["drops"].items()), "",
             "| Agent | Processes | RSS, MiB | Growth after warming up, MiB | MiB an hour | Descriptors | Threads |",
             "|---|---:|---|---:|---:|---|---|"]
    for name, each in report["agents"].items():
        resident = "–".join(f"{kib / 1024:.1f}" for kib in each["rss-kib"])
        counts = [" or ".join(str(one) for many in each[kind] for one in many) for kind in ("descriptors", "threads")]
        lines.append(f"| {name} | {each['processes']} | {resident} | {each['growth-mib']} | "
                     f"{each['slope-mib-per-hour']} | {counts[0]} | {counts[1]} |")
    verdict = "Everything held." if not report["wrong"] else f"WRONG: {'; '.join(report['wrong'])}"
    return [*lines, "", "Growth and slope are of the last process of each agent: h1 is never killed, the others are. A "
            "process that took", "over from another holds two descriptors more. " + verdict, ""]


def main():
    """0; 1 where a row has no test, was not run or failed."""
    parser = argparse.ArgumentParser(prog="scripts/reliability", description="The page of the faults, from a test run.")
    parser.add_argument("results", help="the folder with the results of the run")
    parser.add_argument("--out", default=f"{faults.ROOT}/.build/reliability.md", help="where the page goes")
    given = parser.parse_args()
    listed, results = faults.rows(), Results(given.results)
    with open(given.out, "w", encoding="utf-8") as file:
        file.write(page(results, listed, datetime.datetime.now(datetime.timezone.utc)))
    missing = faults.without_a_test(listed, faults.tests())
    wrong = bad(results, listed) + [f"in the list of rows: {missing}"] * any(missing)
    for each in wrong:
        print(each)
    tested = sum(results.outcome(row["row"]) == "passed" for row in listed)
    print(f"{given.out}: {tested} of {len(listed)} rows passed, {sum(bool(row.get('untested')) for row in listed)} "
          f"cannot be tested here, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
