"""Pictures of a Chinese map below a community's own shapes: both lie where they are."""

import io
import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from fakes.doors import box, now, two_doors
from fakes.lakeside import Estate, Service, front_door
from fakes.screens import violations
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from geofence.datum import Datum, Gcj02, Wgs84
from store.session import Database
from store.settings import TilesSettings
from web import service
from web.client import is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")

WITHIN_M = 0.5
TILE_PX = 256
EARTH_M = 40_075_016.686


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    return Estate(database, two_doors(), tmp_path / "lakeside.json")


@pytest.fixture
def tiles() -> Iterator[TilesSettings]:
    """A server of tiles, each with its border drawn."""

    class Tile(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            picture, out = Image.new("RGB", (TILE_PX, TILE_PX), "#dfe8dc"), io.BytesIO()
            ImageDraw.Draw(picture).rectangle((0, 0, TILE_PX - 1, TILE_PX - 1), outline="#7a8a76")
            picture.save(out, "PNG")
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(out.getvalue())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tile)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield TilesSettings(
        url=f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}.png", datum=Datum.GCJ02, attribution="© 测绘 <b>GS(2026)1</b>"
    )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def served(estate: Estate, tiles: TilesSettings) -> Iterator[Service]:
    app = service.create_app(estate.database, front_door(), clock=estate.clock, tiles=tiles)
    pages = Service(estate.database, estate.clock, app=app)
    yield pages
    pages.stop()


class Pictures:
    """Where the pictures say that a place is, in pixels of the screen; worked out without the client."""

    def __init__(self, page: Page) -> None:
        tile = page.locator("img.leaflet-tile-loaded").first
        box, src = tile.bounding_box(), tile.get_attribute("src")
        assert box is not None
        assert src is not None
        z, x, y = (int(one) for one in src.removesuffix(".png").split("/")[-3:])
        self._left, self._top, self._tile_px = box["x"], box["y"], box["width"]
        self._x, self._y, self._n = x, y, 2.0**z

    def px(self, lon_deg: float, lat_deg: float) -> tuple[float, float]:
        shifted = Wgs84.of(Datum.WGS84, [lon_deg], [lat_deg]).to_gcj02()
        lon, lat = float(shifted.lon_deg[0]), math.radians(float(shifted.lat_deg[0]))
        across = (lon + 180) / 360 * self._n - self._x
        down = (1 - math.asinh(math.tan(lat)) / math.pi) / 2 * self._n - self._y
        return self._left + across * self._tile_px, self._top + down * self._tile_px

    def place(self, x_px: float, y_px: float) -> tuple[float, float]:
        across, down = (x_px - self._left) / self._tile_px + self._x, (y_px - self._top) / self._tile_px + self._y
        lat_deg = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down / self._n))))
        found = Gcj02(lon_deg=np.array([across / self._n * 360 - 180]), lat_deg=np.array([lat_deg])).to_wgs84()
        return float(found.lon_deg[0]), float(found.lat_deg[0])

    def metres(self, px: float, lat_deg: float) -> float:
        return px * EARTH_M * math.cos(math.radians(lat_deg)) / self._n / self._tile_px


def middle_of(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def metres_apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    return math.hypot((a[0] - b[0]) * 111_320 * math.cos(math.radians(a[1])), (a[1] - b[1]) * 110_900)


def test_shapes_lie_within_half_a_metre_of_where_a_chinese_maps_pictures_have_them(
    estate: Estate, served: Service, screen: Callable[..., Page]
) -> None:
    page = screen("zh-CN", 390, 844, who="wang-lei", touch=True)
    page.goto(f"{served.url}/app/fences")
    expect(page.locator("img.leaflet-tile-loaded")).not_to_have_count(0)
    expect(page.locator(".map .leaflet-control-attribution")).to_have_text("© 测绘 <b>GS(2026)1</b>")
    pictures = Pictures(page)
    own = [(lon, lat) for lon, lat in box(0, 0, 9, 9)]
    corners = [pictures.px(lon, lat) for lon, lat in own]
    wanted = tuple((min(side) + max(side)) / 2 for side in zip(*corners, strict=True))
    found = middle_of(page, ".map .own")
    lat_deg = own[0][1]
    assert pictures.metres(math.dist(wanted, found), lat_deg) < WITHIN_M

    page.get_by_role("button", name="画一个新的").click()
    page.get_by_role("button", name="门窗前画一条线").click()
    home = page.locator(".map .own").bounding_box()
    assert home is not None
    taps = [(home["x"] + home["width"] * share, home["y"] + home["height"] * 1.18) for share in (0.15, 0.85)]
    for number, (x_px, y_px) in enumerate(taps, start=1):
        page.touchscreen.tap(x_px, y_px)
        expect(page.get_by_role("button", name=f"第{number}个点，共{number}个")).to_have_count(1)
    under = Pictures(page)
    meant = [under.place(*at) for at in taps]
    page.get_by_label("名字", exact=True).fill("窗前")
    assert violations(page) == []
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator(".fence-card", has_text="窗前")).to_be_visible()
    made = next(one for one in now(estate).fences if one.id not in {"terrace", "estate"})
    assert all(metres_apart(at, drawn) < WITHIN_M for at, drawn in zip(meant, made.path, strict=True))
