"""Draws the pictures of docs/{scheduling,scaling,performance}.md from benchmarks/results/*.json."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "upscaler"  # The same picture from the same figures.
matplotlib.rcParams["font.size"] = 10

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import NullFormatter, ScalarFormatter  # noqa: E402

SOURCE = Path(__file__).resolve().parents[1]
RESULTS = SOURCE / "benchmarks/results"
PICTURES = SOURCE / "docs/pictures"

# One colour and line for each policy, wherever it is drawn.
STYLES = {
    "one by one": {"color": "#999999", "linestyle": ":"},
    "whole requests": {"color": "#d95f02", "linestyle": "--"},
    "whole requests, same prompt": {"color": "#e7298a", "linestyle": "--"},
    "steps, none": {"color": "#666666", "linestyle": "-"},
    "steps, same_prompt": {"color": "#1b9e77", "linestyle": "-"},
    "steps, fill": {"color": "#1f4fb4", "linestyle": "-"},
}


def read(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text())


def save(figure: plt.Figure, name: str, bottom: float = 0) -> None:
    """Leaves the lower part of the figure, as far as `bottom`, to a legend."""
    figure.tight_layout(rect=(0, bottom, 1, 1))
    path = PICTURES / f"{name}.svg"
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    # Lines that end in blanks are not ours to commit.
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))


def draw_latencies(points: list[dict], name: str, title: str, most: float) -> None:
    """Mean and 95th percentile against load, a line for each policy."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True)
    for axis, quantity, label in zip(axes, ("mean", "p95"), ("mean", "95th percentile")):
        for policy, style in STYLES.items():
            curve = [p for p in points if p["policy"] == policy]
            loads = [p["load"] for p in curve]
            axis.plot(loads, [p["latency"][quantity] for p in curve], label=policy, **style)
        axis.set_yscale("log")
        axis.set_ylim(20, most)
        axis.yaxis.set_major_formatter(ScalarFormatter())
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel("load, of what is done one row at a time")
        axis.set_title(f"{title}: {label}", fontsize=10)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("latency, in steps of one row")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncol=3, fontsize=9)
    save(figure, name, bottom=0.14)


def draw_overload(result: dict) -> None:
    figure, (goodput, refusals) = plt.subplots(1, 2, figsize=(9, 3.2))
    loads = [run["load"] for run in result["runs"]]
    goodput.plot(loads, [run["answers_per_second"] for run in result["runs"]], "o-", color="#1f4fb4")
    goodput.axhline(result["capacity_per_second"], color="#999999", linestyle=":")
    goodput.set_ylim(0, 1.2 * result["capacity_per_second"])
    goodput.set_ylabel("answers a second")
    refused = [run for run in result["runs"] if run["refusal_ms"]]
    for quantile, colour in (("p50", "#1b9e77"), ("p99", "#d95f02")):
        refusals.plot(
            [run["load"] for run in refused],
            [run["refusal_ms"][quantile] for run in refused],
            "o-",
            color=colour,
            label=quantile,
        )
    refusals.set_ylabel("time to a refusal, ms")
    refusals.set_ylim(bottom=0)
    refusals.legend()
    for axis in (goodput, refusals):
        axis.set_xlabel("load, of what can be done")
        axis.grid(alpha=0.3)
    save(figure, "scheduling-overload")


def draw_rivals(result: dict) -> None:
    """Seconds a picture, a bar for each rival, a group of bars for each size."""
    figure, axes = plt.subplots(1, len(result["runs"]), figsize=(9, 2.6))
    for axis, run in zip(axes, result["runs"]):
        names = list(run["rivals"])
        seconds = [rival["median_seconds"] for rival in run["rivals"].values()]
        colours = ["#1b9e77" if name.startswith("ours") else "#999999" for name in names]
        bars = axis.barh(names, seconds, color=colours)
        labels = [
            f"{rival['median_seconds']:.1f} s ({rival['times_ours']:.2f})"
            for rival in run["rivals"].values()
        ]
        axis.bar_label(bars, labels, padding=3, fontsize=9)
        axis.invert_yaxis()
        axis.set_xlim(0, 1.55 * max(seconds))
        axis.set_title(
            f"{run['pixels']} to {2 * run['pixels']} pixels, {run['steps']} steps", fontsize=10
        )
        axis.set_xlabel("seconds a picture (times ours)")
    save(figure, "performance-rivals")


