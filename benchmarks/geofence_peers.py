"""What else one could use to find the fences that positions are in: the peers of `anju bench geofence`."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
import psycopg
import shapely
from numpy.typing import NDArray

from geofence.given import Outlines

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Pairs = tuple[Int64, Int64]


class Peer(Protocol):
    """Something that says which areas positions are in."""

    def containing(self, lon_deg: Float64, lat_deg: Float64) -> Pairs:
        """All pairs of a position (N,) and a fence."""


def shapes(outlines: Outlines) -> NDArray[np.object_]:
    """The same fences, each of one ring or path, as GEOS has them."""
    vertices = np.stack((outlines.lon_deg, outlines.lat_deg), axis=1)
    owner = np.repeat(np.arange(len(outlines)), np.diff(outlines.ring))
    made = np.empty(len(outlines), np.object_)
    for is_line in (False, True):
        chosen = outlines.is_line == is_line
        some = chosen[owner]
        if chosen.any():
            rows = np.cumsum(chosen)[owner[some]] - 1
            paths = (shapely.linestrings if is_line else shapely.linearrings)(vertices[some], indices=rows)
            made[chosen] = paths if is_line else shapely.polygons(paths)
    return made


class STRtree:
    """shapely's tree, asked in bulk, and prepared polygons."""

    def __init__(self, fences: NDArray[np.object_]) -> None:
        self._fences = fences
        self._tree = shapely.STRtree(fences)
        shapely.prepare(fences)
        # The tree is built when it is first asked.
        self._tree.query(shapely.points([[0.0, 0.0]]))

    def containing(self, lon_deg: Float64, lat_deg: Float64) -> Pairs:
        """All pairs of a position (N,) and a fence."""
        position, fence = self._tree.query(shapely.points(lon_deg, lat_deg))
        inside = shapely.intersects_xy(self._fences[fence], lon_deg[position], lat_deg[position])
        return position[inside], fence[inside]


class Engine:
    """What one would write with shapely and numpy: an exponential mean for each device, a tree asked for what is near, and who was where.

    Positions and fences are in metres. A device is held to be in four areas at most, and near one line.
    """

    share, near_m, areas = 0.3, 3.0, 4

    def __init__(self, fences: NDArray[np.object_], is_line: NDArray[np.bool_], devices: int) -> None:
        self._fences, self._is_line = fences, is_line
        self._tree = shapely.STRtree(fences)
        shapely.prepare(fences)
        self._place = np.full((devices, 2), np.nan)
        self._inside = np.full((devices, self.areas), -1)
        self._line, self._distance_m = np.full(devices, -1), np.full(devices, np.inf)
        self._left = np.zeros(devices, np.bool_)
        ends = np.zeros((len(fences), 2, 2))
        ends[is_line] = shapely.get_coordinates(fences[is_line]).reshape(-1, 2, 2)
        self._from, self._along = ends[:, 0], ends[:, 1] - ends[:, 0]

    def update(self, device: Int64, x_m: Float64, y_m: Float64) -> int:
        """Take at most one fix of each device; how many changes there are."""
        before, fix = self._place[device], np.stack((x_m, y_m), axis=1)
        place = np.where(np.isnan(before), fix, before + self.share * (fix - before))
        self._place[device] = place
        points = shapely.points(place)
        row, fence = self._tree.query(points, predicate="dwithin", distance=self.near_m)
        distance_m = shapely.distance(self._fences[fence], points[row])
        return self._areas(device, row, fence, distance_m) + self._lines(device, place, row, fence, distance_m)

    def _areas(self, device: Int64, row: Int64, fence: Int64, distance_m: Float64) -> int:
        within = (distance_m == 0.0) & ~self._is_line[fence]
        row, fence = row[within], fence[within]
        first = np.concatenate(([True], row[1:] != row[:-1])).nonzero()[0] if len(row) else row
        nth = np.arange(len(row)) - np.repeat(first, np.diff(np.append(first, len(row))))
        now = np.full((len(device), self.areas), -1)
        kept = nth < self.areas
        now[row[kept], nth[kept]] = fence[kept]
        now.sort(axis=1)
        old = self._inside[device]
        changed = (now != old).any(axis=1).nonzero()[0]
        self._inside[device[changed]] = now[changed]
        now, old = now[changed], old[changed]
        entered = (now >= 0) & ~(now[:, :, None] == old[:, None, :]).any(axis=2)
        left = (old >= 0) & ~(old[:, :, None] == now[:, None, :]).any(axis=2)
        return int(entered.sum() + left.sum())

    def _lines(self, device: Int64, place: Float64, row: Int64, fence: Int64, distance_m: Float64) -> int:
        lined = self._is_line[fence]
        row, fence, distance_m = row[lined], fence[lined], distance_m[lined]
        who, at = device[row], place[row] - self._from[fence]
        left = self._along[fence, 0] * at[:, 1] - self._along[fence, 1] * at[:, 0] > 0.0
        same = self._line[who] == fence
        changes = int((~same | (distance_m < self._distance_m[who])).sum() + (same & (left != self._left[who])).sum())
        self._line[device] = -1
        self._line[who], self._distance_m[who], self._left[who] = fence, distance_m, left
        return changes


