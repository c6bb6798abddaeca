"""A real Asterisk on this network, beside the container."""
import os
import pathlib
import signal
import socket
import subprocess

from container import run, wait_for

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "aribus-test-secret"  # of scripts/asterisk
ARI_PORT = 18088                 # likewise


class Asterisk:
    """That of scripts/asterisk, in a copy of its folder that is thrown away, and a link from port 8088 to it, where the
    sample configuration looks for it."""

    def __init__(self, scratch):
        kept = pathlib.Path(os.environ.get("ARIBUS_ASTERISK_ROOT", "/var/tmp/aribus-asterisk"))
        root = scratch / "asterisk"
        for name in ("sid", "upper", "work"):
            (root / name).mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={kept / 'sid'},upperdir={root / 'upper'},workdir={root / 'work'}", root / "sid")
        (root / "sid/run/aribus-test.pid").unlink(missing_ok=True)  # of one that runs elsewhere
        self.root = root / "sid"
        self.environment = {**os.environ, "ARIBUS_ASTERISK_ROOT": str(root)}
        self.relay = None
        self.script("start")

    def script(self, command, *arguments):
        # It leaves a process behind that must not hold our pipes.
        subprocess.run([SOURCE / "scripts/asterisk", command, "22", *arguments], env=self.environment, check=True, timeout=120,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def link(self):
        self.relay = subprocess.Popen(["socat", "TCP-LISTEN:8088,bind=127.0.0.1,fork,reuseaddr",
                                       f"TCP:127.0.0.1:{ARI_PORT}"], start_new_session=True)
        wait_for("the link", lambda: not socket.socket().connect_ex(("127.0.0.1", 8088)))

    def unlink(self):
        if self.relay:
            os.killpg(self.relay.pid, signal.SIGKILL)
            self.relay.wait()
            self.relay = None

    def stop(self):
        self.unlink()
        self.script("stop")
