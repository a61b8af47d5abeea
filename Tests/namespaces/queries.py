"""The metrics and labels that PromQL expressions name."""

import re

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"[a-zA-Z_:][\w:]*(?!\s*[\w(:])")
_WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset"}


def named(expression):
    """The metrics of an expression with the labels that are asked of each, and the labels that it groups by."""
    text = _STRING.sub('""', expression)
    grouped = {label.strip() for _, labels in _GROUPING.findall(text) for label in labels.split(",") if label.strip()}
    text = _RANGE.sub("", _GROUPING.sub(" ", text))
    metrics = {}
    for name, matchers in _SELECTOR.findall(text):
        metrics.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]", matchers))
    for name in _NAME.findall(_SELECTOR.sub(lambda match: f"{match[1] or ''} ", text)):
        if name not in _WORDS:
            metrics.setdefault(name, set())
    return metrics, grouped
