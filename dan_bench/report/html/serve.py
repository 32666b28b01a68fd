"""One file, served to this machine alone."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def server(path: Path, port: int) -> ThreadingHTTPServer:
    """Return a server that answers `/` with the file as it is at that moment, and nothing else.

    It listens on 127.0.0.1; port 0 is any free one. Raises OSError where the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/":
                self.send_error(404)
                return
            body = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: whoever looks at the page knows."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def serve(path: Path, port: int) -> None:
    """Serve the file until Ctrl-C."""
    with server(path, port) as listening:
        print(f"http://127.0.0.1:{listening.server_port}/ until Ctrl-C", flush=True)
        try:
            listening.serve_forever()
        except KeyboardInterrupt:
            print()
