"""What the agent gives up at its start, with `user:` and without, and that it needs nothing of it afterwards."""

import os
import resource
import signal
import stat
import subprocess

import pytest

from agent import binary, vtep
from host import wait_until
from keys import Identity
from lab import Lab
from privileges import judge, numbers, threads, user


def private_directory(lab, name="run"):
    """The path of a folder for a control socket, which is not there yet."""
    return f"{lab.directory}/{name}"


def agent_of(lab, name, **sections):
    """An agent on h1 with the key `user`, and its socket in a folder that it makes. Its keys are that user's."""
    control = {"socket": f"{private_directory(lab)}/control.sock"}
    return lab.agent(start=False, **{"user": name, "control": control, **sections})


def sealed(lab, owner):
    """Sections of a configuration with a sealed segment, whose key belongs to `owner`."""
    own, other = Identity(lab, "h1"), Identity(lab, "h2")
    os.chown(own.path, owner.pw_uid, owner.pw_gid)
    return {"local": {"private-key-file": own.path},
            "segments": [{"vni": 42, "tap": "vx42", "sealed": True}, {"vni": 43, "tap": "vx43"}],
            "peers": [{"name": "b", "address": lab.h2.address, "public-key": other.text}]}


@pytest.mark.parametrize("workers", (1, 3))
def test_root_without_the_key_stays_root_and_keeps_net_admin_alone(lab, workers):
    agent = lab.agent(workers=workers)
    judge(agent, 0, 0)
    agent.stop()


@pytest.mark.parametrize("workers", (1, 3))
def test_with_the_key_every_thread_is_that_users_and_keeps_net_admin_alone(lab, workers):
    nobody = user()
    agent = agent_of(lab, nobody.pw_name, workers=workers, **sealed(lab, nobody)).start()
    assert judge(agent, nobody.pw_uid, nobody.pw_gid) >= 5 + workers - 1
    # With CAP_BPF, which is given up, its program was loaded.
    if workers > 1:
        assert "flows move between workers" not in agent.stderr()
    status = os.stat(agent.socket_path)
    assert stat.S_IMODE(status.st_mode) == 0o660 and (status.st_uid, status.st_gid) == (nobody.pw_uid, nobody.pw_gid)
    folder = os.stat(os.path.dirname(agent.socket_path))
    assert stat.S_IMODE(folder.st_mode) == 0o755 and folder.st_uid == nobody.pw_uid
    agent.stop()


def test_the_judge_sees_what_was_not_given_up(lab):
    agent = lab.agent()
    agent.process.pid, own = os.getpid(), agent.process.pid
    try:
        assert threads(os.getpid())
        with pytest.raises(AssertionError):
            judge(agent, 0, 0)
    finally:
        agent.process.pid = own


def test_frames_flow_and_a_deleted_tap_and_bridge_come_back_as_that_user(lab):
    lab.h2.kernel_vxlan(42, [lab.h1.address], addresses=["10.42.0.2/24"])
    agent = agent_of(lab, user().pw_name, segments=[
        {"vni": 42, "tap": "vx42", "address": ["10.42.0.1/24"]}, {"vni": 43, "tap": "vx43", "bridge": "br43"}]).start()
    assert lab.h1.ping("10.42.0.2")
    for device in ("vx42", "br43"):
        lab.h1.ip("link", "del", device)
        wait_until(lambda: lab.h1.link(device) is not None, 5, f"{device} is back")
    wait_until(lambda: lab.h1.ping("10.42.0.2", check=False, seconds=1), 10, "frames flow through the new TAP")
    wait_until(lambda: (lab.h1.link("vx43") or {}).get("master") == "br43", 5, "the TAP is the bridge's port again")


def test_commands_as_that_user_and_as_root_are_answered_and_others_refused(lab):
    nobody = user()
    agent = agent_of(lab, nobody.pw_name).start()
    assert agent.json("status")
    program = f"{lab.directory}/vtep"
    subprocess.run(["cp", binary(), program], check=True)
    for number, answered in ((nobody.pw_uid, True), (4_242, False)):
        done = subprocess.run([program, "status", "--socket", agent.socket_path], user=number, group=number,
                              extra_groups=[], capture_output=True, text=True, timeout=60, cwd="/")
        assert (done.returncode == 0) == answered, done.stderr


