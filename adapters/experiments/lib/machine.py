"""What is known of the machine that runs an experiment (Linux)."""

import os
import time
from pathlib import Path

BUSY = 0.5  # cores at work for other programs from which a result's times carry a warning
LOOK_S = 1.0
FLAG_PREFIXES = ("avx", "amx", "fma", "f16c")


def cpu_info(text: str) -> tuple[str, list[str]]:
    """(model, vector and matrix instruction sets) from a text like /proc/cpuinfo."""
    values = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            values.setdefault(key.strip(), value.strip())
    flags = [flag for flag in values.get("flags", "").split() if flag.startswith(FLAG_PREFIXES)]
    return values.get("model name", "unknown CPU"), flags


def busy_jiffies(text: str) -> int:
    """Time that all cores have worked, from a text like /proc/stat."""
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(
        int, text.splitlines()[0].split()[1:])
    return user + nice + system + irq + softirq + steal


def busy_cores() -> float:
    """Cores at work during one second. The load average would still count the run before."""
    before = busy_jiffies(Path("/proc/stat").read_text())
    time.sleep(LOOK_S)
    worked = busy_jiffies(Path("/proc/stat").read_text()) - before
    return worked / os.sysconf("SC_CLK_TCK") / LOOK_S


def load_before(machine: dict) -> float:
    """Of runs of older versions the load average."""
    return machine.get("busy_cores_before", machine.get("load_before", 0.0))


def describe() -> dict:
    model, flags = cpu_info(Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model, "flags": flags, "cores": os.cpu_count(),
            "memory_gib": round(memory / 2**30, 1), "busy_cores_before": round(busy_cores(), 2)}


def sentence(machine: dict) -> str:
    wide = [flag for flag in machine["flags"] if flag in ("avx2", "avx512f", "avx512_bf16",
                                                          "amx_bf16")]
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB, "
            f"{' '.join(wide) or 'no AVX2'}; {load_before(machine):.1f} cores busy before")


def has_bf16(machine: dict) -> bool:
    return "avx512_bf16" in machine["flags"] or "amx_bf16" in machine["flags"]


def load_warning(machine: dict) -> str:
    """A table of times that were taken beside other programs says so."""
    if load_before(machine) < BUSY:
        return ""
    return (f"**Other programs were running ({load_before(machine):.1f} cores busy before): the "
            "times, and ratios of them, cannot be trusted.**")
