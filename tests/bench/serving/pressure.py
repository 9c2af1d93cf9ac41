"""More load than the server can carry: overload, brown-out, and latency budgets."""

from typing import Any

from programs import Programs, Server
from row import Row

# Costly calls, so that the client's share of the cores is small.
HEAVY = ("--no-cache", "--texts", 0, "--words", 62)
LIGHT = ("--texts", 0, "--words", 30)
IN_FLIGHT = ("--max-in-flight", 100000)


def ok_per_second(load: dict[str, Any]) -> float:
    return load["latency"].get("OK", {"count": 0})["count"] / load["seconds"]


def timed(programs: Programs, warm_up: float, duration: float) -> tuple[object, ...]:
    return ("--warm-up", programs.seconds(warm_up), "--duration", programs.seconds(duration))


def capacity(server: Server, *flags: object) -> float:
    """Calls a second that a few callers get, each waiting for its answer."""
    return ok_per_second(server.load(*flags, *timed(server.programs, 2, 8), "--concurrency", 8))


def refused(load: dict[str, Any]) -> str:
    """The codes and reasons of what was not answered, with their counts."""
    parts = [f"{count} {code} {reason}" for code, reasons in sorted(load["reasons"].items())
             for reason, count in sorted(reasons.items())]
    return ", ".join(parts) or "none refused"


def overload_row(calm: dict[str, Any], heavy: dict[str, Any]) -> Row:
    before, after = calm["latency"]["OK"]["p99_ms"], heavy["latency"]["OK"]["p99_ms"]
    answered = sum(code["count"] for code in heavy["latency"].values())
    lost = heavy["calls"] - answered + heavy["unsent"]
    met = after <= 2 * before and lost == 0 and heavy["without_reason"] == 0
    return Row("offered load 10 × capacity for 30 s: p99 of accepted against p99 at 70 % load",
               "≤ 2 ×, nothing lost, every refusal has a reason",
               f"{after / before:.2f} × ({after:.0f} and {before:.0f} ms), {lost} lost, "
               f"{heavy['without_reason']} without a reason; {refused(heavy)}", met)


def overload(programs: Programs, queue_ms_flag: str) -> Row:
    flags = ("--mix", ",".join(programs.task_names()), "--skip-layers", 0, *HEAVY)
    with Server(programs) as server:
        rate = capacity(server, *flags)
        calm = server.load(*flags, "--rate", 0.7 * rate, *timed(programs, 3, 30))
    # The queue holds as much as a call at 70 % load waits at worst.
    queue_ms = round(calm["latency"]["OK"]["p99_ms"])
    with Server(programs, queue_ms_flag, queue_ms) as server:
        calm = server.load(*flags, "--rate", 0.7 * rate, *timed(programs, 3, 30))
        heavy = server.load(*flags, "--rate", 10 * rate, *timed(programs, 3, 30), *IN_FLIGHT)
    return overload_row(calm, heavy)


def brownout_row(fixed: dict[str, Any], browned: dict[str, Any], lone: dict[str, Any]) -> Row:
    gain = ok_per_second(browned) / max(ok_per_second(fixed), 1e-9)
    lone_depths = {n for counts in lone["n"].values() for n in counts}
    return Row("brown-out at 1.5 × capacity, 8 tasks a text, floor 0.95, against fixed n = 0",
               "≥ 1.3 × accepted; with one task a text: n unchanged",
               f"{gain:.2f} × ({100 * browned['brownout_share']:.0f} % of the answers browned out, "
               f"{browned['relative_quality_mean'] or 0:.3f} of the quality expected); one task: "
               f"n = {', '.join(sorted(lone_depths))}", gain >= 1.3 and lone_depths == {"0"})


def brownout(programs: Programs, queue_ms_flag: str) -> Row:
    tasks = programs.task_names()
    every = ("--mix", ",".join(tasks), *HEAVY)
    one = ("--mix", tasks[0], *HEAVY)
    open_loop = (*timed(programs, 5, 20), *IN_FLIGHT)
    with Server(programs, queue_ms_flag, 1000) as server:
        for task in tasks:
            server.admin("depth-policy", task, "--brownout", "on", "--quality-floor", 0.95)
        rate = 1.5 * capacity(server, *every, "--skip-layers", 0)
        fixed = server.load(*every, "--skip-layers", 0, "--rate", rate, *open_loop)
        browned = server.load(*every, "--quality-floor", 0.95, "--rate", rate, *open_loop)
        rate = 1.5 * capacity(server, *one, "--skip-layers", 0)
        lone = server.load(*one, "--quality-floor", 0.95, "--rate", rate, *open_loop)
    return brownout_row(fixed, browned, lone)


def budget_row(load: dict[str, Any]) -> Row:
    budget = load["budget"]
    kept = budget["kept"] / max(budget["said_met"], 1)
    said = budget["said_met"] / max(budget["asked"], 1)
    depths = sorted({int(n) for counts in load["n"].values() for n in counts})
    return Row("`latency_budget` met on calibrated mixes", "≥ 95 % of requests said to meet it",
               f"{100 * kept:.1f} % of {budget['said_met']} answers that were said to meet it "
               f"({100 * said:.0f} % of all); n = {', '.join(map(str, depths))}",
               kept >= 0.95 and budget["said_met"] > 0)


def budget(programs: Programs) -> Row:
    """Budgets from half to three times of what all tasks on a lone text take at n = 0."""
    tasks = programs.task_names()
    with Server(programs) as server:
        alone = server.load("--mix", ",".join(tasks), "--skip-layers", 0, *LIGHT,
                            *timed(programs, 2, 8), "--concurrency", 1)
        lone_ms = alone["latency"]["OK"]["p50_ms"]
        rate = 0.4 * capacity(server, "--mix", ",".join(tasks), "--skip-layers", 0, *LIGHT)
        mix = ";".join(",".join(f"{task}@{lone_ms * share:.3f}ms" for task in tasks)
                       for share in (0.5, 0.8, 1.5, 3))
        load = server.load("--mix", mix, "--quality-floor", 0, *LIGHT, "--rate", rate,
                           *timed(programs, 3, 30))
    return budget_row(load)
