#!/usr/bin/env python3
"""Runs the IVR of each language through calls, and through restarts of itself, of aribusd and of Asterisk.

Usage: ivr_test.py ASTERISK LANGUAGES SCENARIOS

ASTERISK    sim, or versions of ARIBUS_ASTERISK_VERSIONS that were started by scripts/asterisk: "real" for all of them
LANGUAGES   python,node,cpp or some of them; they run side by side
SCENARIOS   the names of functions below, with commas
"""
import os
import signal
import sys
import threading
import time
import traceback

import stage
from stage import Real, Simulated, Stage, wait_for
from waiting import let_pass


def menu(on, times=1):
    """A call comes and hears the menu."""
    caller = on.call()
    on.ivr.wait(f"menu {caller.channel}", times)
    return caller


def connect(on, caller):
    """The caller presses 1 and talks to the party."""
    caller.press("1")
    on.ivr.wait(f"talking {caller.channel}")
    wait_for("caller and party are in the bridge", lambda: on.bridged(caller.channel))


def leave(on, caller):
    caller.hang_up()
    on.ivr.wait(f"ended {caller.channel}")
    wait_for("nothing is left of the call", lambda: on.gone(caller.channel))


def calls(language, asterisk):
    with Stage(language, asterisk) as on:
        on.daemon.wait_ready()
        caller = menu(on)
        caller.press("9")
        on.ivr.wait(f"menu {caller.channel}", 2)  # that was no choice
        other = menu(on)
        connect(on, caller)
        leave(on, other)
        leave(on, caller)
        assert on.ivr.digits(caller.channel) == "91"


def no_digit_is_lost(on, caller, digits, disturbances):
    """The caller presses five digits a second, while a second apart something disturbs."""
    def press():
        for digit in digits:
            caller.press(digit)
            let_pass(0.2)
    pressing = threading.Thread(target=press)
    pressing.start()
    for disturb in disturbances:
        let_pass(1.1)
        disturb()
    pressing.join()
    wait_for(lambda: f"1{digits} in {on.ivr.digits(caller.channel)}",
             lambda: on.ivr.digits(caller.channel) == "1" + digits)


def ivr_restarted(language, asterisk):
    """No digit is lost while the program that wants it is killed and started again, or only disconnected."""
    with Stage(language, asterisk) as on:
        on.daemon.wait_ready()
        caller = menu(on)
        connect(on, caller)
        digits = "".join(str(number * 7 % 10) for number in range(30))
        no_digit_is_lost(on, caller, digits, [lambda number=number: on.ivr.restart(number) for number in
                                              (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)])
        assert on.bridged(caller.channel)
        leave(on, caller)


def aribusd_restarted(language, asterisk):
    """In the menu the caller is asked again, as a digit may have been missed; who talks, talks on."""
    for bus_path in (True, False):
        with Stage(language, asterisk, bus_path=bus_path) as on:
            on.daemon.wait_ready()
            caller = menu(on)
            for menus, number in ((2, signal.SIGKILL), (3, signal.SIGTERM)):
                on.daemon.restart(number)
                on.ivr.wait(f"menu {caller.channel}", menus)
            connect(on, caller)
            on.daemon.restart(signal.SIGKILL)
            on.daemon.wait_ready()
            missed = menu(on)
            connect(on, missed)
            assert on.bridged(caller.channel)
            # Who leaves while nobody listens is found out.
            end_of_daemon = stage.end(on.daemon.process, signal.SIGKILL)
            assert end_of_daemon == -signal.SIGKILL
            missed.hang_up()
            on.daemon.start()
            on.ivr.wait(f"ended {missed.channel}")
            wait_for("nothing is left of the call", lambda: on.gone(missed.channel))
            leave(on, caller)


