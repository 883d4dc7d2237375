"""What the log of the example's estate holds: a window that was open now and then."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from fakes.lakeside import T0_NS

from devices.broker import CORE, EmbeddedBroker, credentials_of
from devices.entry import Record
from devices.log import STREAM, Limits, Log
from devices.model import NS_PER_S


async def opened(broker: EmbeddedBroker) -> Log:
    """A connection to a broker's log."""
    return await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))


def happened(broker: EmbeddedBroker, spans: Sequence[tuple[float, float]]) -> None:
    """The window c-02 was open from when to when, in hours before now; nothing else is in the log."""

    async def write() -> None:
        log = await opened(broker)
        await log._client.jetstream().purge_stream(STREAM)
        for hours, is_open in sorted(((hours, place == 0) for span in spans for place, hours in enumerate(span)), reverse=True):
            at_ns = T0_NS - round(hours * 3600 * NS_PER_S)
            payload = json.dumps({"t": at_ns // 10**6, "open": is_open}).encode()
            await log.append(0, [Record(at_ns, "embedded", "anju/lakeside/c-02/contact", False, payload)])  # noqa: FBT003  a record's own order
        await log.close()

    with ThreadPoolExecutor(1) as beside:  # a browser's event loop may be this thread's
        beside.submit(asyncio.run, write()).result()