SERVERS = {1: "#d95f02", 2: "#1b9e77", 4: "#1f4fb4", 8: "#666666"}


def draw_fleet_latencies(points: list[dict]) -> None:
    """Median and 95th percentile against load, a line for each number of servers."""
    names = list(dict.fromkeys(point["device"] for point in points))
    figure, axes = plt.subplots(1, len(names), figsize=(9, 4.2))
    for axis, name in zip(axes, names):
        for servers, colour in SERVERS.items():
            curve = [p for p in points if (p["device"], p["servers"]) == (name, servers)]
            loads = [point["load"] for point in curve]
            for quantity, line in (("p95", "-"), ("p50", ":")):
                latencies = [point[quantity] for point in curve]
                label = f"{servers} server{'s'[: servers - 1]}, {quantity}"
                axis.plot(loads, latencies, color=colour, linestyle=line, label=label)
        axis.set_ylim(0, 12 * curve[0]["alone"])
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("load, of what can be done")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("latency, s")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncol=4, fontsize=9)
    save(figure, "scaling-load", bottom=0.14)


def draw_need(points: list[dict]) -> None:
    """Pictures a minute that servers do within a bound of latency."""
    names = list(dict.fromkeys(point["device"] for point in points))[:2]
    figure, axes = plt.subplots(1, len(names), figsize=(9, 3.6))
    for axis, name in zip(axes, names):
        of_device = [point for point in points if point["device"] == name]
        for times in sorted({point["times_alone"] for point in of_device}):
            curve = [point for point in of_device if point["times_alone"] == times]
            most = [p["load"] * p["servers"] * p["capacity_per_minute"] for p in curve]
            label = f"p95 below {curve[0]['p95']:.2g} s"
            axis.plot(most, [point["servers"] for point in curve], "o-", label=label)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("pictures a minute")
        axis.set_ylabel("servers")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=9)
    save(figure, "scaling-need")


def draw_day(runs: list[dict]) -> None:
    """A day with the autoscaler: what comes, servers, waits and refusals; a line for each run."""
    figure, axes = plt.subplots(4, 1, figsize=(9, 8), sharex=True)
    colours = ("#999999", "#1f4fb4", "#d95f02", "#1b9e77")
    parts = (
        ("rate", "pictures a second"),
        ("ready", "servers"),
        ("wait_p95", "wait, p95, s"),
        ("refusals", "refusals in 5 min"),
    )
    for axis, (quantity, label) in zip(axes, parts):
        for run, colour in zip(runs, colours):
            hours = [window["at"] / 3600 for window in run["windows"]]
            values = [window[quantity] for window in run["windows"]]
            axis.plot(hours, values, color=colour, linewidth=1.2, label=run["name"])
            if quantity == "rate":
                break  # The same for all.
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("hour of the day")
    axes[1].legend(fontsize=9, loc="upper left")
    save(figure, "scaling-day")


def main() -> None:
    scaling = read("scaling")
    draw_fleet_latencies(scaling["load"])
    draw_need(scaling["need"])
    draw_day(scaling["day"])
    draw_rivals(read("model"))
    scheduling = read("scheduling")
    draw_latencies(scheduling["gaining"], "scheduling-gaining", "batching gains", 1000)
    draw_latencies(scheduling["linear"], "scheduling-linear", "batching gains nothing", 2000)
    draw_overload(read("overload"))


if __name__ == "__main__":
    main()
