"""The blocks of docs/metrics.md that are made from what agents tell."""

import os
import re

PATH = os.path.realpath(f"{os.path.dirname(os.path.abspath(__file__))}/../../docs/metrics.md")
REGENERATE = os.environ.get("VTEP_REGENERATE") == "1"


def block(name):
    """What stands between the marks of a block."""
    with open(PATH, encoding="utf-8") as file:
        return _pattern(name).search(file.read())[2]


def replace(name, text):
    """Puts a block into the page."""
    with open(PATH, encoding="utf-8") as file:
        page = file.read()
    with open(PATH, "w", encoding="utf-8") as file:
        file.write(_pattern(name).sub(lambda match: match[1] + text + match[3], page))


def _pattern(name):
    return re.compile(rf"(<!-- metrics: {name} -->\n)(.*?)(<!-- end of {name} -->)", re.DOTALL)


def table(page):
    """Every metric of a page with its kind, its labels and its HELP line."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page.text, re.M))
    rows = ["| metric | kind | labels | |", "|---|---|---|---|"]
    for name, text in re.findall(r"^# HELP (\S+) (.*)$", page.text, re.M):
        labels = sorted(page.labels(name) | page.labels(f"{name}_sum"))
        rows.append(f"| `{name}` | {kinds[name]} | {' '.join(f'`{label}`' for label in labels)} | {text} |")
    return "\n".join(rows) + "\n"


def sample(answers):
    """Commands with what they printed, as a block of code."""
    lines = [line for command, output in answers for line in (f"$ {command}", output.rstrip())]
    return "```\n" + "\n".join(lines) + "\n```\n"
