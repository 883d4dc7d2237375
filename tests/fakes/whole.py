"""The whole service as `anju serve` runs it, with a fake carrier's phones and the example's estate, today."""

import json
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fakes.brokers import free_port
from fakes.chain import Radar
from fakes.lakeside import LAKESIDE, Estate

from devices import process
from devices.broker import new_device
from notifier.carrier.carrier import Carrier
from store.session import Database
from store.settings import Settings
from store.settings import write as write_settings

ANJU = Path(sys.executable).with_name("anju")


class Whole:
    """Everything from MQTT to the phones, in processes of its own."""

    def __init__(self, folder: Path, said: dict[str, Any]) -> None:
        public = f"127.0.0.1:{free_port()}"
        self.carrier = Carrier(hooks_url=f"http://{public}")
        self.settings = Settings(
            state=folder,
            http=f"127.0.0.1:{free_port()}",
            public=public,
            public_url=f"http://{public}",
            carrier=self.carrier.url,
            visitors=True,
            gateway=("twilio", "twilio-voice"),
            nats_port=free_port(),
            mqtt_port=free_port(),
            log_gib=0.1,
        )
        self.url = f"http://{self.settings.http}"
        self._said, self._folder, self._stack = said, folder, ExitStack()

    def radar(self, device: str) -> Radar:
        return Radar(f"anju/{LAKESIDE}/{device}/targets", f"mqtt://127.0.0.1:{self.settings.mqtt_port}", *self._credentials)

    def log(self) -> str:
        return (self._folder / "service.log").read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(self.carrier)
        database = Database(self.settings.database)
        self._stack.callback(database.close)
        database.upgrade()
        self.estate = Estate(database, json.loads(json.dumps(self._said)), self._folder / "lakeside.json")
        self.estate.now_ns = time.time_ns()
        self.estate.write(self.estate.said, ago_s=7200)
        self._credentials = new_device(self.settings.nats_folder, LAKESIDE)
        command = [str(ANJU), "serve", f"--config={write_settings(self.settings)}"]
        service = process.Child(command, self._folder / "service.log", self.carrier.environment)
        self._stack.callback(service.stop)
        self._stack.callback(self.carrier.hush)
        service.wait_for(self.settings.http_port, threading.Event())
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._stack.close()
