"""What does each attack take, and what does it get? DAN at its default size, sigmoid and torus.

    python benchmarks/attacks.py [--only ATTACK] [OVERRIDE ...]

The two networks are trained by the default config, in turn and with one seed, and every attack of
the default evaluation is run on each, and `rehearsal` as the secrecy experiment has it: seconds by
the clock and of the processor, on one thread, beside the share recovered and its interval.
Overrides are those of dan_bench.train, such as data=danoise or model=untrained. Of a network with
few noise numbers (+experiment=secrecy model=infodan noise_dim=2) a line says how many bits can be
recovered at all, how many noise of real numbers would let through, and how many points of the
numbers' grid agree with an output.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from dan_bench.attacks.recovery import Rehearsal
from dan_bench.config.compose import configure
from dan_bench.interfaces import Attack, Case
from dan_bench.pipeline.evaluate import case_of, pairs
from dan_bench.pipeline.plan import Plan, plan

REHEARSAL = Rehearsal(candidates=1024, queries=256, draws=256)


def trained(planned: Plan) -> Case:
    """Train the network of a run, and make all that its attackers are given."""
    planned.source.prepare()
    with tempfile.TemporaryDirectory() as folder:
        degenerator, _ = planned.method.obtain(Path(folder), None, lambda _: None)
    held_out = np.arange(planned.measures.samples)
    challenge = pairs(degenerator, planned.source.load("test"), held_out, first_row=0)
    seed = planned.config.seed
    return case_of(degenerator, planned.source, planned.measures, challenge, seed)


def line(name: str, attack: Attack, case: Case) -> str:
    """Run an attack, and say what it took and what it got."""
    clock, processor = time.perf_counter(), time.process_time()
    found = attack(case)
    took = f"{time.perf_counter() - clock:8.2f} {time.process_time() - processor:8.2f}"
    if found is None:
        return f"{name:16s} {took}   nothing of the kind to recover"
    low, high = found.low or 0.0, found.high or 0.0
    got = f"{name:16s} {took} {100 * found.value:10.2f}   [{100 * low:.2f}, {100 * high:.2f}]"
    of = found.details
    if "points_bits" not in of:
        return got
    real = f"bits given {of['given_bits']:.3f}, through real noise {of['real_bits']:.4f}"
    return f"{got}   undone {of['undone']:.3f}, {real}, points 2^{of['points_bits']:.1f}"


def main() -> None:
    """Print a table for each output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE")
    parser.add_argument("--only", metavar="ATTACK", help="run this attack alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for output in ("sigmoid", "torus"):
        planned = plan(configure(["logger=none", f"output={output}", *arguments.overrides]))
        assert isinstance(planned, Plan)
        case = trained(planned)
        print(f"{planned.config.title()}")
        print(f"{'attack':16s} {'clock s':>8s} {'cpu s':>8s} {'recovered %':>11s}   95 % interval")
        for name, attack in {**planned.measures.attacks, "rehearsal": REHEARSAL}.items():
            if arguments.only in (None, name):
                print(line(name, attack, case), flush=True)
        print()


if __name__ == "__main__":
    main()
