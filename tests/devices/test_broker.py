import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.brokers import Publisher, embedded, free_port, listens, until

from devices.broker import (
    INGEST,
    BrokerConfig,
    BrokerError,
    Credentials,
    CredentialsError,
    EmbeddedBroker,
    PortInUseError,
    credentials_of,
    new_device,
    render,
)
from devices.mqtt import BrokerLink


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


def ears_of_ingest(broker: EmbeddedBroker) -> Publisher:
    ears = Publisher(broker.mqtt_url, INGEST, credentials_of(broker.config.folder).ingest)
    ears.listen("anju/#")
    return ears


def device(broker: EmbeddedBroker, name: str) -> Publisher:
    user, token = new_device(broker.config.folder, "elm", name)
    broker.reload()

    # A reload takes a moment, and until then the user is unknown.
    def admitted() -> bool:
        with Publisher(broker.mqtt_url, user, token) as probe:
            return not probe.refused

    until(admitted, "the new device is admitted")
    return Publisher(broker.mqtt_url, user, token)


def test_a_device_that_is_made_while_the_server_runs_is_admitted_and_heard_by_ingest(broker: EmbeddedBroker) -> None:
    with ears_of_ingest(broker) as ears, device(broker, "w-01") as wearable:
        wearable.publish("anju/elm/w-01/button", b"mine")
        until(lambda: ears.heard == [("anju/elm/w-01/button", b"mine")], "ingest hears the device")


def test_a_device_cannot_publish_on_anothers_topic(broker: EmbeddedBroker) -> None:
    with ears_of_ingest(broker) as ears, device(broker, "w-01") as wearable:
        for topic in (
            "anju/elm/w-02/button",
            "anju/oak/w-01/button",
            "anju/elm/w-01/button/more",
            "cmd/elm/w-01",
            "$MQTT/sub/x",
            "anju/elm/w-01",
        ):
            wearable.publish(topic, b"not mine")
        wearable.publish("anju/elm/w-01/button", b"mine")
        until(lambda: ears.heard, "ingest hears something")
        assert ears.heard == [("anju/elm/w-01/button", b"mine")]


@pytest.mark.parametrize("theirs", ["#", "anju/#", "anju/elm/+/button", "+/+/+/+", "$MQTT/#", "$MQTT/msgs/#", "$SYS/#", "cmd/elm/w-02/#"])
def test_a_device_cannot_hear_another(broker: EmbeddedBroker, theirs: str) -> None:
    with device(broker, "w-01") as curious, device(broker, "w-02") as other, ears_of_ingest(broker) as ears:
        curious.listen(theirs)
        other.publish("anju/elm/w-02/button", b"private")
        until(lambda: ears.heard, "ingest hears the other")
        curious.number("anju/elm/w-01/button", range(1))
        until(lambda: curious.acknowledged, "the server has answered after what it would have sent")
        assert curious.heard == []


def test_the_name_of_ingests_session_cannot_be_known_by_a_device(broker: EmbeddedBroker) -> None:
    token = credentials_of(broker.config.folder).ingest
    link = BrokerLink(name="embedded", url=broker.mqtt_url, username=INGEST, password=token)
    assert token not in link.session
    assert link.session == BrokerLink(name="embedded", url="mqtt://elsewhere:1", username=INGEST, password=token).session
    assert link.session != BrokerLink(name="embedded", url=broker.mqtt_url, username=INGEST, password="guess").session  # noqa: S106


def test_a_wrong_token_is_refused(broker: EmbeddedBroker) -> None:
    user, _ = new_device(broker.config.folder, "elm", "w-01")
    broker.reload()
    with Publisher(broker.mqtt_url, user, "guess") as wearable:
        assert wearable.refused


def test_a_token_is_long_and_kept_only_as_its_hash(tmp_path: Path) -> None:
    user, token = new_device(tmp_path, "elm", "w-01")
    kept = (tmp_path / "credentials.json").read_text()
    assert (user, len(token) * 6 >= 128, token in kept) == ("elm.w-01", True, False)


