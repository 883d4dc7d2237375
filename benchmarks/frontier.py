"""The picture of the noise benchmark, in an environment with the extra `training`.

anju bench geofence --noise --json | python -m benchmarks.frontier docs/images/fence-frontier.svg
"""

import argparse
import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from geofence.sides import CERTAIN

_FAMILIES = {"naive": "0.5", "hysteresis": "tab:orange", "Kalman": "tab:green", "ours": "tab:blue"}

_MISSED = 0.05
"""What misses more is no detector."""


def draw(rows: list[dict[str, float | str]], to: Path) -> None:
    """False events an hour against the median delay, of each detector; below what was played, nothing is known."""
    # Of cameras there is one detector, and no frontier.
    rows = [row for row in rows if str(row["detector"]).startswith(tuple(_FAMILIES))]
    places = list(dict.fromkeys(str(row["where"]) for row in rows))
    figure, axes = plt.subplots(1, len(places), figsize=(3.1 * len(places), 4.2), sharey=True)
    for axis, place in zip(axes, places, strict=True):
        here = [row for row in rows if row["where"] == place]
        least = 1.0 / float(here[0]["hours"])
        for family, colour in _FAMILIES.items():
            points = [
                (float(row["median_delay_s"]), max(float(row["false_per_hour"]), least))
                for row in here
                if str(row["detector"]).startswith(family) and float(row["missed"]) <= _MISSED * float(row["crossings"])
            ]
            if points:
                axis.plot(*zip(*points, strict=True), "o-", color=colour, label=family, markersize=4, linewidth=1)
        for row in here:
            if row["detector"] in {"ours", f"ours, p > {CERTAIN:g}"}:
                axis.plot(float(row["median_delay_s"]), max(float(row["false_per_hour"]), least), "k*", markersize=11, label="the default")
        axis.axhline(least, color="0.8", linewidth=1)
        axis.set(yscale="log", title=place.replace("sigma", "σ"), xlabel="median delay, s")
        axis.title.set_fontsize(10)
        axis.grid(visible=True, alpha=0.3)
    axes[0].set_ylabel("false events an hour (line: one in all that was played)")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(to, metadata={"Date": None})


def main() -> None:
    """Run the command line."""
    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "anju", "svg.fonttype": "none", "font.family": "sans-serif"}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frontier", description=__doc__)
    parser.add_argument("to", type=Path)
    draw(json.load(sys.stdin), parser.parse_args().to)


if __name__ == "__main__":
    main()
