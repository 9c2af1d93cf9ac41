"""What is known of the machine that runs an experiment (Linux)."""

import os
from pathlib import Path

BUSY = 0.7  # load average from which a result's times carry a warning
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


def describe() -> dict:
    model, flags = cpu_info(Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model, "flags": flags, "cores": os.cpu_count(),
            "memory_gib": round(memory / 2**30, 1), "load_before": round(os.getloadavg()[0], 2)}


def sentence(machine: dict) -> str:
    wide = [flag for flag in machine["flags"] if flag in ("avx2", "avx512f", "avx512_bf16",
                                                          "amx_bf16")]
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB, "
            f"{' '.join(wide) or 'no AVX2'}; load average {machine['load_before']:.1f} before")


def has_bf16(machine: dict) -> bool:
    return "avx512_bf16" in machine["flags"] or "amx_bf16" in machine["flags"]


def load_warning(machine: dict) -> str:
    """A table of times that were taken beside other programs says so."""
    if machine["load_before"] < BUSY:
        return ""
    return (f"**Other programs were running (load average {machine['load_before']:.1f} before): "
            "the times, and ratios of them, cannot be trusted.**")
