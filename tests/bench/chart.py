"""The results of scripts/bench as charts: SVG that fits a light and a dark background."""
import math

QUANTILES = ("p50", "p99", "p99.9", "max")
COLOURS = {"aribus": ("#2563eb", "#6ea8fe"), "redis": ("#c2410c", "#fb923c"), "nats": ("#15803d", "#4ade80"),
           "relay": ("#6b7280", "#9ca3af")}
NAMES = {"aribus": "aribus", "redis": "Redis", "nats": "NATS", "relay": "bare relay"}
WIDTH, HEIGHT = 860, 360
TOP, BOTTOM, LEFT = 76, 44, 58  # around the panels


def style():
    light = "".join(f".{name}{{fill:{colour[0]};stroke:{colour[0]}}}" for name, colour in COLOURS.items())
    dark = "".join(f".{name}{{fill:{colour[1]};stroke:{colour[1]}}}" for name, colour in COLOURS.items())
    return ("text{font:12px system-ui,sans-serif;fill:#1f2937}.title{font-size:15px;font-weight:600}"
            ".small{font-size:11px}.axis{stroke:#9ca3af;stroke-width:1}.grid{stroke:#e5e7eb;stroke-width:1}"
            ".line{fill:none;stroke-width:2}" + light +
            "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.axis{stroke:#6b7280}.grid{stroke:#374151}" + dark + "}")


def text(x, y, words, anchor="middle", kind="", turn=None):
    rotate = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"{rotate}>{words}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def legend(systems):
    parts, x = [], LEFT
    for system in systems:
        parts.append(f'<rect x="{x}" y="38" width="12" height="12" class="{system}"/>')
        parts.append(text(x + 18, 48, NAMES[system], "start"))
        x += 100
    return parts


def document(title, description, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{description}">\n<title>{description}</title>\n<style>{style()}</style>\n'
            + "\n".join([text(LEFT, 24, title, "start", "title"), *parts]) + "\n</svg>\n")


def ticks(highest):
    """Round steps up to at least `highest`."""
    rough = highest / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough)
    return [i * step for i in range(math.ceil(highest / step) + 1)]


def panels(count):
    """Left and right edge of each."""
    width = (WIDTH - 12) / count
    return [(LEFT + i * width, i * width + width) for i in range(count)]


def cpu(results):
    """One panel for each number of subscribers, each with its own scale."""
    systems = [name for name in COLOURS if any(name in group for group in results.values())]
    base, parts = HEIGHT - BOTTOM, legend(systems)
    for (left, right), (subscribers, group) in zip(panels(len(results)), results.items()):
        marks = ticks(max(it["record_us"] for it in group.values()))
        y = lambda value: base - (base - TOP) * value / marks[-1]
        for mark in marks:
            parts += [line(left, y(mark), right, y(mark), "grid" if mark else "axis"),
                      text(left - 6, y(mark) + 4, f"{mark:g}", "end", "small")]
        slot = (right - left) / len(systems)
        for i, system in enumerate(systems):
            if system not in group:
                continue
            value, x = group[system]["record_us"], left + i * slot
            parts += [f'<rect x="{x + slot * 0.15:.1f}" y="{y(value):.1f}" width="{slot * 0.7:.1f}" '
                      f'height="{base - y(value):.1f}" class="{system}"/>',
                      text(x + slot / 2, y(value) - 5, f"{value:.3g}", kind="small")]
        parts.append(text((left + right) / 2, base + 24,
                          f"{subscribers} subscriber{'s' if int(subscribers) > 1 else ''}"))
    parts.append(text(16, (TOP + base) / 2, "µs of processor time", turn=-90))
    return document("Processor time of the server for each delivered record (less is better)",
                    "Processor time per delivered record by system and number of subscribers", parts)


def latency(results):
    """One panel for each rate, on one logarithmic scale."""
    systems = [name for name in COLOURS if any(name in group for group in results.values())]
    values = [group[name][quantile] for group in results.values() for name in group for quantile in QUANTILES]
    low, high = math.floor(math.log10(max(min(values), 1))), math.ceil(math.log10(max(values)))
    base, parts = HEIGHT - BOTTOM, legend(systems)
    y = lambda value: base - (base - TOP) * (math.log10(max(value, 1)) - low) / (high - low)
    for (left, right), (rate, group) in zip(panels(len(results)), results.items()):
        for power in range(low, high + 1):
            words = f"{10 ** power:,} µs" if power < 3 else f"{10 ** (power - 3):,} ms"
            parts += [line(left, y(10 ** power), right, y(10 ** power), "axis" if power == low else "grid"),
                      text(left - 6, y(10 ** power) + 4, words, "end", "small")]
        slot = (right - left) / len(QUANTILES)
        places = [left + slot * (i + 0.5) for i in range(len(QUANTILES))]
        for system in (name for name in systems if name in group):
            points = [(x, y(group[system][quantile])) for x, quantile in zip(places, QUANTILES)]
            parts.append(f'<path d="M{" L".join(f"{x:.1f} {at:.1f}" for x, at in points)}" class="{system} line" '
                         'style="fill:none"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{at:.1f}" r="4" class="{system}"/>' for x, at in points]
        parts += [text(x, base + 18, quantile, kind="small") for x, quantile in zip(places, QUANTILES)]
        parts.append(text((left + right) / 2, base + 36, f"{int(rate):,} events a second, ten subscribers"))
    return document("Time from Asterisk's write to the subscriber's read (less is better)",
                    "Latency quantiles by system and rate, logarithmic", parts)


def write_all(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, render in ("cpu", cpu), ("latency", latency):
        if name in results:
            (folder / f"performance-{name}.svg").write_text(render(results[name]))
