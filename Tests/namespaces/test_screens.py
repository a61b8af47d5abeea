"""The screens that the pages show are of the shape that the commands print now; `scripts/screens` makes them anew."""

import os
import re

import pytest

import pages
import screens

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOWN = pages.shown(ROOT)


@pytest.mark.parametrize("name", sorted(screens.SCREENS))
def test_a_screen_of_a_page_has_the_shape_of_what_is_printed_now(name):
    assert name in SHOWN, f"no page shows the screen {name}"
    fresh = pages.shape(pages.fenced(screens.made(name)))
    for page, text in SHOWN[name].items():
        assert pages.shape(text) == fresh, f"{page} shows another {name} than is printed now: scripts/screens {name}"


def test_every_screen_of_a_page_is_one_that_the_script_makes():
    assert set(SHOWN) <= set(screens.SCREENS)


def test_no_screen_has_a_path_of_this_machine():
    for name, places in SHOWN.items():
        for page, text in places.items():
            assert not re.search(r"/(tmp|home|root)/|vtn-", text), f"{page}: {name}"


def test_the_shape_changes_with_a_column_a_name_or_a_command_and_not_with_values():
    table = "$ vtep fdb\nVNI  MAC\n 42  02:00:00:00:00:01\n"
    assert pages.shape(table) == pages.shape(table.replace("42", "7").replace(":01", ":02"))
    for before, after in (("MAC", "MACS"), ("VNI", "TAP"), ("fdb", "peers")):
        assert pages.shape(table) != pages.shape(table.replace(before, after))
    labels, document = "$ vtep status\nvtep: 0.1.0\n  pid: 7\n", '$ vtep top -j\n{"drops":[],"peers":[]}\n'
    assert pages.shape(labels) != pages.shape(labels.replace("pid", "process"))
    assert pages.shape(labels) == pages.shape(labels.replace("7", "8"))
    assert pages.shape(document) != pages.shape(document.replace("peers", "others"))