class DuckDB:
    """DuckDB's spatial extension, with an R-tree, on one thread."""

    def __init__(self, fences: NDArray[np.object_]) -> None:
        import duckdb  # noqa: PLC0415  no dependency of ours
        import duckdb_extension_spatial  # noqa: PLC0415

        (extension,) = Path(duckdb_extension_spatial.__file__).parent.glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension")
        self._connection: Any = duckdb.connect(config={"threads": 1})
        self._connection.execute(f"LOAD '{extension}'")
        self.version = f"DuckDB {duckdb.__version__}"
        wkb = shapely.to_wkb(fences)
        ids = np.arange(len(wkb))
        self._connection.execute("CREATE TABLE given (id BIGINT, wkb BLOB)")
        for begin in range(0, len(wkb), 100_000):
            part = {"id": ids[begin : begin + 100_000], "wkb": wkb[begin : begin + 100_000]}
            self._connection.register("part", part)
            self._connection.execute("INSERT INTO given SELECT id, wkb FROM part")
        self._connection.execute("CREATE TABLE fence AS SELECT id, ST_GeomFromWKB(wkb) AS shape FROM given")
        self._connection.execute("DROP TABLE given")
        self._connection.execute("CREATE INDEX tree ON fence USING RTREE (shape)")

    def containing(self, lon_deg: Float64, lat_deg: Float64) -> Pairs:
        """All pairs of a position (N,) and a fence."""
        self._connection.register("position", {"id": np.arange(len(lon_deg)), "x": lon_deg, "y": lat_deg})
        found = self._connection.execute(
            "SELECT p.id AS position, fence.id AS fence FROM (SELECT id, ST_Point(x, y) AS spot FROM position) p "
            "JOIN fence ON ST_Intersects(fence.shape, p.spot)"
        ).fetchnumpy()
        return np.asarray(found["position"]), np.asarray(found["fence"])


class PostGIS:
    """PostgreSQL with PostGIS and a GiST index, positions sent in binary."""

    def __init__(self, connection: psycopg.Connection, fences: NDArray[np.object_]) -> None:
        self._connection = connection
        self.version = f"PostGIS {connection.execute('SELECT postgis_lib_version()').fetchone()[0]}"  # type: ignore[index]
        connection.execute("CREATE TEMPORARY TABLE given (id bigint, wkb bytea)")
        with connection.cursor().copy("COPY given FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "bytea"])
            for row in enumerate(shapely.to_wkb(fences)):
                copy.write_row(row)
        connection.execute("CREATE TABLE fence AS SELECT id, ST_GeomFromWKB(wkb) AS shape FROM given")
        connection.execute("CREATE INDEX ON fence USING gist (shape)")
        connection.execute("ALTER TABLE fence ADD PRIMARY KEY (id)")
        connection.execute("ANALYZE fence")
        connection.execute("CREATE TEMPORARY TABLE position (id bigint, x float8, y float8)")
        self._server = psutil.Process(connection.info.backend_pid)

    def process_s(self) -> float:
        """Processor time of this process, and of the server's that works for it."""
        server = self._server.cpu_times()
        return time.process_time() + server.user + server.system

    def containing(self, lon_deg: Float64, lat_deg: Float64) -> Pairs:
        """All pairs of a position (N,) and a fence."""
        self._connection.execute("TRUNCATE position")
        with self._connection.cursor().copy("COPY position FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "float8", "float8"])
            for row in zip(range(len(lon_deg)), lon_deg.tolist(), lat_deg.tolist(), strict=True):
                copy.write_row(row)
        rows = self._connection.execute(
            "SELECT p.id, fence.id FROM position p JOIN fence ON ST_Intersects(fence.shape, ST_Point(p.x, p.y))", binary=True
        ).fetchall()
        pairs = np.array(rows, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def change(self, fence: int, shape: shapely.Geometry) -> None:
        """Let a fence be another."""
        self._connection.execute("UPDATE fence SET shape = ST_GeomFromWKB(%b) WHERE id = %s", (shapely.to_wkb(shape), fence))


@contextmanager
def postgresql() -> Iterator[psycopg.Connection]:
    """A server of our own with PostGIS, in a temporary folder, behind a socket there.

    Raises
    ------
    LookupError
        Where PostgreSQL or PostGIS is not installed.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda one: int(one.parts[-3]))
    if not found or not Path(f"/usr/share/postgresql/{found[-1].parts[-3]}/extension/postgis.control").exists():
        raise LookupError("Debian's postgresql and postgis are not installed")
    folder = Path(tempfile.mkdtemp(prefix="anju-postgis-"))
    someone: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        someone = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([found[-1].parent / program, *arguments], cwd=folder, check=True, **quiet, **someone)  # type: ignore[call-overload]  # noqa: S603

    run("initdb", "-D", "data", "-U", "anju", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_parallel_workers_per_gather=0 -c jit=off"
    run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")
    try:
        with psycopg.connect(f"postgresql://anju@/postgres?host={folder}", autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
            yield connection
    finally:
        run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
