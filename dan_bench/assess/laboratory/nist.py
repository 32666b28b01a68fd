"""Results in the shape of NIST's own: `-o` of SP800-90B_EntropyAssessment 1.1.7, and ESV metadata.

`testCases` are those of ea_non_iid, ea_iid, ea_restart and ea_conditioning, by the same names. The
metadata are those of entropy-source-metadata-schema.json in usnistgov/ESV-Server.
"""

import math
from typing import Any

import numpy as np

from dan_bench.assess.laboratory.assessment import SourceAssessment
from dan_bench.assess.laboratory.folder import ABOUT, OF_COMPONENT
from dan_bench.randomness.iid import IidAssessment
from dan_bench.randomness.iid.known_law import FIT, INDEPENDENCE, REPEATS
from dan_bench.randomness.min_entropy import MinEntropyAssessment
from dan_bench.randomness.min_entropy.counting import Z
from dan_bench.randomness.restart import SIDE, RestartAssessment

CASES = {
    "most_common_value": "Most Common Value",
    "collision": "Collision Test (for bit strings only)",
    "markov": "Markov Test (for bit strings only)",
    "compression": "Compression Test (for bit strings only)",
    "t_tuple": "T-Tuple Test",
    "lrs": "LRS Test",
    "multi_mcw": "Multi Most Common in Window Test",
    "lag": "Lag Prediction Test",
    "multi_mmc": "Multi Markov Model with Counting Test (MultiMMC)",
    "lz78y": "LZ78Y Test",
}
OF_BITS = ("collision", "markov", "compression")
KEYS = {"t_tuple": ("tTupleRes", "binTTupleRes"), "lrs": ("lrsRes", "binLrsRes")}
STATISTICS = {
    "excursion": "excursion",
    "directional_runs": "numDirectionalRuns",
    "longest_directional_run": "lenDirectionalRuns",
    "increases_or_decreases": "numIncreasesDecreases",
    "median_runs": "numRunsMedian",
    "longest_median_run": "lenRunsMedian",
    "average_collision": "avgCollision",
    "maximum_collision": "maxCollision",
    **{f"{name}_{lag}": f"{name}{lag}" for name in ("periodicity", "covariance")
       for lag in (1, 2, 8, 16, 32)},
    "compression": "compression",
}  # fmt: skip


def nist_runs(result: SourceAssessment, head: dict[str, Any]) -> dict[str, Any]:
    """Return what each of NIST's tools would write, by name; `head` is the head of report.json."""
    found = {
        "non-iid": _run(head, "sequential", "", iid=False)
        | {"testCases": sequential_cases(result.non_iid, result)}
    }
    if result.iid is not None:
        found["iid"] = _run(head, "sequential", "", iid=True) | {
            "testCases": [iid_case(result.iid, result)]
        }
    found["restart"] = restart_run(result.restart, result, head)
    if (out := result.conditioning) is not None:
        case: dict[str, Any] = {
            "testCaseDesc": "Overall",
            "n_in": out.n_in,
            "n_out": out.n_out,
            "nw": out.nw,
        }
        case |= {"h_in": out.h_in, "h_out": out.h_out}
        if out.h_prime is not None:
            case["h_p"] = out.h_prime
        name = "conditioned" if "conditioned" in head["inputs"] else ""
        found["conditioning"] = _run(head, name, "Conditioning", iid=False) | {"testCases": [case]}
    return found


def sequential_cases(found: MinEntropyAssessment, result: SourceAssessment) -> list[dict[str, Any]]:
    """Return the cases of ea_non_iid."""
    literal = found.estimators.literal.present()
    of_bits = found.estimators.bitstring.present()
    cases = []
    for name, described in CASES.items():
        case: dict[str, Any] = {"testCaseDesc": described}
        for values, key in zip(
            (literal, of_bits), KEYS.get(name, ("hOriginal", "hBitstring")), strict=True
        ):
            if name in values:
                case[key] = values[name]
        if name == "most_common_value":
            n = result.samples
            mode = int(np.bincount(result.sequential_symbols).max())
            p = mode / n
            bound = min(1.0, p + Z * math.sqrt(p * (1 - p) / (n - 1)))
            case |= {"mcvEstimateMode": mode, "mcvEstimatePHat": p, "mcvEstimatePU": bound}
        cases.append(case)
    overall = {"testCaseDesc": "Overall", "dataWordSize": result.source.layout.width}
    return [*cases, overall | _overall(found)]


def iid_case(iid: IidAssessment, result: SourceAssessment) -> dict[str, Any]:
    """Return the case of ea_iid.

    The counts of a statistic stop where it is certain to pass, as NIST's do; those that were not
    carried out are left out, and count as not passed. `hAssessed` is the entropy, where NIST's tool
    writes the width of a symbol unless it is verbose.
    """
    symbols = result.sequential_symbols
    case: dict[str, Any] = {"testCaseDesc": "", "mean": float(symbols.mean())}
    case["median"] = 0.5 if iid.alphabet == 2 else float(np.median(symbols))
    if iid.alphabet == 2:
        case["binary"] = True
    return case | _overall(result.most_common) | _verdicts(iid)


