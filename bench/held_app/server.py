"""The application of bench/held.py: long responses. On SIGTERM it exits immediately, as many do by default."""

import base64
import hashlib
import http.server
import os
import signal
import time
from pathlib import Path

PIECE = 1 << 20
PAUSE = 0.05  # seconds between two pieces of a download
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = Path(__file__).with_name("version").read_text().strip()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        kind, _, number = self.path.lstrip("/").partition("/")
        if kind == "answer":
            time.sleep(float(number))
            self.done(f"version {VERSION}".encode())
        elif kind == "download":
            self.head({"Content-Length": str(int(number) * PIECE)})
            for _ in range(int(number)):
                self.wfile.write(bytes(PIECE))
                time.sleep(PAUSE)
        elif kind == "events":
            self.head({"Content-Type": "text/event-stream", "Connection": "close"})
            for event in range(int(number)):
                self.wfile.write(f"data: {event}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.5)
            self.close_connection = True
        elif kind == "ws":
            self.websocket()
        else:
            self.done(f"version {VERSION}".encode())

    def do_POST(self):
        left, total = int(self.headers["Content-Length"]), 0
        while total < left:
            piece = self.rfile.read(min(PIECE, left - total))
            if not piece:
                return
            total += len(piece)
        self.done(str(total).encode())

    def head(self, headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def done(self, body):
        self.head({"Content-Length": str(len(body))})
        self.wfile.write(body)

    def websocket(self):
        """Echo short text frames until the client closes."""
        key = base64.b64encode(hashlib.sha1(self.headers["Sec-WebSocket-Key"].encode() + WEBSOCKET).digest()).decode()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", key)):
            self.send_header(name, value)
        self.end_headers()
        while True:
            head = self.rfile.read(6)
            if len(head) < 6:
                break
            body = bytes(byte ^ head[2 + index % 4] for index, byte in enumerate(self.rfile.read(head[1] & 127)))
            self.wfile.write(bytes([head[0], len(body)]) + body)
            self.wfile.flush()
            if head[0] & 15 == 8:
                break
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


signal.signal(signal.SIGTERM, lambda *args: os._exit(0))
Server(("", 8000), Handler).serve_forever()
