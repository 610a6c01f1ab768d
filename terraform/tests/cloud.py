"""A stand-in for Google's control plane, for an apply without an account.

What it proves is that the provider finds its way through our configuration, that a second plan is
empty, and that a destroy leaves nothing that a second apply would stumble over. It listens on a free
port of the loopback, which it prints, and plays a deploy by the workflow when it gets SIGUSR1.
"""

import json
import re
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import stand_in

# Terraform asks many things at once, each in a thread of its own.
one_at_a_time = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        url = urlparse(self.path)
        # Cloud SQL's version is in two parts.
        product, path = re.fullmatch(r"/(\w+)/(?:sql/)?v[^/]+/(.*)", url.path).groups()
        with one_at_a_time:
            status, body = stand_in.respond(self.command, product, path, parse_qs(url.query), json.loads(raw) if raw else {})
            data = json.dumps(stand_in.present(body)).encode()
        if status >= 400:
            print(f"{self.command} {self.path} {status} {raw[:300]!r}", file=sys.stderr)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, *_):
        """Silent but for what was refused."""


def deploy(*_):
    with one_at_a_time:
        stand_in.deploy()


signal.signal(signal.SIGUSR1, deploy)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