def restart_run(
    restart: RestartAssessment, result: SourceAssessment, head: dict[str, Any]
) -> dict[str, Any]:
    """Return what ea_restart writes: its cases, or the error where no entropy is awarded."""
    run = _run(head, "restart", "Restart", iid=result.track == "IID")
    if restart.assessed is None:
        run |= {"errorLevel": -1, "errorMessage": restart.reason}
    if restart.rows is None or restart.columns is None:
        return run | {"testCases": None}
    rows = restart.rows.estimators.literal.present()
    columns = restart.columns.estimators.literal.present()
    overall: dict[str, Any] = {"testCaseDesc": "Overall", "h_r": restart.h_row}
    overall |= {"h_c": restart.h_column, "h_i": restart.h_initial}
    if restart.iid_rows is not None:
        return run | {"testCases": [overall | _verdicts(restart.iid_rows)]}
    cases = []
    for name, described in CASES.items():
        if name in rows or name in columns:
            case: dict[str, Any] = {"testCaseDesc": described}
            case["dataWordSize"] = 1 if name in OF_BITS else result.source.layout.width
            case |= {"h_r": rows[name]} if name in rows else {}
            case |= {"h_c": columns[name]} if name in columns else {}
            cases.append(case)
    return run | {"testCases": [*cases, overall]}


def esv_metadata(result: SourceAssessment, hashes: dict[str, str]) -> list[dict[str, Any]] | None:
    """Return the metadata that the ESV server takes, or None.

    There are none without `esv` in the settings, which the submitter alone knows, and none where no
    entropy is awarded.
    """
    source = result.source
    if source.esv is None or not result.assessed:
        return None
    about: dict[str, Any] = {key: source.esv[key] for key in ABOUT}
    about |= {
        "iidClaim": result.track == "IID",
        "bitsPerSample": source.layout.width,
        "alphabetSize": int(np.count_nonzero(np.bincount(result.sequential_symbols))),
        "hminEstimate": result.assessed,
        "numberOfRestarts": SIDE,
        "samplesPerRestart": SIDE,
        "numberOfOEs": source.esv.get("numberOfOEs", 1),
        "rawNoiseSHA256": hashes["sequential"],
        "restartBitsSHA256": hashes["restart"],
        "conditioningComponent": [],
    }
    if (out := result.conditioning) is not None and source.conditioning is not None:
        component: dict[str, Any] = {
            "sequencePosition": 1,
            "vetted": out.vetted,
            **{key: source.esv[key] for key in OF_COMPONENT},
            "minNin": out.n_in,
            "minHin": math.floor(out.h_in),
            "nw": out.nw,
            "nOut": out.n_out,
            "hOut": out.h_out,
        }
        if "validationNumber" in source.esv:
            component["validationNumber"] = source.esv["validationNumber"]
        if "conditioned" in hashes:
            component["conditionedBitsSHA256"] = hashes["conditioned"]
        about["conditioningComponent"] = [component]
    return [{"esvVersion": "1.0"}, about]


def _run(head: dict[str, Any], name: str, kind: str, *, iid: bool) -> dict[str, Any]:
    run = {
        "IID": iid,
        "commandline": head["command"],
        "dateTimeStamp": "".join(letter for letter in head["time"] if letter.isdigit()),
        "errorLevel": 0,
        "toolVersion": head["tool"],
        "type": kind,
    }
    if name:
        file = head["inputs"][name]
        run |= {"filename": file["file"], "sha256": file["sha256"]}
    return run


def _overall(found: MinEntropyAssessment) -> dict[str, float]:
    values = {"hAssessed": found.assessed, "hOriginal": found.h_original}
    return values if found.h_bitstring is None else values | {"hBitstring": found.h_bitstring}


def _verdicts(iid: IidAssessment) -> dict[str, Any]:
    passed = {test.name: test.passed for test in iid.tests}
    counts = {test.name: test.counts for test in iid.tests if test.counts is not None}
    return {
        "passedChiSquareTests": _all_passed(passed, (INDEPENDENCE, FIT)),
        "passedLongestRepeatedSubstringTest": _all_passed(passed, (REPEATS,)),
        "passedIidPermutationTests": _all_passed(passed, tuple(STATISTICS)),
        "permutationTestResults": [
            {"iteration": place} | {STATISTICS[name]: of[place] for name, of in counts.items()}
            for place in range(3)
        ],
    }


def _all_passed(passed: dict[str, bool | None], names: tuple[str, ...]) -> bool:
    of = [passed.get(name) for name in names]
    return True in of and False not in of and (len(of) < 3 or None not in of)
