"""A key log, read by the decoder of `sealing.py`: docs/capture-keys.md."""

import collections
import re

import sealing

_LINE = re.compile(r"VTEP_TRANSPORT_KEY ([0-9a-f]{5}) (\w+) ([0-9a-f]+) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\S+)")


class KeyLog:
    """The keys of a file by index. Every line has to be one of a key."""

    def __init__(self, path):
        self.keys, self.receivers = collections.defaultdict(list), collections.Counter()
        with open(path, encoding="ascii") as file:
            for line in file:
                index, cipher, key, receiver = _LINE.fullmatch(line.rstrip("\n")).groups()
                self.keys[int(index, 16)].append((cipher, bytes.fromhex(key)))
                self.receivers[receiver] += 1

    def __len__(self):
        return sum(map(len, self.keys.values()))

    def lines(self):
        """(index, cipher, key) of all of them."""
        return {(index, *each) for index, keys in self.keys.items() for each in keys}

    def open(self, datagram):
        """The plaintext of a datagram; ValueError where none of the keys opens it."""
        for cipher, key in self.keys.get(sealing.Header(datagram).index, []):
            try:
                return sealing.open_datagram(cipher, key, datagram)
            except ValueError:
                continue
        raise ValueError("no key")
