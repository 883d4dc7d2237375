"""A dispatcher that is started to be killed: `anju dispatch`, with time-outs that can be shorter so that a small storm is soon over."""

import os
import sys
import threading

from devices import process
from devices.model import NS_PER_S
from notifier import dispatch
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.twilio_voice import TwilioVoiceGateway
from notifier.gateways.wire import TIMEOUT_S
from store.session import Database

url, public_url, is_small = sys.argv[1], sys.argv[2], sys.argv[3] == "small"
stop = threading.Event()
process.log_lines("dispatch")
settings = TwilioSettings.from_environment(os.environ, public_url=public_url)
timeout_s = 0.7 if is_small else TIMEOUT_S
sms, voice = TwilioGateway(settings, timeout_s=timeout_s), TwilioVoiceGateway(settings, timeout_s=timeout_s)
if is_small:
    for gateway in (sms, voice):
        gateway.settles_ns = 2 * NS_PER_S
    dispatch.START_S, dispatch.LEASE_S, dispatch.RELEASED_S = 2.0, 4.5, 1.0
    dispatch.SILENCE_NS = 6 * NS_PER_S
dispatch.run(dispatch.Dispatcher(Database(url, wait_s=30), [sms, voice], worker="storm"), stop)
