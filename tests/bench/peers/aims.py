# SPDX-License-Identifier: MIT
"""What a run is held against: the aims, and how far the figures of that run are from them."""

OWN = "captured-2"


class Aims:
    """Each line says what was found, what is wanted and whether that is reached."""

    def __init__(self):
        self.lines = []

    def at_most(self, what, found, wanted, text="{:.3f}"):
        self._add(what, found, wanted, text, "at most", lambda: found <= wanted)

    def at_least(self, what, found, wanted, text="{:.3f}"):
        self._add(what, found, wanted, text, "at least", lambda: found >= wanted)

    def _add(self, what, found, wanted, text, how, is_reached):
        if found is None:
            return
        self.lines.append({"what": what, "found": found, "wanted": f"{how} {wanted}",
                           "said": text.format(found), "reached": bool(is_reached())})

    def print(self):
        print("\n### Aims\n\n| what | found | wanted | |\n| --- | --- | --- | --- |")
        for one in self.lines:
            print(f"| {one['what']} | {one['said']} | {one['wanted']} "
                  f"| {'reached' if one['reached'] else 'MISSED'} |")


def _cost(rows, name, key="cpu_ns_per_packet"):
    return rows[name][key]["median"] if name in rows else None


def _ratio(rows, name):
    """Ours to theirs; for each sent packet where they lose at this pace."""
    if OWN not in rows or name not in rows:
        return None
    key = "cpu_ns_per_sent" if rows[name]["lost"] else "cpu_ns_per_packet"
    return _cost(rows, OWN, key) / _cost(rows, name, key)


def _judge_point(aims, point):
    rows, size = point["rows"], point["size"]
    where = f"{size} octets at {point['pace']:,}/s, {point['output']}"
    limits = {"64": {"tcpdump": 0.6, "floor: copy-2": 1.3, "dumpcap-2": 0.02},
              "1500": {"tcpdump": 0.25, "netsniff-ng": 0.25, "dumpcap-2": 0.05}}.get(size, {})
    if size == "1500" and point["output"] != "disk":
        limits = {}
    for peer, limit in limits.items():
        aims.at_most(f"{where}: time a packet, {OWN} / {peer}", _ratio(rows, peer), limit)
    if OWN not in rows:
        return
    own = rows[OWN]
    bare = _cost(rows, "stenotype-no-index")
    if size == "1500" and point["output"] == "disk" and bare:
        aims.at_most(f"{where}: ns a packet more than stenotype-no-index",
                     _cost(rows, OWN) - bare, 100, "{:.0f}")
    drain = rows.get("floor: drain-2")
    if drain and not drain["lost"]:
        aims.at_most(f"{where}: packets lost where the empty drain loses none", own["lost"], 0,
                     "{}")
    if size != "mix" and own["stored"] and point["output"] != "nowhere":
        _judge_octets(aims, where, int(size), own["octets_per_packet"]["median"])
    rings = 2 * point["ring_mib"]
    aims.at_most(f"{where}: MiB beside the rings", own["peak_mib"] - rings, 32, "{:.1f}")
    if size != "mix" and int(size) * 8 * own["rate"]["median"] > 1e9:
        if "calls_per_mib" in own:
            aims.at_most(f"{where}: system calls a MiB", own["calls_per_mib"]["median"], 4,
                         "{:.2f}")
        aims.at_most(f"{where}: context switches a MiB", own["switches_per_mib"]["median"], 2,
                     "{:.2f}")


def _judge_octets(aims, where, size, octets):
    # An Enhanced Packet Block with its flags; larger packets are written as they lie.
    padded = (size + 3) // 4 * 4
    if size < 640:
        aims.at_most(f"{where}: octets to the theoretical", octets / (32 + padded + 12), 1.005,
                     "{:.4f}")
    else:
        aims.at_most(f"{where}: octets to those of compact mode", octets / (32 + padded + 12),
                     1.035, "{:.4f}")


def judge(said):
    aims = Aims()
    for point in said["points"]:
        _judge_point(aims, point)
    for one in said["lossless"]:
        if one["by_injector"]:
            aims.at_least(f"{one['size']} octets, nowhere: the injector is the limit; idle share "
                          f"of the core, {one['program']}", one["idle_share"]["program"]["median"],
                          0.1, "{:.2f}")
            continue
        aims.at_least(f"{one['size']} octets, nowhere: highest lossless rate, {one['program']} / "
                      "empty drain", one["ratio"]["median"], 0.97)
    for one in said["growth"]:
        aims.at_least("file growth / raw writer's", one["ratio"]["median"], 0.95)
    for one in said["stall"]:
        if one["program"] == OWN:
            aims.at_most(f"{one['size']} octets at {one['pace']:,}/s: packets lost when the disk "
                         f"stops for {one['stopped']:.2f} s", one["lost"], 0, "{}")
    for one in said["idle"]:
        aims.at_most("switches a second when idle", one["switches_per_second"], 2, "{:.1f}")
    for one in said["allocations"]:
        aims.at_most(f"{one['size']} octets: allocations for each ring block", one["per_block"],
                     0.05, "{:.3f}")
    return aims