def test_keys_are_read_again_as_that_user_and_what_it_cannot_read_is_refused(lab):
    nobody = user()
    sections = sealed(lab, nobody)
    agent = agent_of(lab, nobody.pw_name, **sections).start()
    key = sections["local"]["private-key-file"]
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in agent.stderr(), 10, "the keys are read again")
    os.chown(key, 0, 0)
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reload refused" in agent.stderr(), 10, "a key of root is refused")
    os.chown(key, nobody.pw_uid, nobody.pw_gid)
    # A configuration that it cannot read is told of at the start, before it matters.
    agent.stop()
    os.chmod(agent.write(), 0o600)
    with open(agent.stderr_path, "w", encoding="utf-8") as stderr:
        agent.process = lab.h1.popen(binary(), "run", "--config", agent.config_path, stderr=stderr)
    wait_until(lambda: agent.ready() or agent.process.poll() is not None, 30, "the agent is ready")
    assert "cannot read the configuration again" in agent.stderr(), agent.stderr()
    agent.stop()


def test_sessions_that_cannot_be_started_hold_nothing_and_are_started_by_a_later_reload(lab):
    nobody = user()
    agent = agent_of(lab, nobody.pw_name).start()
    sections = sealed(lab, nobody)
    agent.config["local"].update(sections["local"])
    most = resource.getrlimit(resource.RLIMIT_NPROC)[0]

    def limit(count):
        lab.h1.run("setpriv", "--reuid", nobody.pw_uid, "--regid", nobody.pw_gid, "--clear-groups", "prlimit", "--pid",
                   agent.process.pid, f"--nproc={'unlimited' if count < 0 else count}:")

    def ports_after_a_reload(**changes):
        agent.config.update(changes)
        agent.write()
        before = agent.stderr().count("message=reloaded")
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: agent.stderr().count("message=reloaded") > before, 20, "it is read again")
        return lab.h1.run("ss", "-Hnul", "sport", "=", "4790").stdout.splitlines()
    # No segment is sealed, so they are not needed; and nobody may begin a thread.
    limit(1)
    for peer in ("b", "c"):
        assert ports_after_a_reload(peers=[{**sections["peers"][0], "name": peer}]) == []
    assert agent.stderr().count("starting the sessions") == 2
    limit(most)
    assert len(ports_after_a_reload(peers=sections["peers"])) == 1
    assert agent.json("status")["sealing"]
    agent.stop()


def test_a_key_of_root_is_refused_for_another_user_by_run_and_by_check(lab):
    sections = sealed(lab, user())
    os.chown(sections["local"]["private-key-file"], 0, 0)
    agent = agent_of(lab, user().pw_name, **sections).launch()
    assert agent.process.wait(timeout=30) == 78
    assert f"{agent.config_path}:" in agent.stderr() and "cannot be read" in agent.stderr(), agent.stderr()
    assert lab.h1.link("vx42") is None and not os.path.exists(agent.socket_path)
    done = vtep("check", "--config", agent.config_path)
    assert done.returncode == 78 and "belongs to user 0" in done.stderr, done.stderr


def test_an_unknown_user_is_refused_with_the_line_by_run_and_by_check(lab):
    agent = agent_of(lab, "vtep-nobody-has-this").launch()
    assert agent.process.wait(timeout=30) == 78
    with open(agent.config_path, encoding="utf-8") as file:
        line = file.read().splitlines().index("user: vtep-nobody-has-this") + 1
    for told in (agent.stderr(), vtep("check", "--config", agent.config_path).stderr):
        assert f"{agent.config_path}:{line}: user: this host has no user vtep-nobody-has-this" in told, told
    assert not os.path.exists(private_directory(lab))


def test_another_user_than_root_cannot_become_one_and_says_so(lab):
    agent = agent_of(lab, "daemon")
    agent.launch(prefix=("setpriv", "--reuid", user().pw_uid, "--clear-groups", "--inh-caps", "+net_admin",
                         "--ambient-caps", "+net_admin"))
    assert agent.process.wait(timeout=30) == 1
    assert "becoming user daemon" in agent.stderr() and "start the agent as root, or as that user" in agent.stderr()


def test_started_as_the_user_it_needs_net_admin_alone_and_gives_up_the_rest(lab):
    nobody = user()
    os.mkdir(private_directory(lab))
    os.chown(private_directory(lab), nobody.pw_uid, nobody.pw_gid)
    agent = agent_of(lab, nobody.pw_name, **sealed(lab, nobody))
    granted = "+net_admin,+net_raw,+sys_ptrace"
    agent.start(prefix=("setpriv", "--reuid", nobody.pw_uid, "--regid", nobody.pw_gid, "--init-groups", "--inh-caps",
                        granted, "--ambient-caps", granted))
    # What bounds an execve takes CAP_SETPCAP to change; no_new_privs makes it void.
    judge(agent, nobody.pw_uid, nobody.pw_gid, bounded=False)
    agent.stop()


