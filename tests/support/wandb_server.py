"""A stand-in for a wandb server, on this machine."""

import gzip
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Wandb:
    """Enough of a wandb server to take runs and workspaces in: a stand-in, on this machine."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was asked of its GraphQL interface, by operation, with the variables."""
    streamed: list[str] = field(default_factory=list)
    """Paths that history and summary were sent to."""

    @property
    def runs(self) -> Counter[str]:
        """How often each run was made: told its group, too, which later updates are not."""
        made = [asked for name, asked in self.requests if name == "UpsertBucket"]
        return Counter(asked["name"] for asked in made if asked["groupName"])

    def answer(self, name: str, asked: dict[str, Any], address: str) -> dict[str, Any]:
        me = {"id": "u", "username": "me", "entity": "me", "teams": {"edges": []}, "flags": "{}"}
        if name in ("Viewer", "GetDefaultEntity"):
            return {"viewer": me}
        if name == "ArtifactType":
            return {"project": None}
        if name == "UpsertView2":
            return {"upsertView": {"view": {"id": "v", "name": "nw-abc-v"}, "inserted": True}}
        if name == "UpsertBucket":
            entity = {"id": "e", "name": "me"}
            project = {"id": "p", "name": asked["project"], "entity": entity}
            bucket = {"id": "b", "name": asked["name"], "config": "{}", "project": project}
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if name == "CreateArtifact":
            sequence = {"id": "s", "latestArtifact": {"id": "a", "versionIndex": 0}}
            artifact = {"id": "a", "state": "COMMITTED", "artifactSequence": sequence}
            return {"createArtifact": {"artifact": artifact}}
        if name == "CreateRunFiles":
            files = [{"name": file, "uploadUrl": f"{address}/file"} for file in asked["files"]]
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
        return {}


@contextmanager
def serving() -> Iterator[tuple[Wandb, dict[str, str]]]:
    """The stand-in, and the environment in which wandb takes it for the real one."""
    wandb = Wandb()

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            answer: dict[str, Any] = {}
            if self.path == "/graphql":
                request = json.loads(body)
                named = re.search(r"(?:query|mutation) (\w+)", request["query"])
                name, asked = named[1] if named else "", request.get("variables") or {}
                wandb.requests.append((name, asked))
                answer = {"data": wandb.answer(name, asked, address)}
            elif self.path.endswith("/file_stream"):
                wandb.streamed.append(self.path)
            said = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = reply

        def log_message(self, *_: object) -> None: ...

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{listening.server_address[1]}"
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield wandb, {"WANDB_BASE_URL": address, "WANDB_API_KEY": "0123456789" * 4}
    listening.shutdown()
    listening.server_close()
