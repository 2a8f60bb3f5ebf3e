"""The stand-in's HTTP, and what can go wrong with it."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .published import violations_of
from .routes import answer_to
from .state import Json, RefusalError, State

_PREFIX = "/apis/v2beta1"
_OUT_OF_ORDER: Json = {"code": 13, "message": "out of order", "details": []}


@dataclasses.dataclass
class Fault:
    """What goes wrong with a request.

    Attributes:
      matches: Method and path, such as "POST /runs"; a regular expression that must match them whole.
      how: "500" does nothing; "500 after", "hang after" and "reset after" do it, and then answer with an
        error, or not at all, or break the connection; "reset" breaks it and does nothing.
      times: How often it still happens.
    """

    matches: str
    how: str
    times: int


class StandIn(State):
    """A running server.

    Attributes:
      url: Its endpoint.
      calls: How often each method and path was asked for.
      violations: What of requests and answers was not as published.
      token: Accept no request without it.
      login_page: Answer everything with one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.violations: list[str] = []
        self.token: str | None = None
        self.login_page = False
        self._faults: list[Fault] = []
        self._afterwards: list[tuple[str, Callable[[], object]]] = []
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def fail(self, matches: str, how: str, times: int = 1) -> None:
        """Makes requests fail; see `Fault`."""
        self._faults.append(Fault(matches, how, times))

    def mend(self) -> None:
        """Lets nothing fail any more."""
        self._faults.clear()

    def after(self, matches: str, do: Callable[[], object]) -> None:
        """Does something once, when such a request has been carried out."""
        self._afterwards.append((matches, do))

    def close(self) -> None:
        """Stops it."""
        self._http.shutdown()
        self._http.server_close()

    def fault_of(self, call: str) -> str:
        """What is to go wrong with this request; "" for nothing."""
        with self.lock:
            self.calls[call] += 1
            for fault in self._faults:
                if fault.times > 0 and re.fullmatch(fault.matches, call):
                    fault.times -= 1
                    return fault.how
        return ""

    def outcome(self, call: str, query: Json, body: Any) -> tuple[int, Any]:
        """Status and answer."""
        try:
            answer, asked, answered = answer_to(self, call, query, body)
        except RefusalError as refusal:
            return refusal.status, {"code": 3, "message": str(refusal), "details": []}
        for pair in [pair for pair in self._afterwards if re.fullmatch(pair[0], call)]:
            self._afterwards.remove(pair)
            pair[1]()
        self.violations += violations_of(body, asked, call) if asked else []
        self.violations += violations_of(answer, answered, call)
        return 200, answer


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer in one packet

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = f"{self.command} {unquote(parts.path).removeprefix(_PREFIX)}"
        fault = self.stand_in.fault_of(call)
        if fault == "reset":
            return self._reset()
        if fault == "500":
            return self._send(500, _OUT_OF_ORDER)
        if self.stand_in.login_page:
            return self._send(200, "<html>Please log in</html>")
        if self.stand_in.token and self.headers.get("authorization") != f"Bearer {self.stand_in.token}":
            return self._send(401, {"code": 16, "message": "Request not authenticated", "details": []})
        status, answer = self.stand_in.outcome(call, dict(parse_qsl(parts.query)), self._content(body))
        if fault == "reset after":
            return self._reset()
        if fault == "hang after":
            self.connection.recv(1)  # ends when the client has had enough
            return self._reset()
        if fault == "500 after":
            return self._send(500, _OUT_OF_ORDER)
        return self._send(status, answer)

    do_POST = do_DELETE = do_GET

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):  # the client has gone, or we broke the connection
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """No lines on the terminal."""

    def _content(self, body: bytes) -> Any:
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return json.loads(body or b"{}") or {}
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        return {
            part.get_param("name", header="content-disposition"): part.get_content() for part in message.iter_parts()
        }

    def _send(self, status: int, answer: Any) -> None:
        is_page = isinstance(answer, str)
        content = answer.encode() if is_page else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if is_page else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _reset(self) -> None:
        # Closing with unsent data and no patience resets the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
