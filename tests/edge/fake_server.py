"""A server of the gate routes, over real HTTP, with faults on demand. It keeps its own books, to be counted against."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linli.gate import journal, passes, wire
from linli.gate.snapshot import Delta, GateRule, PassEntry, PassState

ESTATE = "estate_test"
SECRET = "box_1.a-secret"


class FakeServer:
    """One estate: a key, door groups 1 (every gate) and 7, and passes that change version by version."""

    def __init__(self, *, gates=("G01", "G02"), now=lambda: datetime.now(UTC)):
        self.now = now
        self.key = Ed25519PrivateKey.generate()
        self.gates = gates
        self.version = 0
        self.rules, self.entries = {}, {}
        self.receipts, self.lines, self.heads = [], {}, {}
        self.refused_lines = []
        self.asked, self.faults = [], {}
        self.lose_answers = 0
        self.streams = []
        self.lock = threading.RLock()
        for gate in gates:
            self._change(
                lambda version, gate=gate: self.rules.update(
                    {gate: GateRule(gate=gate, version=version, groups=frozenset({1}))}
                )
            )
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.fake = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def enrolment(self):
        return {"server": self.url, "box": "box_1", "secret": "a-secret", "estate": ESTATE, "gates": list(self.gates)}

    def close(self):
        with self.lock:
            for stream in self.streams:
                stream.set()
        self.server.shutdown()
        self.server.server_close()

    # What the estate does.

    def grant(self, serial, *, groups=(1,), days=2, **changes):
        now = self.now().replace(microsecond=0)
        self._put(
            PassEntry(
                serial=serial,
                version=0,
                groups=groups,
                start=now - timedelta(hours=1),
                end=now + timedelta(days=days),
                holder="guest",
                **changes,
            )
        )

    def revoke(self, serial):
        old = self.entries[serial]
        self._put(
            PassEntry(
                serial=serial,
                version=0,
                groups=old.groups,
                start=old.start,
                end=old.end,
                holder=old.holder,
                state=PassState.REVOKED,
            )
        )

    def code(self, serial, *, at=None, key=None):
        now = at or self.now()
        claims = passes.PassClaims(
            serial=serial,
            key_id=1,
            groups=(1,),
            start=now,
            end=now + timedelta(days=1),
            window=passes.window_at(now),
        )
        return passes.mint(claims=claims, key=key or self.key)

    def announce(self, event="snapshot"):
        with self.lock:
            for stream in self.streams:
                stream.events.append((event, wire.encode_announcement(self.version)))
                stream.set()

    def delta(self, since):
        with self.lock:
            return Delta(
                estate=ESTATE,
                since=since,
                until=self.version,
                made_at=self.now(),
                passes=tuple(entry for entry in self.entries.values() if entry.version > since),
                gates=tuple(rule for rule in self.rules.values() if rule.version > since),
                keys={1: self.key.public_key().public_bytes_raw()},
            )

    def sequences(self, gate):
        with self.lock:
            return sorted(self.lines.get(gate, {}))

    def events(self, gate):
        with self.lock:
            return [journal.parse(line) for _, line in sorted(self.lines.get(gate, {}).items())]

    def _put(self, entry):
        def put(version):
            self.entries[entry.serial] = PassEntry(
                **{name: getattr(entry, name) for name in entry.__dataclass_fields__} | {"version": version}
            )

        self._change(put)
        self.announce()

    def _change(self, change):
        with self.lock:
            self.version += 1
            change(self.version)

    # What the routes do.

    def take_journal(self, raw):
        with self.lock:
            checked = journal.verify(wire.decode_journal(raw), heads=self.heads)
            self.heads = checked.heads
            self.refused_lines += checked.broken
            for line in checked.good:
                parsed = journal.parse(line)
                self.lines.setdefault(parsed.gate, {}).setdefault(parsed.sequence, line)
            return wire.JournalReceipt(
                stored={gate: max(self.lines.get(gate, {0: ""})) for gate in self.gates},
                gaps=tuple(checked.gaps),
                broken=tuple(checked.broken),
                hashes={gate: lines[max(lines)][-64:] for gate, lines in self.lines.items() if lines},
            )


class _Stream(threading.Event):
    def __init__(self):
        super().__init__()
        self.events = []


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self._answer("GET", b"")

    def do_POST(self):
        self._answer("POST", self.rfile.read(int(self.headers["content-length"])))

    def _answer(self, method, body):
        fake, url = self.server.fake, urlsplit(self.path)
        fake.asked.append((method, url.path))
        fault = fake.faults.get(url.path)
        if self.headers.get("authorization") != f"Bearer {SECRET}":
            return self._send(401, b"{}")
        if fault is not None:
            return self._send(*fault)
        if url.path == "/api/gate/delta":
            return self._send(200, wire.encode_delta(fake.delta(int(parse_qs(url.query)["since"][0]))))
        if url.path == "/api/gate/receipts":
            fake.receipts.append((time.monotonic(), wire.decode_receipt(body)))
            return self._send(204, b"")
        if url.path == "/api/gate/journal":
            receipt = fake.take_journal(body)
            if fake.lose_answers:
                fake.lose_answers -= 1
                self.close_connection = True
                return self.connection.close()
            return self._send(200, wire.encode_journal_receipt(receipt))
        if url.path == "/api/stream/gate":
            return self._stream(fake)
        return self._send(404, b"{}")

    def _stream(self, fake):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        stream = _Stream()
        with fake.lock:
            fake.streams.append(stream)
        self.close_connection = True
        try:
            while "/api/stream/gate" not in fake.faults:
                self.wfile.write(b": heartbeat\n\n")
                while stream.events:
                    event, words = stream.events.pop(0)
                    self.wfile.write(f"event: {event}\ndata: {words}\n\n".encode())
                stream.wait(0.5)
                stream.clear()
        except OSError:
            pass
        with fake.lock:
            fake.streams.remove(stream)

    def _send(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def dump_enrolment(path, fake, **changes):
    path.write_text(json.dumps({**fake.enrolment(), **changes}), encoding="utf-8")
    return path
