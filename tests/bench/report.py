"""The results of scripts/bench as tables of Markdown, and into docs/performance.md."""
import re

import chart
import command_costs
import traces
from chart import NAMES
from servers import SYSTEMS


def table(head, rows):
    """The first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figure(value):
    """With three digits that say something."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def ratio(value, other):
    return f"{value / other:.{1 if value >= 10 * other else 2}f}×" if other else "–"


def cpu(results):
    rows = []
    for subscribers, systems in results.items():
        for system in (name for name in SYSTEMS if name in systems):
            it = systems[system]
            against = [ratio(it["record_us"], systems[other]["record_us"] if other in systems else 0)
                       for other in ("redis", "relay")]
            rows.append([f"{NAMES[system]}, {subscribers}", figure(it["record_us"]), figure(it["lowest_us"]),
                         figure(it["highest_us"]), figure(it["event_us"]), f"{it['records_per_s']:,.0f}",
                         f"{it['peak_mib']:.1f}", *against])
    return table(["system, subscribers", "µs a record", "lowest", "highest", "µs an event", "records a second",
                  "peak MiB", "to Redis", "to the relay"], rows)


def filtered(results):
    rows = []
    for n, group in results.items():
        aribus, relay = group["aribus"], group["relay"]
        rows += [[f"aribus, `types` of one type, {n}", figure(aribus["record_us"]), figure(aribus["event_us"]),
                  ratio(aribus["record_us"], relay["record_us"])],
                 [f"bare relay, told whom each event is for, {n}", figure(relay["record_us"]), figure(relay["event_us"]),
                  "1×"]]
    return table(["subscribers, a twentieth each", "µs a record", "µs an event", "to the relay"], rows)


def latency(results):
    rows = []
    for rate, systems in results.items():
        for system in (name for name in SYSTEMS if name in systems):
            it = systems[system]
            rows.append([f"{NAMES[system]}, {int(rate):,}/s", *(figure(it[name]) for name in chart.QUANTILES),
                         figure(it["record_us"])])
    return table(["system, events a second", *(f"{name} µs" for name in chart.QUANTILES), "CPU µs a record"], rows)


def web(results):
    rows = [[name, figure(it["record_us"]), figure(it["lowest_us"]), figure(it["highest_us"]),
             ratio(it["record_us"], results["unix"]["record_us"])]
            for name, it in (("Unix socket", results["unix"]), ("WebSocket", results["web"]))]
    return table([f"{results['subscribers']} subscribers, {results['rate']:,} events a second", "µs a record", "lowest",
                  "highest", "to the Unix socket"], rows)


def memory(results):
    return table(["aribusd", "RSS MiB", "PSS MiB", "peak RSS MiB"],
                 [[it["what"], *(f"{it[name]:.1f}" for name in ("rss_mib", "pss_mib", "peak_mib"))] for it in results])


def instructions(results):
    names = {f"event_{kind}_{version}": f"an event of Asterisk {version}, {kind}"
             for version in traces.VERSIONS for kind in traces.KINDS}
    names["event_groups"] = "an event, where one of 100 worker groups gets the calls"
    kinds = [[words, f"{results[name]:,}", f"{results[name + '_alone']:,}"] for name, words in names.items() if name in results]
    return table([results["toolchain"], "64 at a time", "alone"],
                 [["an event, WebSocket to ring", f"{results['event']:,}", f"{results['event_alone']:,}"], *kinds,
                  ["one delivery", f"{results['delivery']:,}", f"{results['delivery_alone']:,}"]])


