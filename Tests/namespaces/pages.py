"""The pages of the documentation, and the screens between marks in them."""

import os
import re

_BLOCK = re.compile(r"<!-- screen: (\S+) -->\n(.*?)<!-- end of screen -->", re.DOTALL)
_JSON_KEY = re.compile(r'"([a-z][a-z-]*)":')
_LABEL = re.compile(r"^ *([A-Za-z][A-Za-z -]*):( |$)")
_WORDS = re.compile(r"\b(level|message|event)=(\"[^\"]*\"|\S+)")


def paths(root):
    """Every page, relative to the root of the tree."""
    found = [each for each in os.listdir(root) if each.endswith(".md")]
    for folder, _, names in os.walk(os.path.join(root, "docs")):
        found += [os.path.relpath(os.path.join(folder, each), root) for each in names if each.endswith(".md")]
    return sorted(found)


def shown(root):
    """By name of the screen, the pages that show it, each with what it shows."""
    screens = {}
    for path in paths(root):
        for name, text in _BLOCK.findall(_read(root, path)):
            screens.setdefault(name, {})[path] = text
    return screens


def write(root, path, name, text):
    """Puts a screen into a page."""
    def block(match):
        return match[0] if match[1] != name else f"<!-- screen: {name} -->\n{fenced(text)}<!-- end of screen -->"
    page = _BLOCK.sub(block, _read(root, path))
    with open(os.path.join(root, path), "w", encoding="utf-8") as file:
        file.write(page)


def fenced(text):
    """A screen as a page has it."""
    return f"```\n{text.rstrip()}\n```\n"


def shape(text):
    """What stays the same from run to run: the commands, the columns of tables, the names of values and of JSON."""
    seen = []
    for line in text.splitlines():
        if line.startswith(("$ ", "```")):
            seen.append(line)
        elif re.fullmatch(r"[A-Z][A-Z0-9/-]*( +[A-Z][A-Z0-9/-]*)+", line):
            seen.append(line.split())
        else:
            names = _JSON_KEY.findall(line) or [match[1] for match in [_LABEL.match(line)] if match] or [
                match[0] for match in _WORDS.findall(line)]
            # Rows of one kind are as many as there are.
            if names and (not seen or seen[-1] != sorted(set(names))):
                seen.append(sorted(set(names)))
    return seen


def _read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()