def test_credentials_are_readable_by_their_owner_only(broker: EmbeddedBroker) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in broker.config.folder.iterdir() if path.suffix in {".json", ".conf"}}
    assert modes == {"credentials.json": 0o600, "nats.conf": 0o600}
    token = credentials_of(broker.config.folder).ingest
    assert token not in (broker.config.folder / "nats.conf").read_text()


def test_a_second_token_ends_the_first(tmp_path: Path) -> None:
    new_device(tmp_path, "elm", "w-01")
    first = credentials_of(tmp_path).devices["elm.w-01"]
    new_device(tmp_path, "elm", "w-01")
    assert credentials_of(tmp_path).devices["elm.w-01"] != first


@pytest.mark.parametrize("name", [">", "*", "w.01", 'w"', "W-01", "", "w-01\n", "x" * 64])
def test_a_name_that_is_no_id_gets_no_permissions(tmp_path: Path, name: str) -> None:
    with pytest.raises(CredentialsError, match="wanted <community>"):
        new_device(tmp_path, "elm", name)


def test_a_gateway_speaks_for_its_community_only(tmp_path: Path) -> None:
    user, _ = new_device(tmp_path, "elm")
    text = render(BrokerConfig(folder=tmp_path), credentials_of(tmp_path))
    assert user == "elm"
    assert 'publish: {allow: ["anju.elm.*.*"]}' in text


def test_a_hash_that_is_none_is_not_written_into_the_configuration(tmp_path: Path) -> None:
    wrong = Credentials(core="a", ingest="b", system="c", devices={"elm.w-01": '"}} # '})
    with pytest.raises(CredentialsError, match="no bcrypt hash"):
        render(BrokerConfig(folder=tmp_path), wrong)


def test_damaged_credentials_are_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"core": ')
    with pytest.raises(CredentialsError, match=re.escape(str(tmp_path))):
        credentials_of(tmp_path)


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    server = embedded(tmp_path)
    with socket.create_server(("127.0.0.1", server.config.mqtt_port)), pytest.raises(PortInUseError) as caught:
        server.start()
    assert str(caught.value).startswith(f"port {server.config.mqtt_port} on 127.0.0.1 cannot be used")
    assert not server.is_running


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = embedded(tmp_path)
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(BrokerError, match="nats-server ended at once"):
        server.start()


def test_it_can_be_stopped_and_started_again(broker: EmbeddedBroker) -> None:
    broker.stop()
    assert not listens(broker.config.nats_port)
    broker.start()
    assert listens(broker.config.mqtt_port)


SUPERVISOR = """
import sys, time
from pathlib import Path
from devices.broker import BrokerConfig, EmbeddedBroker
server = EmbeddedBroker(BrokerConfig(folder=Path(sys.argv[1]), nats_port=int(sys.argv[2]), mqtt_port=int(sys.argv[3])))
server.start()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_its_supervisor(tmp_path: Path, how: signal.Signals) -> None:
    ports = free_port(), free_port()
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path), *map(str, ports)], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"ready\n"
        assert listens(ports[1])
        supervisor.send_signal(how)
    until(lambda: not any(map(listens, ports)), "the server has ended")


def test_a_leash_answers_the_status_of_its_command() -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    leash = [sys.executable, "-m", "devices.leash", sys.executable, "-c"]
    for code, status in (("raise SystemExit(3)", 3), (script, 128 + signal.SIGKILL)):
        with subprocess.Popen([*leash, code], stdin=subprocess.PIPE) as held:
            assert held.wait(20) == status


def test_a_leash_passes_signals_on() -> None:
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGHUP, lambda *_: (print('heard', flush=True), sys.exit(7)))\n"
        "print('ready', flush=True)\nsignal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "devices.leash", sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as leash:
        assert leash.stdout is not None
        assert leash.stdout.readline() == b"ready\n"
        leash.send_signal(signal.SIGHUP)
        assert leash.stdout.readline() == b"heard\n"
        assert leash.wait(20) == 7
