import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes.command import anju
from stories import ESTATE, said, until

ANJU = Path(sys.executable).with_name("anju")


@pytest.fixture
def community(tmp_path: Path) -> Path:
    file = tmp_path / "community.yaml"
    file.write_text(json.dumps(ESTATE, ensure_ascii=False), encoding="utf-8")
    return file


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    file = tmp_path / "capture.jsonl"
    lines = [said(0, "w-2", "button", pressed="sos"), until(90)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def test_replay_prints_the_same_bytes_twice_and_at_any_batch(capture: Path, community: Path) -> None:
    outputs = [anju("replay", capture, "--community", community, "--batch", batch).stdout for batch in (1, 256, 256)]
    assert outputs[0]
    assert len(set(outputs)) == 1


def test_replay_leaves_chinese_readable_and_keys_sorted(capture: Path, community: Path) -> None:
    lines = anju("replay", capture, "--community", community).stdout.splitlines()
    assert any("徐波" in line for line in lines)
    assert all(list(json.loads(line)) == sorted(json.loads(line)) for line in lines)


@pytest.mark.parametrize(
    ("line", "said_to_be"),
    [
        ("not json", "line 3"),
        ('{"at": "2026-03-02T01:00:00Z"}', "line 3"),
        ('{"at": "2026-03-02T03:00:00Z", "act": {"by": "zhou-jie", "do": "dance", "subject": "zhou-fen"}}', "dance"),
    ],
)
def test_a_wrong_capture_is_exit_2_and_one_line_with_its_number(capture: Path, community: Path, line: str, said_to_be: str) -> None:
    capture.write_text(capture.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    done = anju("replay", capture, "--community", community)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert said_to_be in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "missing.jsonl", "--community", "missing.yaml"),
        ("detect", "missing.npz"),
        ("no-such-command",),
        ("detect", "--no-such"),
    ],
)
def test_wrong_input_is_exit_2_and_one_line(arguments: tuple[str, ...]) -> None:
    done = anju(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_detect_hears_nothing_in_a_wrist_at_rest(tmp_path: Path) -> None:
    file = tmp_path / "rest.npz"
    np.savez(file, acc=np.tile(np.array([[0], [0], [1000]], dtype=np.int16), 1500), off=np.array([0, 1500], dtype=np.int32))
    done = anju("detect", file, "--placement", "wrist")
    assert (done.returncode, done.stdout) == (0, "")


def test_import_says_what_would_change_and_changes_nothing(tmp_path: Path, community: Path) -> None:
    state = tmp_path / "state"
    done = anju("import", community, "--dry-run", "--state", state)
    assert done.returncode == 0
    assert "+ people zhou-jie" in done.stdout
    assert not state.exists()


def test_import_twice_changes_nothing_the_second_time(tmp_path: Path, community: Path) -> None:
    state = tmp_path / "state"
    assert "+ people zhou-jie" in anju("import", community, "--state", state).stdout
    again = anju("import", community, "--state", state)
    assert again.returncode == 0
    assert "zhou-jie" not in again.stdout


def test_a_drill_is_begun_and_reported_of_and_the_red_list_is_printed(tmp_path: Path, community: Path) -> None:
    given = json.loads(community.read_text(encoding="utf-8"))
    given["people"].append({"id": "office", "name": "物业", "roles": ["administrator"], "phone": "+8613900000009"})
    community.write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")
    at = ("--state", tmp_path / "state")
    assert anju("import", community, *at).returncode == 0
    assert "willow zhou-fen: few_contacts" in anju("readiness", *at).stdout
    lines = [json.loads(line) for line in anju("readiness", "--json", *at).stdout.splitlines()]
    assert {"community": "willow", "resident": "xu-bo", "lack": "few_contacts"} in lines
    refused = anju("drill", "begin", "zhou-fen", "--by", "zhou-jie", *at)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "zhou-jie is no administrator" in refused.stderr
    begun = anju("drill", "begin", "zhou-fen", "--by", "office", *at)
    assert begun.stdout.startswith("drill-zhou-fen-")
    report = anju("drill", "report", *at).stdout
    assert "nobody has taken it on" in report
    assert "zhou-jie" in report
    said = json.loads(anju("drill", "report", begun.stdout.strip(), "--json", *at).stdout)
    assert (said["resident"], said["by"], said["state"]) == ("zhou-fen", "office", "open")
    assert anju("drill", "report", "no-such", *at).returncode == 2


OUTLINE = {"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.781]]]}


def test_shapes_go_from_a_drawing_into_a_community_file_and_out_again(tmp_path: Path, community: Path) -> None:
    home = ESTATE["homes"][0]["id"]
    drawing, new = tmp_path / "plan.geojson", tmp_path / "new.yaml"
    drawing.write_text(json.dumps({"type": "Feature", "geometry": OUTLINE, "properties": {"house": home}}), encoding="utf-8")
    done = anju("shapes", "import", drawing, "--community", community, "--by", "house", "--datum", "gcj02", "-o", new)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[0] == "the shape geometry.coordinates[0]: was not closed: repaired"
    out = json.loads(anju("shapes", "export", new, "--datum", "gcj02").stdout)
    assert (out["datum"], out["features"][0]["id"]) == ("gcj02", home)
    assert out["features"][0]["geometry"]["coordinates"][0][:4] == OUTLINE["coordinates"][0]


def test_a_drawing_that_fits_nothing_writes_nothing(tmp_path: Path, community: Path) -> None:
    drawing, new = tmp_path / "plan.geojson", tmp_path / "new.yaml"
    drawing.write_text(json.dumps({"type": "Feature", "geometry": OUTLINE, "properties": {}}), encoding="utf-8")
    done = anju("shapes", "import", drawing, "--community", community, "-o", new)
    assert (done.returncode, len(done.stderr.splitlines()), new.exists()) == (2, 1, False)


def test_an_imported_community_is_exported_by_its_id(tmp_path: Path, community: Path) -> None:
    assert anju("import", community, "--state", tmp_path / "state").returncode == 0
    done = anju("shapes", "export", ESTATE["community"]["id"], "--state", tmp_path / "state")
    assert json.loads(done.stdout)["datum"] == "wgs84"
    assert anju("shapes", "export", "nowhere", "--state", tmp_path / "state").returncode == 2


def test_a_fake_carrier_says_what_to_set_and_a_gateway_set_so_reaches_it(tmp_path: Path) -> None:
    with subprocess.Popen([str(ANJU), "fake-carrier", "--port", "0"], stdout=subprocess.PIPE, encoding="utf-8") as carrier:
        assert carrier.stdout is not None
        said: list[str] = []
        while not said or "TENCENT_BASE_URL" not in said[-1]:
            said.append(carrier.stdout.readline())
            assert said[-1], "it has ended"
        settings = [line for line in said[: said.index("\n")] if not line.startswith("#")]
        (tmp_path / "anju.toml").write_text("".join((f'state = "{tmp_path}"\n', *settings)), encoding="utf-8")
        exports = dict(shlex.split(line)[1].split("=", 1) for line in said if line.startswith("export "))
        assert anju("import", Path(__file__).parents[1] / "examples" / "lakeside.yaml", "--config", tmp_path / "anju.toml").returncode == 0
        command = [str(ANJU), "notify", "--to", "+8613800000001", "--config", str(tmp_path / "anju.toml")]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False, env=os.environ | exports)
        carrier.terminate()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "twilio: accepted"), done.stderr
