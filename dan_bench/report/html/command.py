"""`python -m dan_bench.report html`: write the page, and show it if asked."""

import argparse
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from dan_bench.cli import InputError, user_path
from dan_bench.files import whole
from dan_bench.report.inputs import finished, read, results_parser


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = results_parser("html", "Write the results as one HTML file that needs nothing else.")
    made.add_argument(
        "--out", type=user_path, metavar="FILE", help="where to (default: DIR/report.html)"
    )
    show = made.add_mutually_exclusive_group()
    show.add_argument("--open", action="store_true", help="open it in the browser")
    show.add_argument("--serve", action="store_true", help="serve it on this machine until Ctrl-C")
    made.add_argument("--port", type=int, default=8000, help="for --serve; 0 is any free one")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Write the page; 0 where there was something to write, 2 where not."""
    made = parser()
    asked = made.parse_args(arguments)
    out = asked.out or asked.results / "report.html"
    if not out.absolute().parent.is_dir():
        if asked.out is None:
            raise InputError(
                f"there is no folder {asked.results.absolute()}; `make sweep` makes one"
            )
        made.error(f"{out}: there is no folder {out.absolute().parent}")
    if not 0 <= asked.port <= 65535:
        made.error(f"--port {asked.port}: must lie between 0 and 65535")
    store, records = read(asked.results)
    finished(records, asked.results)
    from dan_bench.report.html.page import LIMIT, page

    written = page(records, store, asked.results).encode()
    if asked.out is None:
        with whole(out) as file:  # a link there is replaced, not followed
            file.write(written)
    else:
        out.write_bytes(written)
    print(f"{out}: {len(written) / 1e6:.2f} MB, {len(records):,} runs")
    if len(written) > LIMIT:
        print(f"larger than {LIMIT / 1e6:g} MB: so many methods", file=sys.stderr)
    if asked.open:
        webbrowser.open(out.absolute().as_uri())
    if asked.serve:
        serve(out, asked.port)
    return 0


def server(path: Path, port: int) -> ThreadingHTTPServer:
    """Return a server that answers `/` with the file as it is at that moment, and nothing else.

    It listens on 127.0.0.1; port 0 is any free one. Raises OSError where the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/":
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
            """Log nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def serve(path: Path, port: int) -> None:
    """Serve the file until Ctrl-C."""
    with server(path, port) as listening:
        print(f"http://127.0.0.1:{listening.server_port}/ until Ctrl-C", flush=True)
        try:
            listening.serve_forever()
        except KeyboardInterrupt:
            print()
