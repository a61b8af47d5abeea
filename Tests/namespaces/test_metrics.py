"""`control.metrics`: what `/metrics`, `/healthz` and `/readyz` say, and what is made of it in contrib/."""

import json
import os
import re
import subprocess
import time
import urllib.parse

import metrics_docs
import pytest

from frames import BROADCAST, ethernet, mac, tagged
from host import wait_until
from lab import Lab
from metrics import CONTROL, PORT, Page, drops, fetch, totals
from packets import Packets
from peer import RawPeer
from queries import named
from sealed import identities, sealed_agent, sealed_segment, session_up
from stopped_thread import stopped, thread_named

judged_by_prometheus = pytest.mark.package
"""Needs what `scripts/setup --package` installs."""
CONTRIB = os.path.realpath(f"{os.path.dirname(os.path.abspath(__file__))}/../../contrib")


def agrees(page, counters):
    """Whether the counters on a page are those of `vtep stats` and `vtep drops`."""
    return (totals(page, "overlay") == counters.overlay and totals(page, "underlay") == counters.underlay
            and drops(page, "overlay") == counters.dropped("overlay")
            and drops(page, "underlay") == counters.dropped("underlay"))


def promtool(*arguments, text=None):
    """Runs promtool, which must be content and have nothing to remark. Returns what it said."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, f"promtool {arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def test_values_move_with_traffic_and_add_up_to_what_stats_and_drops_say(lab):
    agent = lab.agent(control=CONTROL, segments=[{"vni": 42, "tap": "vx42"}, {"vni": 43, "tap": "vx43"}], workers=2)
    with RawPeer(lab.h2, agent) as peer, Packets(lab.h1, "vx42") as tap:
        before = Page.of(lab.h1)
        assert agrees(before, agent.counters())
        peer.send_frame(ethernet(mac(0xB0B), length=100), times=50)
        peer.send_frame(ethernet(mac(0xB0B), length=100), vni=43, times=20)
        peer.send_frame(tagged(ethernet(mac(0xB0B), length=100)), times=7)
        peer.send_frame(ethernet(mac(0xB0B), length=100), vni=77, times=5)
        for _ in range(30):
            tap.send(ethernet(mac(0xA1), BROADCAST, length=100))
        for _ in range(9):
            tap.send(tagged(ethernet(mac(0xA1), length=100)))
        wait_until(lambda: agent.counters().underlay["frames-in"] == 82, 10, "all datagrams are counted")
        wait_until(lambda: agent.counters().overlay["frames-in"] == 39, 10, "all frames of the TAP are counted")
        wait_until(lambda: agrees(Page.of(lab.h1), agent.counters()), 5, "metrics and stats agree")
        page = Page.of(lab.h1)
    assert page.values("vtep_receive_packets_total") == {("42",): 50, ("43",): 20}
    assert page.values("vtep_receive_bytes_total") == {("42",): 5_000, ("43",): 2_000}
    assert page.values("vtep_transmit_packets_total")[("42",)] == 30
    assert page.sum("vtep_drop_packets_total", vni="42", reason="vlan-tag", direction="underlay") == 7
    assert page.sum("vtep_drop_packets_total", vni="42", reason="vlan-tag", direction="overlay") == 9
    assert page.sum("vtep_drop_packets_total", vni="none", reason="unknown-vni") == 5
    assert page.values("vtep_fdb_entries", type="learned") == {("42",): 2, ("43",): 1}
    assert page.sum("vtep_peer_receive_bytes_total", peer="b") > 0
    assert abs(page.sum("vtep_peer_last_receive_timestamp_seconds", peer="b") - time.time()) < 10
    assert page.sum("vtep_worker_frames_total") == sum(
        totals(page, side)["frames-in"] for side in ("overlay", "underlay"))
    for side in ("overlay", "underlay"):
        counted = totals(page, side)
        ended = sum(counted[name] for name in ("frames-out", "drops", "consumed", "waiting"))
        assert counted["frames-in"] == ended > 0


def sealed_pair(lab):
    """Two agents with a sealed and a plain segment each and a session, the first with metrics; and its page."""
    known = identities(lab)
    segments = {name: [sealed_segment(int(name[1:])), {"vni": 43, "tap": "vx43", "mtu": 1300}] for name in known}
    first = sealed_agent(lab, "h1", known, segments["h1"], control=CONTROL).start()
    sealed_agent(lab, "h2", known, segments["h2"]).start()
    session_up(first)
    assert lab.h1.ping("10.42.0.2")
    wait_until(lambda: Page.of(lab.h1).values("vtep_peer_session_up") == {("h2",): 1}, 5, "the session is told")
    return first, known, Page.of(lab.h1)


@judged_by_prometheus
def test_promtool_is_content_and_nothing_is_secret(lab):
    _, known, page = sealed_pair(lab)
    promtool("check", "metrics", text=page.text)
    assert page.values("vtep_crypto_rekeys_total") == {("h2",): 1}
    assert page.values("vtep_crypto_handshakes_total", result="accepted")[()] >= 1
    assert page.values("vtep_peers") == {("up",): 1, ("handshake",): 0, ("none",): 0}
    assert page.sum("vtep_crypto_failures_total") == 0 and page.sum("vtep_sessions_stalled") == 0
    for identity in known.values():
        with open(identity.path, encoding="ascii") as file:
            private = file.read().strip()
        assert private not in page.text and identity.text not in page.text


def expressions():
    """What the dashboard and the alerts ask, with where it stands."""
    with open(f"{CONTRIB}/grafana/vtep.json", encoding="utf-8") as file:
        dashboard = json.load(file)
    assert dashboard["schemaVersion"] >= 36
    assert [each["name"] for each in dashboard["__inputs"]] == ["DS_PROMETHEUS"]
    found = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            assert panel["datasource"]["uid"] == target["datasource"]["uid"] == "${DS_PROMETHEUS}"
            found.append((panel["title"], target["expr"], target["legendFormat"]))
    with open(f"{CONTRIB}/prometheus/alerts.yml", encoding="utf-8") as file:
        text = re.sub(r"expr: >-\n\s+(.*)\n\s+(.*)", r"expr: \1 \2", file.read())
    rules = re.findall(r"- alert: (\w+)\n\s+expr: (.*)\n(?:.*\n)*?\s+annotations:\n((?: {10}.*\n)+)", text)
    assert len(rules) == text.count("- alert:")
    return found + rules


def test_every_expression_of_the_dashboard_and_the_alerts_names_what_the_agent_tells(lab):
    _, _, page = sealed_pair(lab)
    asked = expressions()
    assert len(asked) > 50
    of_the_scraper = {"instance", "job"}
    for where, expression, text in asked:
        metrics, grouped = named(expression)
        assert metrics, f"{where}: {expression}"
        there = set(of_the_scraper)
        for name, labels in metrics.items():
            assert name == "up" or name in page.names, f"{where}: there is no metric {name}"
            there |= page.labels(name)
            assert labels <= page.labels(name) | of_the_scraper, f"{where}: {name} has no label {labels}"
        shown = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", text))
        assert grouped | shown <= there, f"{where}: {expression}, {text}"


def test_the_documentation_has_the_metrics_that_there_are(lab):
    """VTEP_REGENERATE=1 writes them into docs/metrics.md."""
    _, _, page = sealed_pair(lab)
    answers = []
    for line in ("curl -s http://127.0.0.1:9910/readyz",
                 "curl -s http://127.0.0.1:9910/metrics | grep -E '^vtep_(receive|transmit|mtu|peer|crypto_key)'"):
        answers.append((line, lab.h1.run("sh", "-c", line).stdout))
    if metrics_docs.REGENERATE:
        metrics_docs.replace("table", metrics_docs.table(page))
        metrics_docs.replace("sample", metrics_docs.sample(answers))
    assert metrics_docs.block("table") == metrics_docs.table(page)
    shapes = [re.sub(r" \S+$", "", text, flags=re.M) for text in
              (metrics_docs.block("sample"), metrics_docs.sample(answers))]
    assert shapes[0] == shapes[1], "VTEP_REGENERATE=1 writes the sample anew"


@judged_by_prometheus
def test_promtool_accepts_the_rules_and_what_they_are_to_do():
    assert "21 rules found" in promtool("check", "rules", f"{CONTRIB}/prometheus/alerts.yml")
    assert "SUCCESS" in promtool("test", "rules", f"{CONTRIB}/prometheus/alerts_test.yml")
    promtool("check", "config", f"{CONTRIB}/prometheus/prometheus.yml")


@judged_by_prometheus
def test_promtool_accepts_every_expression_of_the_dashboard(tmp_path):
    rules = [{"record": f"panel:{number}", "expr": re.sub(r"\$__\w+", "5m", expression).replace("$instance", "a")}
             for number, (_, expression, _) in enumerate(expressions())]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "a", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", path)


@judged_by_prometheus
def test_a_prometheus_scrapes_the_agent_and_takes_the_rules(lab):
    agent = lab.agent(control=CONTROL)
    with RawPeer(lab.h2, agent) as peer:
        peer.send_frame(ethernet(mac(0xB0B), length=100), vni=77, times=5)
        wait_until(lambda: drops(Page.of(lab.h1), "underlay") == {"unknown-vni": 5}, 5, "the drops are told")
    with open(f"{CONTRIB}/prometheus/prometheus.yml", encoding="utf-8") as file:
        config = file.read().replace("15s", "1s").replace("alerts.yml", f"{CONTRIB}/prometheus/alerts.yml")
    path = f"{lab.directory}/prometheus.yml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(config)
    listen = "127.0.0.1:9090"
    lab.h1.popen("prometheus", f"--config.file={path}", f"--storage.tsdb.path={lab.directory}/tsdb",
                 f"--web.listen-address={listen}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(path):
        done = lab.h1.run("curl", "-sS", "--max-time", 5, f"http://{listen}/api/v1/{path}", check=False)
        return json.loads(done.stdout)["data"] if done.returncode == 0 and done.stdout.startswith("{") else None

    def value(query):
        found = ask(f"query?query={urllib.parse.quote(query)}")
        return [float(each["value"][1]) for each in found["result"]] if found else []
    wait_until(lambda: value('up{job="vtep"}') == [1], 20, "Prometheus has scraped the agent")
    assert value('sum(vtep_drop_packets_total{reason="unknown-vni"})') == [5]
    assert value("vtep_ready") == [1]
    assert value('scrape_samples_scraped{job="vtep"}')[0] == len(Page.of(lab.h1).series)
    [group] = ask("rules")["groups"]
    assert len(group["rules"]) == 21 and {each["health"] for each in group["rules"]} <= {"ok", "unknown"}


def test_health_and_readiness(lab):
    lab.agent(control=CONTROL)
    assert fetch(lab.h1, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n")
    assert fetch(lab.h1, "/readyz") == (200, "text/plain; charset=utf-8", "ready\n")
    assert fetch(lab.h1, "/v1/status")[0] == fetch(lab.h1, "/")[0] == 404
    for path in ("/metrics", "/healthz", "/readyz"):
        assert {fetch(lab.h1, path, method)[0] for method in ("POST", "PUT", "DELETE", "HEAD")} == {405}


def test_readyz_names_a_tap_that_cannot_be_mended_until_it_is(lab):
    lab.h1.sysctl(net__ipv6__conf__default__disable_ipv6=0)
    lab.agent(control=CONTROL, segments=[{"vni": 42, "tap": "vx42", "address": ["fd42::1/64"]}])
    assert Page.of(lab.h1).values("vtep_tap_up") == {("42", "vx42"): 1}
    # A device without IPv6 takes no IPv6 address: it cannot be set up.
    lab.h1.sysctl(net__ipv6__conf__default__disable_ipv6=1)
    lab.h1.ip("link", "del", "vx42")
    wait_until(lambda: fetch(lab.h1, "/readyz")[0] == 503, 5, "the agent is not ready")
    assert fetch(lab.h1, "/readyz")[2] == "the TAP vx42 of segment 42 does not work; it is being mended\n"
    wait_until(lambda: Page.of(lab.h1).values("vtep_tap_up") == {("42", "vx42"): 0}, 5, "the metric says so too")
    assert Page.of(lab.h1).sum("vtep_ready") == 0 and fetch(lab.h1, "/healthz")[0] == 200
    lab.h1.sysctl(net__ipv6__conf__vx42__disable_ipv6=0)
    wait_until(lambda: fetch(lab.h1, "/readyz")[0] == 200, 5, "the agent is ready again")
    wait_until(lambda: Page.of(lab.h1).sum("vtep_tap_up") == 1, 5, "the metric says so too")


def test_healthz_names_a_worker_that_hangs_and_no_counter_goes_back(lab):
    agent = lab.agent(control=CONTROL, workers=2)
    with RawPeer(lab.h2, agent) as peer:
        peer.send_frame(ethernet(mac(0xB0B), length=100), times=50)
        wait_until(lambda: Page.of(lab.h1).sum("vtep_frames_in_total") == 50, 5, "all frames are counted")
        with stopped(thread_named(agent.process.pid, "vtep-worker-1")):
            wait_until(lambda: fetch(lab.h1, "/healthz")[0] == 503, 10, "the agent is unwell")
            assert fetch(lab.h1, "/healthz")[2] == "worker 1 makes no progress\n"
            wait_until(lambda: Page.of(lab.h1).sum("vtep_worker_stalled") == 1, 10, "the metric says so too")
            page = Page.of(lab.h1)
            assert page.values("vtep_worker_stalled") == {("0",): 0, ("1",): 1}
            assert "vtep_frames_in_total" not in page.names and "vtep_fdb_entries" in page.names
            assert fetch(lab.h1, "/readyz")[0] == 200
        wait_until(lambda: fetch(lab.h1, "/healthz")[0] == 200, 10, "the agent is well again")
        wait_until(lambda: Page.of(lab.h1).sum("vtep_frames_in_total") == 50, 5, "the counters are back")


def test_a_fixed_mtu_that_does_not_fit_any_more_is_told(lab):
    lab.agent(control=CONTROL, segments=[{"vni": 42, "tap": "vx42", "mtu": 1400}])
    assert Page.of(lab.h1).values("vtep_mtu_fits") == {("42",): 1}
    lab.h1.ip("link", "set", "u0", "mtu", 1400)
    wait_until(lambda: Page.of(lab.h1).values("vtep_mtu_fits") == {("42",): 0}, 10, "the metric says so")
    assert Page.of(lab.h1).values("vtep_peer_path_mtu_bytes") == {("b",): 1400}
    lab.h1.ip("link", "set", "u0", "mtu", 1500)
    wait_until(lambda: Page.of(lab.h1).values("vtep_mtu_fits") == {("42",): 1}, 50, "it fits again")


def test_a_port_in_use_ends_the_second_agent_at_once_and_leaves_the_first(lab):
    first = lab.agent(control=CONTROL)
    second = lab.agent(control=CONTROL, local={"port": 4889}, segments=[{"vni": 43, "tap": "vx43"}], start=False)
    second.launch()
    assert second.process.wait(timeout=10) == 1
    assert f"control.metrics 127.0.0.1:{PORT}: the port is in use" in second.stderr()
    assert lab.h1.link("vx43") is None and not os.path.exists(second.socket_path)
    assert fetch(lab.h1, "/readyz")[0] == 200 and first.json("status")["pid"] == first.process.pid


def test_an_ipv6_listener_answers():
    with Lab(family="v6", quiet=False) as lab:
        lab.agent(control={"metrics": f"[::1]:{PORT}"})
        assert "vtep_ready" in Page.of(lab.h1, address="::1").names
