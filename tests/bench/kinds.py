"""What a record costs with a trace of each kind (traces.py), beside Redis: one section of scripts/bench."""
import dataclasses
import pathlib
import statistics
import tempfile

import traces
from report import figure, ratio, table

WORDS = {"plain": "as recorded", "names": "names with quotes and accents", "escapes": "escapes in all values",
         "layouts": "a new layout each", "large": "large variables"}


@dataclasses.dataclass(frozen=True)
class Kinds:
    """The scale of the measurement."""
    repeat: int = 5
    rounds: int = 30              # of the trace
    fill: int = 60_000            # events that come before; they fill aribusd's ring for the most part
    max_to_plain: float = 1.5     # of the same Asterisk's trace as it was recorded
    max_to_redis: float = 1.0


FULL, QUICK = Kinds(), Kinds(repeat=2, rounds=10)
CHECK = Kinds(repeat=1, rounds=1, fill=0, max_to_plain=1000, max_to_redis=1000)


def measure(bench, scale, progress):
    """One subscriber, as fast as the events are taken; the systems and kinds take turns."""
    systems = [system for system in ("aribus", "redis") if system in bench.systems]
    kinds = [(version, kind) for version in traces.VERSIONS for kind in traces.KINDS]
    runs = {}
    with tempfile.TemporaryDirectory(prefix="aribus-traces-") as folder:
        files = {it: pathlib.Path(folder) / "-".join(it) for it in kinds}
        events = {it: traces.write(it[1], it[0], files[it]) for it in kinds}
        plan = [(it, system) for _ in range(scale.repeat) for it in kinds for system in systems]
        for i, (it, system) in enumerate(plan):
            result = bench.traffic(system, trace=files[it], subscribers=1, fill=scale.fill if system == "aribus" else 0,
                                   warm_up=events[it], events=events[it] * scale.rounds, window=2000)
            progress("traces", i, plan, f"{system}, {it[1]} of {it[0]}: {result['record_us']:.3f} µs a record")
            runs.setdefault(it, {}).setdefault(system, []).append(result["record_us"])
        sizes = {it: files[it].stat().st_size / events[it] for it in kinds}
    costs = {it: {system: statistics.median(of) for system, of in group.items()} for it, group in runs.items()}
    rows = [{"asterisk": it[0], "kind": it[1], "mean_bytes": sizes[it], **costs[it],
             "to_plain": costs[it]["aribus"] / costs[it[0], "plain"]["aribus"],
             "to_redis": costs[it]["aribus"] / costs[it]["redis"] if "redis" in costs[it] else 0} for it in kinds]
    return {**dataclasses.asdict(scale), "rows": rows,
            "passed": all(it["to_plain"] <= scale.max_to_plain and it["to_redis"] <= scale.max_to_redis for it in rows)}


def report(results):
    def row(name, it):
        missed = [words for words, bound in (("plain", results["max_to_plain"]), ("Redis", results["max_to_redis"]))
                  if it["to_" + words.lower()] > bound]
        return [name, f"{it['mean_bytes']:,.0f}", figure(it["aribus"]), figure(it["redis"]) if "redis" in it else "–",
                f"{it['to_plain']:.2f}×", f"{it['to_redis']:.2f}×" if it["to_redis"] else "–",
                "over the bound to " + " and ".join(missed) if missed else "kept"]
    rows = [row(f"Asterisk {it['asterisk']}, {WORDS[it['kind']]}", it) for it in results["rows"]]
    rows.append(row("the worst", max(results["rows"], key=lambda it: it["to_plain"])))
    return table(["trace", "bytes an event", "aribus, µs a record", "Redis, µs a record", "to plain", "to Redis",
                  f"bounds: {results['max_to_plain']:g}× plain, {results['max_to_redis']:g}× Redis"], rows)