def load(results):
    lost = results["lost"]
    told = (f"told of {lost['records']:,} lost records in {lost['notifications']} notifications, exactly"
            if lost["notifications"] else "resumed without loss")
    rows = [["events", f"{results['rate']:,} a second for {results['seconds']:.0f} s"],
            ["subscribers", f"{results['subscribers']}, of which {results['stalled']} stop reading for "
                            f"{results['stalled_s']:g} s"],
            ["the others: gaps", "none"],
            ["the others: worst latency", f"{results['max_us'] / 1000:.1f} ms (allowed: {results['max_allowed_ms']:g} ms)"],
            ["the others: p50, p99, p99.9", ", ".join(f"{figure(results[name])} µs" for name in chart.QUANTILES[:3])],
            [f"the {results['stalled']}", told],
            ["Asterisk's longest wait in a write", f"{results['longest_write_ms']:.1f} ms (it cuts off at 100 ms)"],
            ["processor time of aribusd", f"{results['cpu_share']:.0%} of one; for {results['waited_s']:.1f} s other programs "
                                          "had it"],
            ["peak memory of aribusd", f"{results['peak_mib']:.1f} MiB"],
            ["verdict", "**passed**" if results["passed"] else "**failed**"]]
    return "\n".join(["| load | |", "|---|---|"] + [f"| {name} | {value} |" for name, value in rows]) + "\n"


def scale(results):
    rows = []
    for name, it in results["phases"].items():
        rows.append([name, f"{it['seconds']:.1f}", ("" if it["exact"] else "≤ ") + f"{it['turn_ms']:.1f}",
                     f"{it['p99'] / 1000:.1f}" if it.get("count") else "–", f"{it['cpu_s']:.1f}", f"{it['waited_s']:.1f}"])
    head = [f"{results['channels']:,} channels, {results['bridges']:,} bridges; {results['rate']:,} events a second to "
            f"{results['subscribers']} subscribers", "seconds", "longest turn, ms", "p99 of the subscribers, ms",
            "processor time, s", "other programs had the processor, s"]
    taken = results["taken"]
    last = (f"\n{results['snapshots']} snapshots at once, of {taken['snapshot_mib']:.1f} MiB each: {taken['seconds']:.2f} s, "
            f"{taken['mib']:.0f} MiB of memory. Allowed: turns of {results['max_turn_ms']:g} ms, a p99 of "
            f"{results['max_p99_ms']:g} ms, {results['max_snapshots_s']:g} s and {results['max_snapshots_mib']:g} MiB for the "
            f"snapshots: **{'passed' if results['passed'] else 'failed'}**\n")
    return table(head, rows) + last


def about(results):
    trace, waits = results["trace"], results.get("waits")
    rows = [["measured", f"{results['date']}, aribus {results['aribus']}"],
            ["machine", f"{results['processor']}, {results['processors']} processors, {results['memory_gib']:.0f} GiB"],
            ["kernel", results["kernel"]],
            ["system", results["system"]],
            *([name, version] for name, version in results["versions"].items()),
            *([["other programs", f"kept the servers from their processor for {waits['median']:.0%} of their time (median of "
                                  f"all runs), at most {waits['most']:.0%}"]] if waits else []),
            ["events", f"{trace['events']:,} of a real Asterisk 22, {trace['types']} types, {trace['mean_bytes']:.0f} bytes "
                       "each on average"]]
    return "\n".join(["| | |", "|---|---|"] + [f"| {name} | {value} |" for name, value in rows]) + "\n"


