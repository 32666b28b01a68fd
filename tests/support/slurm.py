"""A Slurm cluster of two nodes on this machine, from Debian's packages, in a folder of its own.

It has its own munge, its own ports and no accounting, so it disturbs no other; whatever happens,
nothing of it is left. Requires root.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweeps import patience

NODES = ("n1", "n2")
MARK = "DAN_BENCH_TEST_NODE"
"""Variable by which the processes of a node's daemon are known."""
NEEDED = ("slurmctld", "slurmd", "munged", "sbatch")
LONG = 60.0

CONFIG = """
ClusterName=dan_bench_test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# a job that is queued again waits until its credential has expired, by default 120 s
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=5
SlurmdParameters=config_overrides
SlurmdTimeout=15
KillWait=10
MinJobAge=300
JobRequeue=1
{nodes}
PartitionName=all Nodes={names} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """What the cluster cannot be brought up without; empty where there is all."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if lacking:
        return f"no {', '.join(lacking)}: apt-get install slurm-wlm slurmctld slurmd munge"
    return "" if os.geteuid() == 0 else "only root can bring up a cluster"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class SlurmCluster:
    """A cluster that is up."""

    def __init__(self, folder: Path, cpus: int = 2) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        self._cpus = cpus

    def start(self) -> None:
        """Bring it up; every daemon is waited for."""
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir()
        controller, *ports = free_ports(1 + len(NODES))
        host = socket.gethostname()
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
            f"CPUs={self._cpus} RealMemory=64000 State=UNKNOWN"
            for node, port in zip(NODES, ports, strict=True)
        )
        names = ",".join(NODES)
        text = CONFIG.format(
            folder=self.folder, host=host, controller=controller, nodes=nodes, names=names
        )
        self.conf.write_text(text)
        self._start_munge()
        self._spawn("slurmctld", "slurmctld", "-D", "-f", str(self.conf))
        for node in NODES:
            self.start_node(node)
        self.until(lambda: self.call("sinfo", "-h", "-o", "%D %T").strip() == "2 idle")

    def _start_munge(self) -> None:
        """Start munge as its own user, who alone may own its key."""
        key, away = self.folder / "munge.key", self.folder / "munge.socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        for path in (self.folder, key):
            shutil.chown(path, "munge", "munge")
        self.folder.chmod(0o755)
        command = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={away}"]
        command += [f"--{n}-file={self.folder}/munged.{n}" for n in ("pid", "seed", "log")]
        self._spawn("munged", *command, user="munge")
        self.until(away.exists)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._spawn(node, "slurmd", "-D", "-N", node, "-f", str(self.conf), **{MARK: node})

    def kill_node(self, node: str) -> None:
        """Kill a node's daemon and all that runs on the node, as lost power would."""
        marks = (f"{MARK}={node}", f"SLURMD_NODENAME={node}")
        for _ in range(3):  # what they start while they are being killed
            for pid in self.processes(*marks):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def processes(self, *marks: str) -> list[int]:
        """Processes of this cluster that have one of these settings in their environment."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = path.read_bytes().split(b"\0")
            except OSError:
                continue
            ours = f"SLURM_CONF={self.conf}".encode() in environment
            if ours and (not marks or any(mark.encode() in environment for mark in marks)):
                found.append(int(path.parent.name))
        return [pid for pid in found if pid != os.getpid()]

    def stop(self) -> None:
        """End everything of it."""
        for _ in range(20):
            left = self.processes()
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not left:
                break
            time.sleep(0.1)

    def call(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it says."""
        ended = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return ended.stdout

    def until(self, happened: object, seconds: float = LONG) -> None:
        """Wait until a condition holds; what the daemons said is shown where it never does."""
        goes_on = patience(seconds)
        while not happened():  # type: ignore[operator]
            if not goes_on():
                raise AssertionError(self.said())
            time.sleep(0.2)

    def said(self) -> str:
        """The last lines of every log, and the queue."""
        queue = self.call("squeue", "--states=all", "--array")
        logs = [
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-25:])
            for path in sorted(self.folder.glob("*.log"))
        ]
        return "\n".join([queue, *logs])

    def _spawn(self, name: str, *command: str, user: str | None = None, **variables: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as output:
            subprocess.Popen(
                command,
                env={**self.environment, **variables},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                user=user,
            )


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[SlurmCluster]:
    """A cluster that is up, and gone at the end."""
    cluster = SlurmCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
