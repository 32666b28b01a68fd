"""Is it gone? What is destroyed in the output, and what looks like noise and is not gone.

- Destroyed: agree where the interval of %_dd lies wholly above 99, disagree where wholly below.
- Looks like noise, is not gone: agree where no run is told from ideal noise, the interval of %_dd
  lies wholly below 99, and a dictionary attack recovers more than half of the bits that name the
  input. Of networks without fresh noise it is claimed that there are some.
- Shannon's bound: agree where the interval of %_dd by the better of the dictionary attacks lies
  nowhere above the bound; only subjects whose bound is below 100 say anything. One-to-one are
  the controls that encrypt or permute, and networks on the torus, up to accidents.
- A stronger attack: agree where the interval of the rehearsal's share lies wholly above that of
  the learned dictionary's, for some network with fresh noise.
"""

from collections.abc import Sequence
from functools import partial

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics.destruction import shannon_bound
from dan_bench.report.findings.finding import Claim, Finding, Observation, exists
from dan_bench.report.findings.intervals import at_least, at_most, more
from dan_bench.report.findings.noise import each_run
from dan_bench.report.findings.runs import (
    Group,
    Material,
    by_data,
    full_noise,
    groups,
    having,
    named,
    trained,
)
from dan_bench.report.verdicts import GONE
from dan_bench.statistics import t_interval

DICTIONARIES = ("dictionary_recovered", "rehearsal_recovered")
NAMED = 50.0
"""Percent of the bits that name the input, from which on it counts as named."""
ONE_TO_ONE = ("identity", "shuffle", "xor_stored_key", "shake256", "one_time_pad")
ROUNDING = 1e-6
"""Percent by which a share of 1 may miss it."""
SECRECY = "python -m dan_bench.train -m +experiment=secrecy"

SIGMOID = Claim(
    "sigmoid-destroys",
    "The paper's DAN destroys the data",
    "paper, Algorithm 1 and Table 1; here of the output",
    "From the outputs of the paper's DAN no attacker recovers 1 % of the data.",
    "make sweep",
    "The best attacker recovered less than 1 %.",
    "Attackers still read the data in its outputs.",
)
TORUS = Claim(
    "torus-destroys",
    "A DAN whose output lives on a torus destroys the data",
    "ours",
    "From the outputs of a DAN with output=torus and full noise no attacker recovers 1 %.",
    "python -m dan_bench.train -m +experiment=indistinguishable",
    "The best attacker recovered less than 1 %; an upper bound, for attacks only get better.",
    "Attackers still read the data in its outputs.",
)
HASH = Claim(
    "hash-is-not-gone",
    "A hash looks like noise, and nothing is gone",
    "ours, after Shannon 1949",
    "The outputs of shake256 pass for noise while a dictionary names the input.",
    SECRECY,
    "It passes every test of noise, and the dictionary names the input.",
    "It is not so here.",
)
NETWORK = Claim(
    "noiseless-network-is-not-gone",
    "A network without fresh noise can look like noise, and nothing is gone",
    "ours, after Shannon 1949",
    "There is a DAN with output=torus and noise_dim=0 whose outputs pass for noise while a "
    "dictionary names the input.",
    SECRECY,
    "It passes every test of noise, and the dictionary names the input.",
    "No such network does both.",
)
BOUND = Claim(
    "shannons-bound",
    "Nothing is destroyed beyond the fresh randomness put in",
    "Shannon 1949, section 10",
    "No one-to-one mapping destroys more than its fresh bits over the bits that name the input.",
    SECRECY,
    "Nobody is above the bound.",
    "Somebody is above the bound: that mapping is not one-to-one, or an attack is too weak.",
)
STRONGER = Claim(
    "attacks-get-better",
    "A learned critic alone overstates what is destroyed",
    "ours",
    "There is a DAN from which running every candidate under noise of one's own (the rehearsal) "
    "recovers more than a learned dictionary does.",
    SECRECY,
    "The rehearsal names what the learned critic does not: %_dd is an upper bound.",
    "The learned critic recovers no less.",
)


