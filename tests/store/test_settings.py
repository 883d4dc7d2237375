"""What an installation chooses, and what it is told of a wrong choice."""

from pathlib import Path

import pytest

from geofence.datum import Datum
from store import settings
from store.model import InputError

TILES = '[tiles]\nurl = "{url}"\ndatum = "{datum}"\nattribution = "© 测绘"\n'


def load(folder: Path, text: str) -> settings.Settings:
    file = folder / "anju.toml"
    file.write_text(text, encoding="utf-8")
    return settings.load(file, None)


def test_pictures_below_the_map_come_from_one_origin(tmp_path: Path) -> None:
    tiles = load(tmp_path, TILES.format(url="https://tiles.example.cn:8443/{z}/{x}/{y}.png?key=a", datum="gcj02")).tiles
    assert tiles is not None
    assert (tiles.origin, tiles.datum, tiles.max_zoom) == ("https://tiles.example.cn:8443", Datum.GCJ02, 18)
    assert load(tmp_path, "").tiles is None


@pytest.mark.parametrize(
    ("url", "datum", "said"),
    [
        ("http://tiles.example.cn/{z}/{x}/{y}.png", "gcj02", "is no address of tiles, wanted https://host/…"),
        ("https://{s}.example.cn/{z}/{x}/{y}.png", "gcj02", "is no address of tiles, wanted https://host/…"),
        ("https://example.cn; script-src */{z}/{x}/{y}", "gcj02", "is no address of tiles, wanted https://host/…"),
        ("https://tiles.example.cn/{z}/{x}.png", "gcj02", "has no {y}"),
        ("https://tiles.example.cn/{z}/{x}/{y}.png", "bd09", "tiles.datum"),
    ],
)
def test_pictures_that_cannot_be_are_refused(tmp_path: Path, url: str, datum: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path, TILES.format(url=url, datum=datum))
    assert said in str(refused.value)