def bridge(results):
    cost, steady, subscribers, daemons = (results[name] for name in ("cost", "steady", "subscribers", "daemons"))
    rate = f"{steady['rate']:,}/s"
    rows = []
    for what, group in (("as fast as it goes", cost), (rate, steady)):
        ours, plain = group["aribus-nats"], group["plain"]
        rows += [[f"aribus-nats, {what}", figure(ours["record_us"]), ratio(ours["record_us"], plain["record_us"])],
                 [f"plain publisher with libnats, {what}", figure(plain["record_us"]), "1×"]]
    costs = table(["processor time", "µs a record", "to the plain one"], rows)
    it = steady["aribus-nats"]
    speed = table(["aribus-nats", ""], [
        ["records a second from the daemon's ring into NATS", f"{cost['aribus-nats']['records_per_s']:,.0f}"],
        [f"records behind at the end of {rate}", f"{it['behind']:,.0f}"],
        ["peak RSS, MiB", f"{it['rss_mib']:.1f}"]])
    own = table([f"the daemon's own subscribers, {subscribers['rate']:,} events/s", *(f"{name} µs" for name in chart.QUANTILES)],
                [[words, *(figure(subscribers[name][quantile]) for quantile in chart.QUANTILES)]
                 for name, words in (("without", "without aribus-nats"), ("with", "with aribus-nats"),
                                     ("beside", "with it, and nats-server on the subscribers' processor"),
                                     ("plain", "without it: a plain publisher and nats-server on their processor"))])
    commands = table(["a command", "p50 µs", "p99 µs"],
                     [[f"`{method}`, {by}", figure(of[name]["p50"]), figure(of[name]["p99"])]
                      for method, of in results["commands"].items()
                      for name, by in (("socket", "by the socket"), ("nats", "by NATS"))])
    many = table([f"{daemons['daemons']} daemons, records/s together", "processor of nats-server", "µs a record", "RSS MiB",
                  "bytes on disk a record", "stored after, p50 ms", "p99 ms", "max ms"],
                 [[f"{it['records_per_s']:,.0f}", f"{it['cpu_share']:.0%}", figure(it["record_us"]), figure(it["rss_mib"]),
                   f"{it['disk_bytes']:,.0f}", *(figure(it["stored_ms"][name]) for name in ("p50", "p99", "max"))]
                  for it in daemons["rates"]])
    return "\n".join([about(results["about"]), costs, speed, own, commands, many])


def commands(results):
    names = command_costs.NAMES
    parts = []
    for asterisk, it in results["asterisks"].items():
        rows = [[names[name], place, figure(row["p50_us"]), figure(row["p99_us"]),
                 *(f"{row['per_second'][str(n)]:,.0f}" if str(n) in row["per_second"] else "–"
                   for n in results["in_flight"])]
                for name in names for place, targets in it["rows"].items() if (row := targets.get(name))]
        parts.append(table([f"{asterisk}", "processors", "p50 µs", "p99 µs",
                            *(f"a second, {n} in flight" for n in results["in_flight"])], rows))
        idle = it["idle"]
        each = [(command_costs.on(place), compared) for place, compared in it["compared"].items()]
        parts.append(table([f"{asterisk}", "measured", "allowed"], [
            *([f"`ping` to the echo, {where}, p50", f"{compared['ping_ratio']:.2f}×", f"{results['max_ping_ratio']:g}×"]
              for where, compared in each),
            *([f"`asterisk.ping` above a direct request, `rest: {rest}`, {where}, p50 µs", figure(max(added, 0)),
               f"{results['max_added_us']:g}"] for where, compared in each for rest, added in compared["added_us"].items()),
            ["wake-ups a second, idle", f"{idle['wake_ups']:.2f}", f"{results['max_wake_ups']:g}"],
            ["processor, idle", f"{idle['share']:.3%}", f"{results['max_idle_share']:.1%}"]]))
    missed = "; ".join(results["missed"])
    return "\n".join([*parts, f"Missed: {missed}.\n" if missed else "All are within what is allowed.\n"])


SECTIONS = {"about": about, "cpu": cpu, "filtered": filtered, "web": web, "latency": latency, "memory": memory,
            "instructions": instructions, "load": load, "commands": commands, "scale": scale, "bridge": bridge}


def write_docs(results, document, sections):
    """Replaces what stands between the marks of `document`; `sections` are names and the functions that render them."""
    text = document.read_text()
    for section, render in sections.items():
        mark = f"<!-- {section}: written by scripts/bench -->\n"
        text, count = re.subn(f"(?s){re.escape(mark)}.*?(?=<!-- end -->)",
                              lambda _: f"{mark}\n{render(results[section])}\n", text)
        if count != 1:
            raise SystemExit(f"{document}: there are {count} places for '{section}'")
    document.write_text(text)