def test_started_as_the_user_with_other_groups_it_leaves_them_where_it_may(lab):
    nobody = user()
    os.mkdir(private_directory(lab))
    os.chown(private_directory(lab), nobody.pw_uid, nobody.pw_gid)
    agent = agent_of(lab, nobody.pw_name)
    for granted, is_changed in (("+net_admin,+setgid,+setuid", True), ("+net_admin", False)):
        agent.start(prefix=("setpriv", "--reuid", nobody.pw_uid, "--regid", nobody.pw_gid, "--groups", "0,4",
                            "--inh-caps", granted, "--ambient-caps", granted))
        if is_changed:
            judge(agent, nobody.pw_uid, nobody.pw_gid, bounded=False)
        else:
            # Whoever started it has chosen them.
            assert all(set(numbers(each["Groups"])) == {0, 4} for each in threads(agent.process.pid))
        agent.stop()


def test_a_port_below_1024_is_refused_by_its_right_and_had_where_the_host_lowers_the_limit(lab):
    agent = agent_of(lab, user().pw_name, local={"port": 500}).launch()
    assert agent.process.wait(timeout=30) == 1
    assert "net.ipv4.ip_unprivileged_port_start" in agent.stderr(), agent.stderr()
    lab.h1.sysctl(net__ipv4__ip_unprivileged_port_start=500)
    agent = agent_of(lab, user().pw_name, local={"port": 500}).start()
    agent.stop()


def test_after_the_start_it_opens_only_configuration_keys_tun_and_proc_self(lab):
    nobody = user()
    sections = sealed(lab, nobody)
    agent = agent_of(lab, nobody.pw_name, **sections).start()
    trace = f"{lab.directory}/opened"
    tracer = lab.h1.popen("strace", "-f", "-qq", "-e", "trace=open,openat,openat2,creat", "-o", trace, "-p",
                          agent.process.pid, stderr=subprocess.DEVNULL)
    wait_until(lambda: all(int(each["TracerPid"]) for each in threads(agent.process.pid)), 20, "every thread is traced")
    lab.h1.ip("link", "del", "vx43")
    wait_until(lambda: lab.h1.link("vx43") is not None, 10, "the TAP is back")
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in agent.stderr(), 10, "the keys are read again")
    for command in ("status", "segments", "fdb", "peers", "stats", "drops"):
        agent.json(command)
    tracer.send_signal(signal.SIGINT)
    tracer.wait(timeout=20)
    with open(trace, encoding="utf-8", errors="replace") as file:
        opened = {line.split('"')[1] for line in file if '"' in line}
    key = sections["local"]["private-key-file"]
    assert {agent.config_path, key} <= opened
    others = {path for path in opened - {agent.config_path, key, "/dev/net/tun"}
              if not path.startswith(("/proc/self/", "/proc/thread-self/"))}
    assert not others, others


def test_a_folder_that_root_left_is_handed_over_and_another_is_not(lab):
    folder = private_directory(lab)
    agent = lab.agent(control={"socket": f"{folder}/control.sock"})
    agent.kill()
    assert os.stat(folder).st_uid == 0 and os.listdir(folder)
    agent = agent_of(lab, user().pw_name).start()
    assert os.stat(folder).st_uid == user().pw_uid
    agent.stop()
    os.chown(folder, 0, 0)
    # Empty, and it may be anybody's; then with something of somebody else's.
    for _ in range(2):
        agent = agent_of(lab, user().pw_name).launch()
        assert agent.process.wait(timeout=30) == 1
        assert "name a `control.socket` where that user may write" in agent.stderr(), agent.stderr()
        assert os.stat(folder).st_uid == 0 and lab.h1.link("vx42") is None
        with open(f"{folder}/other", "wb"):
            pass


def test_ipv6_underlay_and_the_kernels_own_chatter_are_no_matter_of_rights(figure):
    with Lab(family="v6", quiet=False) as lab:
        agent = agent_of(lab, user().pw_name).start()
        judge(agent, user().pw_uid, user().pw_gid)
        figure(f"threads of the agent: {len(threads(agent.process.pid))}")
