# SPDX-License-Identifier: MIT
"""Medians of runs with their spread, and the tables they are told in."""

import statistics


def spread(values):
    values = sorted(values)
    return {"median": statistics.median(values), "least": values[0], "most": values[-1]}


def row_of(runs):
    """One row out of the runs of a program at a size and a pace."""
    row = {
        "runs": len(runs),
        "sent": sum(run.sent for run in runs),
        "stored": sum(run.stored for run in runs),
        "lost": sum(run.lost for run in runs),
        "flawed": sum(run.flawed for run in runs),
        "rate": spread([run.rate for run in runs]),
        "cpu_ns_per_packet": spread([run.cpu_ns_per_packet for run in runs]),
        "cpu_ns_per_sent": spread([run.cpu_ns_per_sent for run in runs]),
        "kernel_worker_ns_per_packet": spread(
            [run.worker_seconds * 1e9 / max(run.stored, 1) for run in runs]),
        "octets_per_packet": spread([run.octets_written / max(run.stored, 1) for run in runs]),
        "switches_per_mib": spread([run.per_mib(run.switches) for run in runs]),
        "idle_share": spread([run.idle_share for run in runs]),
        "peak_mib": max(run.peak_mib for run in runs),
    }
    counted = [run for run in runs if run.calls is not None]
    if counted:
        row["calls_per_mib"] = spread([run.per_mib(run.calls) for run in counted])
    return row


def _ratio(row, base):
    if not base:
        return "-"
    return f"{row['cpu_ns_per_packet']['median'] / base['cpu_ns_per_packet']['median']:.2f}"


def print_rows(title, rows, rings):
    """`rows` by program; `rings(program)` is the memory of its rings in MiB."""
    print(f"\n### {title}\n")
    print("| program | ns a packet | least to most | tcpdump = 1 | copy = 1 | kernel workers, ns "
          "| lost | octets a packet | MiB beside rings | calls/MiB | switches/MiB | core idle |")
    print("| --- " * 12 + "|")
    for name, row in rows.items():
        cpu = row["cpu_ns_per_packet"]
        calls = f"{row['calls_per_mib']['median']:.1f}" if "calls_per_mib" in row else "-"
        lost = f"{row['lost'] / row['sent']:.1%}" if row["lost"] else "0"
        base = rows.get("floor: copy-2") or rows.get("floor: copy")
        print(f"| {name} | {cpu['median']:.0f} | {cpu['least']:.0f} to {cpu['most']:.0f} "
              f"| {_ratio(row, rows.get('tcpdump'))} | {_ratio(row, base)} "
              f"| {row['kernel_worker_ns_per_packet']['median']:.0f} | {lost} "
              f"| {row['octets_per_packet']['median']:.1f} "
              f"| {row['peak_mib'] - rings(name):.1f} | {calls} "
              f"| {row['switches_per_mib']['median']:.2f} | {row['idle_share']['median']:.0%} |"
              + (" DAMAGED" if row["flawed"] else ""), flush=True)


class Faults:
    """What makes the whole run worthless, gathered and said at once."""

    def __init__(self):
        self.said = []

    def judge(self, name, run):
        for wrong in run.unbalanced:
            self.add(f"{name}: the ledger does not balance: {wrong}")
        if run.flawed:
            self.add(f"{name}: {run.flawed} packets are not as they were sent")

    def add(self, text):
        self.said.append(text)
        print(f"FAILED: {text}", flush=True)