def sigmoid_destroys(material: Material) -> Finding:
    """Judge the paper's output."""
    return SIGMOID.judged(destroys(material, "sigmoid"))


def torus_destroys(material: Material) -> Finding:
    """Judge the output that is wrapped."""
    return TORUS.judged(destroys(material, "torus"))


def destroys(material: Material, output: str) -> list[Observation]:
    """Judge DAN with this output on each data set."""
    needed = ("percent_destroyed", "dictionary_recovered")
    runs = full_noise(having(trained(material.records, "dan", output), *needed))
    return [
        group.measured("percent_destroyed", lambda e: at_least(e, GONE), f"above {GONE:g}")
        for group in by_data(groups(runs))
    ]


def hash_is_not_gone(material: Material) -> Finding:
    """Judge shake256 on each data set."""
    runs = having(named(material.records, "shake256"), "dictionary_recovered", "c2st_accuracy")
    return HASH.judged([one for group in by_data(groups(runs)) for one in kept(group)])


def noiseless_network_is_not_gone(material: Material) -> Finding:
    """Judge every DAN that was given no noise, and claim it of one."""
    runs = having(
        trained(material.records, "dan", "torus"), "dictionary_recovered", "c2st_accuracy"
    )
    without = [run for run in runs if run.config["noise_dim"] == 0]
    return NETWORK.judged(exists([kept(group) for group in groups(without)]))


def kept(group: Group) -> list[Observation]:
    """Judge whether it looks like noise and is not gone."""
    return [
        each_run(group),
        group.measured("percent_destroyed", lambda e: at_most(e, GONE), f"below {GONE:g}"),
        group.measured("dictionary_recovered", lambda e: at_least(e, NAMED), f"above {NAMED:g}"),
    ]


def shannons_bound(material: Material) -> Finding:
    """Judge every one-to-one mapping whose bound is below 100."""
    networks = trained(material.records, "dan", "torus", objective=None)
    runs = having([*named(material.records, *ONE_TO_ONE), *networks], "dictionary_recovered")
    found = []
    for group in groups(run for run in runs if bound_of(run) < 100):
        bound = bound_of(group.first)
        estimate = t_interval([destroyed(run) for run in group.runs])
        found.append(
            group.evidence(
                "%_dd by the better dictionary attack",
                estimate,
                partial(at_most, bound=bound + ROUNDING),
                f"at most {bound:g}",
            )
        )
    return BOUND.judged(found)


def bound_of(run: RunRecord) -> float:
    """Return Shannon's bound in percent; 100 where the record does not say how many bits."""
    share, fresh = run.metrics["dictionary_recovered"], run.costs.get("noise_bits")
    bits = 0.0 if share is None else share.details.get("of_bits", 0.0)
    return 100.0 if fresh is None or bits <= 0 else shannon_bound(fresh, bits)


def destroyed(run: RunRecord) -> float:
    """%_dd by the better of the dictionary attacks that were run."""
    shares = [share.value for name in DICTIONARIES if (share := run.metrics.get(name))]
    return 100 * (1 - max(shares))


def attacks_get_better(material: Material) -> Finding:
    """Judge every DAN with fresh noise that faced both attacks, and claim it of one."""
    runs = [run for run in having(networks(material), *DICTIONARIES) if run.config["noise_dim"] > 0]
    return STRONGER.judged(exists([stronger(group) for group in groups(runs)]))


def networks(material: Material) -> Sequence[RunRecord]:
    """Return the runs of DAN with any output and objective."""
    return trained(material.records, "dan", objective=None)


def stronger(group: Group) -> list[Observation]:
    """Judge the rehearsal beside the learned dictionary."""
    learned: Estimate | None = group.of("dictionary_recovered")
    return [
        group.measured(
            "rehearsal_recovered", lambda e: more(e, learned), "above the dictionary's interval"
        ),
        group.measured("dictionary_recovered"),
    ]
