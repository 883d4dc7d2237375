"""A mail server: enough of SMTP (RFC 5321) for one sender who signs in."""

import base64
import socketserver
import threading
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self

USER, PASSWORD = "anju", "a-password-that-must-not-be-logged"


@dataclass(frozen=True, slots=True)
class Mail:
    """What was delivered."""

    to: tuple[str, ...]
    data: str


class FakeMail:
    """A mail server on a free port of loopback, for as long as it is entered.

    Attributes
    ----------
    answers
        What it says to the next mails instead of taking them, such as `550 5.1.1 no such user`; `cut` takes one and hangs up.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answers: deque[str] = deque()
        fake = self

        class Handler(_Handler):
            mail = fake

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"mailto://{USER}:{PASSWORD}@127.0.0.1:{self._server.server_address[1]}?mode=insecure&from=anju@example.org"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(socketserver.StreamRequestHandler):
    mail: FakeMail

    def handle(self) -> None:
        self._say("220 fake")
        recipients: list[str] = []
        for raw in self.rfile:
            line = raw.decode().strip()
            match line.split(" ")[0].upper().split(":")[0]:
                case "EHLO":
                    self._say("250-fake\r\n250 AUTH PLAIN")
                case "AUTH":
                    wanted = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
                    self._say("235 2.7.0 ok" if line == f"AUTH PLAIN {wanted}" else "535 5.7.8 wrong user or password")
                case "MAIL":
                    answer = self.mail.answers.popleft() if self.mail.answers and self.mail.answers[0] != "cut" else "250 ok"
                    self._say(answer)
                case "RCPT":
                    recipients.append(line.partition("<")[2].partition(">")[0])
                    self._say("250 ok")
                case "DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    self.mail.mails.append(Mail(to=tuple(recipients), data=b"".join(lines).decode()))
                    if self.mail.answers and self.mail.answers.popleft() == "cut":
                        return
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
