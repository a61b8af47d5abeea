"""Configurations that change while an agent runs: what reload says, and what the process costs meanwhile."""

import copy
import os

from agent import yaml


def reload(agent, expected=0):
    """`vtep reload` of the configuration as it is written. Returns the finished process."""
    done = agent.ask("reload")
    assert done.returncode == expected, f"vtep reload: status {done.returncode}: {done.stdout}{done.stderr}"
    return done


def changed(agent, **sections):
    """Writes the configuration with other sections, and reloads it. Returns the lines of the answer."""
    agent.config.update(sections)
    agent.write()
    return reload(agent).stdout.splitlines()


def write_text(agent, text):
    """Replaces the file, whole."""
    with open(f"{agent.config_path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{agent.config_path}.new", agent.config_path)


def descriptors(agent):
    """How many files the process has open."""
    return len(os.listdir(f"/proc/{agent.process.pid}/fd"))


class Invalid:
    """Configurations with one thing wrong each: the text, and the line and the words that the answer must name."""

    def __init__(self, config):
        self.config = config
        self.kinds = (self.bad_vni, self.same_vni, self.bad_key, self.unknown_field, self.truncated)

    def _with(self, change, line_of, words):
        config = copy.deepcopy(self.config)
        change(config)
        text = yaml(config)
        lines = text.splitlines()
        return text, max(number for number, line in enumerate(lines, 1) if line_of in line), words

    def bad_vni(self):
        """2^24."""
        return self._with(lambda config: config["segments"].append({"vni": 1 << 24, "tap": "vxbad"}), "vni: 16777216",
                          "out of range")

    def same_vni(self):
        """Twice."""
        vni = self.config["segments"][0]["vni"]
        return self._with(lambda config: config["segments"].append({"vni": vni, "tap": "vxbad"}), f"vni: {vni}",
                          "used already")

    def bad_key(self):
        """One that is none."""
        return self._with(lambda config: config["peers"][0].update({"public-key": "nonsense"}), "public-key: nonsense",
                          "no public key")

    def unknown_field(self):
        """Of a segment."""
        return self._with(lambda config: config["segments"][0].update({"agein": "30s"}), "agein", "unknown key")

    def truncated(self):
        """In the middle of a quoted value in the last line."""
        text = yaml(self.config) + "log: {level: \"inf"
        return text, len(text.splitlines()), "YAML"
