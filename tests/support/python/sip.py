"""SIP phones, by sipp with a scenario of tests/support/sip_script."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from waiting import wait_for

BUILD = pathlib.Path(os.environ.get("ARIBUS_BUILD_DIR", pathlib.Path(__file__).resolve().parents[3] / "build/release"))


class Phone:
    """A phone at a port of its own, that does `steps` (sip_script_main.cpp) in the first call that it gets.

    asterisk: its address, "127.0.0.1:15060".
    """

    def __init__(self, asterisk, *steps):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.endpoint = f"PJSIP/scripted/sip:phone@127.0.0.1:{self.port}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aribus-sip-"))
        script = subprocess.run([BUILD / "tests/support/sip_script", *steps], check=True, capture_output=True).stdout
        (self.folder / "script.xml").write_bytes(script)
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(
                ["sipp", asterisk, "-sf", "script.xml", "-m", "1", "-p", str(self.port), "-i", "127.0.0.1", "-mi", "127.0.0.1",
                 "-nostdin", "-aa", "-rtp_echo", "-timeout", "120s", "-timeout_error", "-trace_err", "-error_file", "errors",
                 "-trace_logs", "-log_file", "log", "-watchdog_minor_maxtriggers", "1000000",
                 "-watchdog_major_maxtriggers", "1000000"],
                cwd=self.folder, stdout=output, stderr=output, env={**os.environ, "TERM": "dumb"})
        wait_for("sipp has its port", self.listens)

    def listens(self):
        sockets = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
        return any(int(line.split()[1].partition(":")[2], 16) == self.port for line in sockets)

    def replaces(self):
        """What a Refer-To says to replace the call that it got."""
        call, _, asterisk = (self.folder / "log").read_text().strip().partition(" ")
        tag = asterisk.rpartition(";tag=")[2]
        return f"Replaces={call.replace('@', '%40')}%3Bto-tag%3D{tag}%3Bfrom-tag%3D1"

    def end(self):
        """Waits until it has done all of its steps."""
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        said = "".join((self.folder / name).read_text(errors="replace")[-3000:] for name in ("errors", "output")
                       if (self.folder / name).exists())
        shutil.rmtree(self.folder)
        assert status == 0, f"sipp ends with {status}: {said}"