def ended_unheard(language, asterisk):
    """A call whose end no event reports has ended, too: aribusd finds it out by itself."""
    with Stage(language, asterisk) as on:
        on.daemon.wait_ready()
        caller = menu(on)
        ends = ("StasisEnd", "ChannelDestroyed", "ChannelHangupRequest", "ChannelLeftBridge")
        filtered = {"disallowed": [{"type": name} for name in ends]}
        answer = asterisk.rest("PUT", f"/ari/applications/{on.app}/eventFilter", filtered)
        assert answer.status == 200, (answer.status, answer.body)
        caller.hang_up()
        on.ivr.wait(f"ended {caller.channel}", seconds=60)


def digits_while_aribusd_restarts(language, asterisk):
    """When Asterisk connects to aribusd it keeps its events: no digit is lost."""
    if asterisk.version != "22":
        return
    port, more = 27000 + os.getpid() % 900, ""
    more = f"    mode: outbound\n    listen: {{port: {port}}}\n"
    on = Stage(language, asterisk, more)
    ari, client = asterisk.folder / "etc/asterisk/ari.conf", asterisk.folder / "etc/asterisk/websocket_client.conf"
    before = ari.read_text()
    client.write_text(f"[ivr]\ntype=websocket_client\nconnection_type=persistent\nuri=ws://127.0.0.1:{port}/ari\n"
                      f"protocols=ari\nusername={stage.USER}\npassword={stage.PASSWORD}\nreconnect_interval=200\n")
    ari.write_text(before + f"\n[ivr-events]\ntype=outbound_websocket\nwebsocket_client_id=ivr\napps={on.app}\n"
                   f"local_ari_user={stage.USER}\nsubscribe_all=no\n")

    def reload():
        for module in ("res_websocket_client.so", "res_ari.so"):
            asterisk.run("cli", asterisk.version, f"module reload {module}")
    try:
        reload()
        with on:
            on.daemon.wait_ready()
            caller = menu(on)
            connect(on, caller)
            digits = "".join(str(number * 3 % 10) for number in range(30))
            no_digit_is_lost(on, caller, digits, [on.daemon.restart] * 3)
            assert not any(line.startswith("missed something") for line in on.ivr.lines())
            leave(on, caller)
    finally:
        ari.write_text(before)
        client.write_text("")
        reload()


together = threading.Barrier(1)


def asterisk_restarted(language, asterisk):
    with Stage(language, asterisk) as on:
        on.daemon.wait_ready()
        listening, caller = menu(on), menu(on)
        connect(on, caller)
        if together.wait(60) == 0:  # one restart for all that run side by side
            asterisk.restart()
        together.wait(60)
        for one in (caller, listening):
            on.ivr.wait(f"ended {one.channel}", seconds=40)
        on.daemon.wait_ready()
        caller = menu(on)
        connect(on, caller)
        leave(on, caller)


def main():
    which, languages, scenarios = sys.argv[1:]
    versions = os.environ.get("ARIBUS_ASTERISK_VERSIONS", "").split() if which == "real" else [which]
    if not versions:
        sys.exit("no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22")
    failed = []

    def run(scenario, language, asterisk):
        name, began = f"{scenario.__name__}, {language}, {asterisk.version}", time.monotonic()
        try:
            scenario(language, asterisk)
            print(f"{name}: fine, {time.monotonic() - began:.1f} s", flush=True)
        except BaseException:
            failed.append(name)
            together.abort()
            print(f"{name}: FAILED\n{traceback.format_exc()}", file=sys.stderr, flush=True)

    for version in versions:
        for scenario in map(globals().get, scenarios.split(",")):
            global together
            together = threading.Barrier(len(languages.split(",")))
            asterisks = [Simulated() if version == "sim" else Real(version) for _ in languages.split(",")]
            if version == "sim":
                together = threading.Barrier(1)
            threads = [threading.Thread(target=run, args=(scenario, language, asterisk))
                       for language, asterisk in zip(languages.split(","), asterisks)]
            if scenario is digits_while_aribusd_restarts:  # they write Asterisk's configuration: one after the other
                for thread in threads:
                    thread.start()
                    thread.join()
            else:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            for asterisk in asterisks:
                asterisk.stop()
    sys.exit(f"failed: {'; '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
