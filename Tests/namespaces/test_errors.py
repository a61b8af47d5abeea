"""What commands say when something is wrong: every one of them names the matter and what to do next."""

import os
import re

import pytest

from agent import vtep

ASKING = (("status",), ("segments",), ("fdb",), ("peers",), ("stats",), ("drops",), ("top", "--once"), ("monitor",),
          ("mtu", "--peer", "b"), ("fdb", "add", "02:00:00:00:00:01", "--vni", "42", "--peer", "b"),
          ("fdb", "del", "02:00:00:00:00:01", "--vni", "42"), ("fdb", "flush", "--vni", "42"),
          ("fdb", "explain", "02:00:00:00:00:01", "--vni", "42"))
each_asking = pytest.mark.parametrize("command", ASKING, ids=" ".join)


def complaint(done, status=1):
    """The one message of a command that failed and printed nothing else."""
    assert done.returncode == status and done.stdout == "", done
    assert done.stderr.startswith("vtep: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@each_asking
def test_without_an_agent_each_command_says_where_it_looked_and_what_to_do(tmp_path, command):
    said = complaint(vtep(*command, "--socket", tmp_path / "none.sock"))
    assert f"no agent listens on {tmp_path}/none.sock" in said and "vtep run" in said and "--socket" in said


@each_asking
def test_a_socket_that_is_none_is_named(tmp_path, command):
    (tmp_path / "file").write_text("")
    said = complaint(vtep(*command, "--socket", tmp_path / "file"))
    assert f"{tmp_path}/file" in said and "--socket" in said
    said = complaint(vtep(*command, "--socket", "/" + "x" * 200))
    assert "has 201 bytes; the most is 107" in said


@pytest.mark.parametrize("command, said", (
    (("segments", "--vni", "7"), ("no segment has VNI 7", "vtep segments")),
    (("fdb", "--vni", "7"), ("no segment has VNI 7", "vtep segments")),
    (("fdb", "explain", "02:00:00:00:00:01", "--vni", "7"), ("no segment has VNI 7", "vtep segments")),
    (("mtu", "--peer", "x"), ("no peer has the name x", "vtep peers")),
    (("fdb", "add", "02:00:00:00:00:01", "--vni", "42", "--peer", "x"), ("no peer has the name x", "vtep peers")),
    (("fdb", "del", "02:00:00:00:00:01", "--vni", "42"), ("has no entry for 02:00:00:00:00:01", "vtep fdb")),
))
def test_what_the_agent_does_not_know_is_named_with_where_to_look(lab, command, said):
    agent = lab.agent()
    heard = complaint(agent.ask(*command))
    assert all(each in heard for each in said), heard


@pytest.mark.parametrize("arguments, said", (
    (("nonsense",), "vtep --help"), (("fdb", "--vin", "42"), "vtep fdb"),
    (("fdb", "add", "02:00"), "02:00:00:00:00:01"), (("mtu",), "--underlay-mtu 1500"), (("run",), "--config"),
    (("check",), "--config"), (("peers", "--vni", "7"), "--help"), (("fdb", "flush"), "--vni"),
))
def test_wrong_usage_is_64_and_names_what_would_be_right(arguments, said):
    done = vtep(*arguments)
    assert done.returncode == 64 and said in done.stderr and done.stdout == "", done


def every_command():
    """Every command and subcommand, as the help lists them."""
    listed = vtep("--help").stdout.split("SUBCOMMANDS:")[1]
    names = [line.split()[0] for line in listed.splitlines() if re.match(r"  [a-z]", line)]
    of_fdb = ("show", "add", "replace", "del", "flush", "explain")
    return [(name,) for name in names] + [("fdb", each) for each in of_fdb]


def test_help_reads_well_at_every_level():
    commands = every_command()
    assert {("top",), ("init",), ("completion",), ("monitor",)} <= set(commands)
    for command in commands:
        done = vtep(*command, "--help", env={**os.environ, "COLUMNS": "100"})
        assert done.returncode == 0 and done.stderr == "", command
        assert done.stdout.startswith("OVERVIEW: ") and f"USAGE: vtep {' '.join(command)}" in done.stdout, command
    root = vtep("--help").stdout
    words = " ".join(root.split())
    assert "Exit status: 0 done; 1 the operation or a check failed; 64 wrong usage; 78 configuration refused" in words
    assert "Examples:" in root
    assert vtep("-h").stdout == root and vtep().stdout == root


def test_the_version_is_told_in_each_way_that_people_try():
    assert {vtep(way).stdout for way in ("version", "--version", "-V")} == {vtep("version").stdout}
    assert vtep("version").stdout.startswith("vtep 0.")
