"""`genkey`, `pubkey` and `genpsk`: the keys against the `cryptography` package, what is refused, and who is warned."""

import base64
import os
import re
import subprocess

import pytest

import sealing
from agent import binary, vtep

KEY_LINE = re.compile(rb"[A-Za-z0-9+/]{43}=\n")
# RFC 7748, section 6.1.
ALICE = b"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
ALICE_PUBLIC = b"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
INPUT_MAX = 4096

REFUSED = {
    "short": ALICE[:-2] + b"=",
    "without-its-end": ALICE[:-1],
    "long": ALICE[:-1] + b"A=",
    "two-keys": ALICE + b"\n" + ALICE,
    "words-behind": ALICE + b" and more",
    "space-before": b" " + ALICE,
    "zero-within": ALICE[:20] + b"\0" + ALICE[21:],
    "not-canonical": ALICE[:-2] + b"p=",
    "other-alphabet": ALICE[:-3] + b"-o=",
    "not-ascii": ALICE[:1] + b"\xd7" + ALICE[2:],
    "not-utf-8": b"\xff" * 44,
    "hexadecimal": base64.b64decode(ALICE).hex().encode(),
    "bytes-themselves": base64.b64decode(ALICE),
}


def keys(command, **options):
    """Runs a command that reads or writes keys, in bytes."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60} | options
    if "input" not in options and "stdin" not in options:
        options["stdin"] = subprocess.DEVNULL
    return subprocess.run([binary(), command], **options)


def made(command):
    """The 32 bytes of a new key that the command printed as it should."""
    done = keys(command)
    assert (done.returncode, done.stderr) == (0, b"") and KEY_LINE.fullmatch(done.stdout), done
    return base64.b64decode(done.stdout[:-1], validate=True)


def test_a_private_key_is_clamped_and_another_each_time():
    private = {made("genkey") for _ in range(20)}
    assert len(private) == 20
    assert all(len(key) == 32 and key[0] & 7 == 0 and key[31] & 0xC0 == 0x40 for key in private)


def test_a_pre_shared_key_is_32_random_bytes_and_no_private_key():
    preshared = {made("genpsk") for _ in range(40)}
    assert len(preshared) == 40 and all(len(key) == 32 for key in preshared)
    assert any(key[0] & 7 or key[31] & 0xC0 != 0x40 for key in preshared), "clamped as private keys are"


def test_the_public_key_is_the_one_that_another_implementation_computes():
    # Its own keys, and any 32 bytes: the multiplication clamps.
    for private in [made("genkey") for _ in range(10)] + [os.urandom(32) for _ in range(10)] + [bytes(32)]:
        done = keys("pubkey", input=base64.b64encode(private) + b"\n")
        assert done.returncode == 0 and done.stderr == b"", done
        assert done.stdout == base64.b64encode(sealing.public_key(private)) + b"\n"


@pytest.mark.parametrize("end", (b"", b"\n", b"\r\n", b" \t\v\f\n\n", b"\0", b"\n" * (INPUT_MAX - 44)),
                         ids=("none", "newline", "crlf", "blanks", "zero", "up-to-the-limit"))
def test_white_space_after_the_key_is_passed_over(end):
    done = keys("pubkey", input=ALICE + end)
    assert (done.returncode, done.stdout, done.stderr) == (0, ALICE_PUBLIC + b"\n", b""), done


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_a_private_key_is_refused_and_not_repeated(case):
    refused_without_repeating(REFUSED[case], b"44 characters of base64")


@pytest.mark.parametrize("text", (b"", b"\n", b" \n\0"), ids=("nothing", "newline", "blanks"))
def test_an_empty_input_is_named_as_such(text):
    refused_without_repeating(text, b"standard input is empty")


def test_an_input_without_end_is_refused_at_the_limit():
    refused_without_repeating(ALICE + b"\n" * (INPUT_MAX - 43), b"longer than 4096 bytes")
    with open("/dev/zero", "rb") as endless:
        done = keys("pubkey", stdin=endless)
    assert done.returncode == 1 and b"longer than 4096 bytes" in done.stderr, done


def refused_without_repeating(text, words):
    """Status 1, one line on standard error with the words, and no part of the text in it."""
    done = keys("pubkey", input=text)
    assert (done.returncode, done.stdout) == (1, b""), done
    assert words in done.stderr and done.stderr.startswith(b"vtep: ") and done.stderr.count(b"\n") == 1, done
    assert not any(text[start:start + 8] in done.stderr for start in range(len(text) - 7)), done


def test_an_input_that_cannot_be_read_is_a_failure(tmp_path):
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        done = keys("pubkey", stdin=directory)
    finally:
        os.close(directory)
    assert done.returncode == 1 and b"cannot read standard input: Is a directory" in done.stderr, done


def test_a_key_that_comes_slowly_through_a_pipe_that_does_not_block_is_read():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with subprocess.Popen([binary(), "pubkey"], stdin=reader, stdout=subprocess.PIPE) as process:
        os.close(reader)
        for part in (ALICE[:7], ALICE[7:], b"\n"):
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.2)
            os.write(writer, part)
        os.close(writer)
        assert process.communicate(timeout=60)[0] == ALICE_PUBLIC + b"\n"
    assert process.returncode == 0


@pytest.mark.parametrize("command", ("genkey", "genpsk"))
@pytest.mark.parametrize("mode, warned", ((0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o601, True)),
                         ids=oct)
def test_a_key_file_that_others_may_use_is_warned_of(tmp_path, command, mode, warned):
    path = tmp_path / "key"
    with open(path, "wb") as file:
        path.chmod(mode)
        done = keys(command, stdout=file)
    assert done.returncode == 0 and KEY_LINE.fullmatch(path.read_bytes()), done
    if warned:
        assert done.stderr.startswith(b"vtep: warning: ") and f"mode 0{mode:o},".encode() in done.stderr, done
    else:
        assert not done.stderr, done
    assert path.read_bytes()[:8] not in done.stderr


def test_a_public_key_is_no_secret_and_nobody_is_warned(tmp_path):
    path = tmp_path / "key"
    with open(path, "wb") as file:
        path.chmod(0o644)
        done = keys("pubkey", input=ALICE, stdout=file)
    assert (done.returncode, done.stderr, path.read_bytes()) == (0, b"", ALICE_PUBLIC + b"\n"), done


@pytest.mark.parametrize("command", ("genkey", "genpsk", "pubkey"))
def test_a_full_disk_is_a_failure(command):
    with open("/dev/full", "wb") as full:
        done = keys(command, input=ALICE, stdout=full)
    assert done.returncode == 1 and b"cannot write to standard output" in done.stderr, done


@pytest.mark.parametrize("command", ("genkey", "genpsk", "pubkey"))
def test_the_commands_explain_themselves_and_take_no_argument(command):
    described = vtep(command, "--help")
    assert described.returncode == 0 and "44 characters of base64" in described.stdout
    assert f"  {command} " in vtep("--help").stdout
    # A key on the command line would be in every process list.
    refused = vtep(command, ALICE.decode())
    assert (refused.returncode, refused.stdout) == (64, "")
