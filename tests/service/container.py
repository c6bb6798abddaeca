"""A fresh Debian in a folder, booted with its own systemd as a container on this network."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support/python"))
from waiting import wait_for  # noqa: E402,F401

FOLDERS = pathlib.Path(os.environ.get("ARIBUS_SERVICE_ROOT", "/var/tmp/aribus-service"))


class Unavailable(Exception):
    """This machine can't do it."""


def run(*command, **more):
    """Runs a command; its output. RuntimeError with the output when it fails."""
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL, text=True, errors="replace", **more)
    if result.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: status {result.returncode}:\n{result.stdout}")
    return result.stdout


def own_suite():
    """The Debian that this machine runs: packages built here are for it."""
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise Unavailable("this is no Debian")


def mirror():
    """The one that this machine's apt uses."""
    lines = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").splitlines()
    return next(line for line in lines if "security" not in line)


def minimal(suite):
    """A folder with a minimal Debian, which is kept. Needs the network."""
    folder = FOLDERS / suite
    if not (folder / ".made").exists():
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        print(f"making a minimal Debian in {folder}", flush=True)
        run("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus", suite, folder, mirror())
        (folder / ".made").touch()
    return folder


def download(packages, folder):
    """Puts what `packages` depend on into apt's cache of the minimal Debian in `folder`, as the container reaches no mirror.
    Needs the network."""
    there = [folder / pathlib.Path(package).name for package in packages]
    for package, copy in zip(packages, there):
        shutil.copy(package, copy)
    fetch = ["chroot", folder, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--download-only",
             "--no-install-recommends", *(f"/{copy.name}" for copy in there)]
    try:
        run(*fetch)
    except RuntimeError:  # what its lists name is no longer there
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        run("chroot", folder, "apt-get", "update")
        run(*fetch)
    for copy in there:
        copy.unlink()


class Container:
    """A copy of `folder` that is thrown away, booted. Its own mounts, and those of the caller, must be private."""

    def __init__(self, folder, scratch):
        self.console = scratch / "console"
        layers = {name: scratch / name for name in ("upper", "work", "root")}
        for layer in layers.values():
            layer.mkdir()
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={folder},upperdir={layers['upper']},workdir={layers['work']}", layers["root"])
        self.root = layers["root"]
        # --register=no, --keep-unit: there may be no systemd here that could be told of it.
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--directory", str(self.root)],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        try:
            self.leader = wait_for("the container's init", self._init, 10)
            wait_for(self._state, lambda: self._state() == "running", 60)
        except AssertionError as error:
            self.stop()
            raise Unavailable(f"no container boots here: {error}\n{self.console.read_text(errors='replace')}") from error

    def _init(self):
        if self.process.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended with {self.process.returncode}")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next((child for child in children if self._is_init(child)), None)  # beside those that make it

    @staticmethod
    def _is_init(process):
        try:
            status = pathlib.Path(f"/proc/{process}/status").read_text()
        except OSError:
            return False
        return re.search(r"^NSpid:.*\t1$", status, re.MULTILINE)

    def _state(self):
        try:
            return self("systemctl", "is-system-running").strip()
        except RuntimeError as error:
            return str(error)

    def command(self, *command):
        """A command as it is run in it, for who starts it themselves."""
        return ["nsenter", "--target", self.leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TERM=dumb",
                "DEBIAN_FRONTEND=noninteractive", *map(str, command)]

    def __call__(self, *command):
        """Runs a command in it; its output. RuntimeError when it fails."""
        return run(*self.command(*command), timeout=120)

    def start(self, *command):
        """Starts a command in it: a process that the caller ends."""
        return subprocess.Popen(self.command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def fails(self, *command):
        """Runs a command that must fail; its output."""
        try:
            output = self(*command)
        except RuntimeError as error:
            return str(error)
        raise AssertionError(f"{' '.join(command)} did not fail:\n{output}")

    def path(self, path):
        """Where a path of it is for this process, mounts that it has made included."""
        return pathlib.Path(f"/proc/{self.leader}/root") / path.lstrip("/")

    def stop(self):
        if self.process.poll() is None:
            try:
                self("systemctl", "poweroff")
                self.process.wait(20)
            except (RuntimeError, AttributeError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
