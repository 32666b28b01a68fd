"""A certificate as text for people to read: made from the document alone, and of bounded length."""

from typing import Any, NamedTuple

from dan_bench.degenerate.source import ends
from dan_bench.markup import one_line

READ_BACK = {True: "read back as written", False: "NOT what was written", None: "not read back"}
MOST_LAYERS, MOST_OUTCOMES, MOST_PATHS, MOST_SPANS = 40, 40, 40, 5


class Shown(NamedTuple):
    """A file that is named in the text."""

    folder: str
    entry: list[Any]
    outcome: dict[str, Any]


def text_of(document: dict[str, Any], shown: list[Shown], exceptional: int) -> bytes:
    """Return the text.

    Args:
        document: as `form.Document` has it; its files are not looked at.
        shown: the first of the exceptional files: not overwritten, not read back, or in doubt.
        exceptional: how many there are.
    """
    total = document["total"]
    of = total["overwritten"] + total["partly"] + total["failed"]
    lines = [
        "Certificate of erasure",
        "",
        *limited([f"path:         {quoted(path)}" for path in document["paths"]], MOST_PATHS),
        *limited([f"attempt:      {a} to {b}" for a, b in document["attempts"]], MOST_PATHS),
        f"operator:     {quoted(document['operator'])}",
        f"contact:      {quoted(document['contact'])}",
        f"host:         {quoted(document['host'])}",
        f"tool:         {quoted(document['tool'])}",
        f"method:       {document['method']}",
        f"verification: {document['verification']}",
        f"files:        {total['overwritten']:,} of {of:,} overwritten, {total['bytes']:,} bytes; "
        f"{total['read_back']:,} read back as written; {total['removed']:,} removed"
        + ("" if document["remove"] else " (not asked for)"),
        f"not vouched:  {total['failed']:,} failed, {total['partly']:,} overwritten in part, "
        f"{total['doubted']:,} in doubt; {total['left_alone']:,} left alone; "
        f"{total['passed_over']:,} passed over, without data of their own",
        f"vouched for:  {'yes, all of it' if total['vouched'] else 'NO, not all of it'}",
        f"on disk:      {percent(total['on_disk'])}",
        f"destroyed:    {percent(total['destroyed'])}",
    ]
    for source in document["sources"]:
        lines += [f"noise:        {source['name']}"]
        if source["made_from_data"]:
            lines += ["              It was made from the data: that they were overwritten by it"]
            lines += ["              counts only as far as it does not tell them."]
        lines += [f"  gone from it: {percent(source)} ({source['reason']})"]
    layers = []
    for device in document["devices"]:
        layers += [f"lies on:      {device['file_system']}, at {quoted(device['mounted_at'])}"]
        for layer in device["layers"]:
            said = [f"{key} {quoted(v)}" for key, v in layer.items() if v is not None]
            layers += [f"  {', '.join(said)}"]
        layers += [f"  {remark}" for remark in device["remarks"]]
    lines += limited(layers, MOST_LAYERS)
    for space in document["free_space"]:
        read = READ_BACK[space["read_back"]]
        lines += [
            f"free space:   {quoted(space['folder'])}: {space['bytes']:,} bytes of noise, {read}; "
            f"{space['left']:,} bytes left free"
        ]
        lines += [f"  UNVERIFIED: {doubt}" for doubt in space["doubts"]]
    lines += ["", "What became of the files:"]
    outcomes = [f"{of['count']:>9,}  {in_words(of)}" for of in document["outcomes"]]
    lines += limited(outcomes, MOST_OUTCOMES)
    if shown:
        lines += ["", "Files that were not overwritten, not read back, or are in doubt:"]
        lines += [of_file(one) for one in shown]
    if exceptional > len(shown):
        lines += [f"... and {exceptional - len(shown):,} more"]
    chain = document["chain"]["head"]
    lines += ["", f"The JSON file beside this one lists every file; its chain ends in {chain}"]
    lines += ["", document["claim"], "", "What cannot be known, and was not looked for:"]
    lines += [f"- {text}" for text in document["not_known"]]
    # no name can forge another line
    return "\n".join([*map(one_line, lines), ""]).encode()


def percent(ends_of: dict[str, Any] | None) -> str:
    """Return %_dd in words."""
    if ends_of is None:
        return "%_dd could not be measured: there were no data"
    return ends(ends_of["at_least"], ends_of["at_most"])


def in_words(outcome: dict[str, Any], numbers: list[int] | None = None) -> str:
    """Return what became of a file; numbers that are not given are left open."""
    parts = [outcome["status"]]
    left = outcome["status"] in ("left alone", "passed over")
    if not left:
        parts += [READ_BACK[outcome["read_back"]]]
    parts += ["removed"] * outcome["removed"] + ["by an earlier attempt"] * outcome["earlier"]
    parts += [f"UNVERIFIED: {doubt}" for doubt in outcome["doubts"]]
    parts += [outcome["error"] if left else f"ERROR: {outcome['error']}"] * bool(outcome["error"])
    text = "; ".join(parts).replace("{}", "N" if numbers is None else "{}")
    for number in numbers or []:
        text = text.replace("{}", str(number), 1)
    return text


def of_file(one: Shown) -> str:
    """Return a line on one file."""
    name, size, _, low, high, *rest = one.entry
    particulars = rest[0] if rest else {}
    words = in_words(one.outcome, particulars.get("n", []))
    bytes_ = "" if size is None else f"{size:,} bytes, "
    disk = "" if low is None else f"; on disk {ends(low, high)}"
    bad = [f"; not bytes {a:,} to {b:,}" for a, b in (particulars.get("bad") or [])[:MOST_SPANS]]
    place = one.folder if one.folder.endswith("/") else f"{one.folder}/"
    return f"{quoted(place + name)}: {bytes_}{words}{''.join(bad)}{disk}"


def quoted(text: Any) -> str:
    """Return a value of the document as it is named."""
    if text is None:
        return "not given"
    return str(text) if isinstance(text, int) else f"'{text}'"


def limited(lines: list[str], most: int) -> list[str]:
    """Return the first lines, and how many there are more."""
    more = [f"... and {len(lines) - most:,} more"] if len(lines) > most else []
    return lines[:most] + more
