"""Benchmarks."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from benchmarks import delivery as bench_delivery
from benchmarks import fall as bench_fall
from benchmarks import geofence as bench_geofence
from benchmarks import geofence_noise as bench_noise
from benchmarks import ingest as bench_ingest
from benchmarks import measure
from benchmarks import month as bench_month
from benchmarks import pipeline as bench_pipeline
from benchmarks import rehearsal as bench_rehearsal
from commands.options import input_file, rules


@click.command()
@click.argument("what", type=click.Choice(["fall", "geofence", "ingest", "pipeline", "delivery", "rehearsal", "month"]))
@click.option("--recordings", type=input_file, metavar="FILE.npz", help="Recordings of people, which `fall` is then measured on as well.")
@click.option("--noise", is_flag=True, help="Of `geofence`: false events against delay, with positions that err; some minutes.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def bench(what: str, *, recordings: Path | None, noise: bool, as_json: bool) -> None:
    """Measure, beside the peer that it is compared with, in one run."""
    if recordings is not None and what != "fall":
        raise click.BadOptionUsage("--recordings", f"--recordings is given to {what}, wanted with fall alone")
    if noise:
        if what != "geofence":
            raise click.BadOptionUsage("--noise", f"--noise is given to {what}, wanted with geofence alone")
        bench_noise.tell(bench_noise.rows(), as_json=as_json)
        return
    pipeline = rules()
    run: Mapping[str, Callable[[], measure.Figures]] = {
        "fall": lambda: bench_fall.run(recordings),
        "geofence": bench_geofence.run,
        "ingest": bench_ingest.run,
        "pipeline": lambda: bench_pipeline.run(pipeline),
        "delivery": bench_delivery.run,
        "rehearsal": lambda: bench_rehearsal.run(pipeline),
        "month": lambda: bench_month.run(pipeline),
    }
    measure.tell(run[what](), as_json=as_json)
