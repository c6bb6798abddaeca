"""aribus-nats as its package has it: from its installation beside a service that works to its removal."""
import json
import shutil
import subprocess

from container import wait_for

CONFIG = "/etc/aribus/nats.yaml"
STATE = "/var/lib/aribus-nats/state.json"
UNIT = "aribus-nats.service"


class Bridge:
    """Begins and ends with a service that works, and without the package. `session` is that of tests/service/run."""

    def __init__(self, session, package):
        self.session, self.box, self.package = session, session.box, package
        self.nats = None

    def steps(self):
        return (self.the_bridge_waits_for_its_configuration, self.the_bridge_publishes_once_nats_is_there,
                self.the_bridge_is_seen_on_the_bus, self.the_bridge_goes_on_after_a_restart_and_a_standstill,
                self.the_bridge_is_not_restarted_with_a_faulty_configuration, self.purged_the_bridge_leaves_nothing)

    def status(self):
        return self.session.show(UNIT, "StatusText")

    def wait_publishing(self):
        wait_for(self.status, lambda: self.status() == "publishing to the stream ARIBUS_pbx1")

    def told(self, text):
        return sum(text in line["MESSAGE"] for line in self.session.journal("--unit", UNIT))

    def the_bridge_waits_for_its_configuration(self):
        self.before = self.session.files()
        shutil.copy(self.package, self.box.path("/root/aribus-nats.deb"))
        said = self.box("apt-get", "install", "--yes", "--no-install-recommends", "/root/aribus-nats.deb")
        assert f"editor {CONFIG}" in said and "aribus-nats --check-config" in said, said
        assert self.session.show(UNIT, "UnitFileState") == "disabled" and self.session.show(UNIT, "ActiveState") == "inactive"
        assert self.session.rights(CONFIG) == "640 root aribus-nats", self.session.rights(CONFIG)
        assert "aribus-nats" in self.session.members("aribus-read") and self.session.members("aribus-nats") == []
        said = self.box("sh", "-c", "aribus-nats --check-config 2>&1")
        assert f"{CONFIG}: fine (pbx1, stream ARIBUS_pbx1)" in said and "no connection to NATS" in said, said
        assert "may not" not in said, said  # the user reaches all that it needs

    def the_bridge_publishes_once_nats_is_there(self):
        self.box("systemctl", "enable", "--now", UNIT)
        wait_for(self.status, lambda: self.status().startswith("not publishing: no connection to NATS"))
        store = self.session.scratch / "jetstream"
        self.nats = subprocess.Popen(["nats-server", "--jetstream", "--store_dir", store, "--addr", "127.0.0.1"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_publishing()
        assert self.session.rights("/var/lib/aribus-nats") == "700 aribus-nats aribus-nats"
        assert self.session.rights(STATE) == "600 aribus-nats aribus-nats"
        assert self.box("aribus-nats", "--check-config").startswith(f"{CONFIG}: fine")

    def the_bridge_is_seen_on_the_bus(self):
        pbx, = json.loads(self.box("aribus", "pbx", "--json"))["pbxs"]
        assert pbx["pbx"] == "pbx1", pbx
        for user in ("alice", "bob"):
            for file in (CONFIG, STATE):
                assert "ermission denied" in self.box.fails(*self.session.as_user(user), "cat", file), (user, file)

    def the_bridge_goes_on_after_a_restart_and_a_standstill(self):
        self.box("systemctl", "restart", UNIT)
        self.wait_publishing()
        assert self.told("after record") == 1, "it resumes where it stopped"
        self.session.write(f"/run/systemd/system/{UNIT}.d/watchdog.conf", "[Service]\nWatchdogSec=1s\nRestartSec=0\n")
        self.box("systemctl", "daemon-reload")
        self.box("systemctl", "restart", UNIT)
        self.wait_publishing()
        self.box("systemctl", "kill", "--kill-whom=main", "--signal=STOP", UNIT)
        wait_for("another process", lambda: self.session.show(UNIT, "NRestarts") == "1")
        self.wait_publishing()
        self.box.path(f"/run/systemd/system/{UNIT}.d/watchdog.conf").unlink()
        self.box("systemctl", "daemon-reload")

    def the_bridge_is_not_restarted_with_a_faulty_configuration(self):
        self.box("sed", "-i", "s/^name: .*/name: a b/", CONFIG)
        self.box.fails("systemctl", "restart", UNIT)
        assert self.session.show(UNIT, "ActiveState") == "failed"
        assert self.told(f"{CONFIG}:4:7: name: 1 to 64 of") == 1
        self.box("sed", "-i", "s/^name: .*/name: pbx1/", CONFIG)
        self.box("systemctl", "restart", UNIT)
        self.wait_publishing()

    def purged_the_bridge_leaves_nothing(self):
        self.box("apt-get", "remove", "--yes", "aribus-nats")
        assert self.session.rights(STATE) == "600 aribus-nats aribus-nats", "it stays until the package is purged"
        self.box("apt-get", "purge", "--yes", "aribus-nats")
        self.nats.terminate()
        self.nats.wait()
        left = {path for path in self.session.files() - self.before if "aribus" in path}
        assert not left, left
        assert "aribus-nats" not in self.box("cat", "/etc/passwd", "/etc/group")
        assert self.session.connected()
