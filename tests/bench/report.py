"""The results of scripts/bench as tables of Markdown, and into docs/performance.md."""
import re

import chart
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


def memory(results):
    return table(["aribusd", "RSS MiB", "PSS MiB", "peak RSS MiB"],
                 [[it["what"], *(f"{it[name]:.1f}" for name in ("rss_mib", "pss_mib", "peak_mib"))] for it in results])


def instructions(results):
    return table([results["toolchain"], "64 at a time", "alone"],
                 [["an event, WebSocket to ring", f"{results['event']:,}", f"{results['event_alone']:,}"],
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


def about(results):
    trace, waits = results["trace"], results["waits"]
    rows = [["measured", f"{results['date']}, aribus {results['aribus']}"],
            ["machine", f"{results['processor']}, {results['processors']} processors, {results['memory_gib']:.0f} GiB"],
            ["kernel", results["kernel"]],
            ["system", results["system"]],
            *([name, version] for name, version in results["versions"].items()),
            ["other programs", f"kept the servers from their processor for {waits['median']:.0%} of their time (median of all "
                               f"runs), at most {waits['most']:.0%}"],
            ["events", f"{trace['events']:,} of a real Asterisk 22, {trace['types']} types, {trace['mean_bytes']:.0f} bytes "
                       "each on average"]]
    return "\n".join(["| | |", "|---|---|"] + [f"| {name} | {value} |" for name, value in rows]) + "\n"


SECTIONS = {"about": about, "cpu": cpu, "filtered": filtered, "latency": latency, "memory": memory,
            "instructions": instructions, "load": load}


def write_docs(results, document):
    """Replaces what stands between the marks of `document`, and the charts beside it."""
    text = document.read_text()
    for section, render in SECTIONS.items():
        mark = f"<!-- {section}: written by scripts/bench -->\n"
        text, count = re.subn(f"(?s){re.escape(mark)}.*?(?=<!-- end -->)",
                              lambda _: f"{mark}\n{render(results[section])}\n", text)
        if count != 1:
            raise SystemExit(f"{document}: there are {count} places for '{section}'")
    document.write_text(text)
    chart.write_all(results, document.parent)
