#!/usr/bin/env python3
"""The last screen of the quick start: one text, all tasks, several skip depths.

Asks a running fathom-server through the client's JSON and prints what the depth n changes: answers,
expected quality by n, time, and row-layers run. On a terminal it then asks for further texts.

    quickstart_screen.py --client build/release/bin/fathom --server 127.0.0.1:8500 [--text TEXT]
"""

import argparse
import json
import subprocess
import sys

TEXT = ("The screen is gorgeous and it was cheap, but the battery dies before lunch "
        "and nobody at support ever answers.")
WARM_UP_TEXT = ("A quiet little film about two sisters who inherit a lighthouse, with more "
                "charm than plot and one very good dog.")
MAX_TASKS = 8
BARS = "▁▂▃▄▅▆▇█"
LOWEST_BAR = 0.5  # share of the score at n = 0 that the lowest bar stands for


class ClientError(Exception):
    """What the client said when a call failed."""


class Client:
    """Calls of the fathom client; answers are the wire's messages as protobuf JSON."""

    def __init__(self, program, server):
        self.program = program
        self.server = server

    def call(self, command, *arguments):
        line = [self.program, command, "--address", self.server, "--json", *arguments]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClientError(done.stderr.strip() or f"fathom {command} failed")
        return json.loads(done.stdout)

    def predict(self, text, tasks, skip_layers):
        names = [argument for task in tasks for argument in ("--task", task["name"])]
        return self.call("predict", *names, "--skip-layers", str(skip_layers), "--", text)


def usable_tasks(listed, last_skip):
    """The default versions that were loaded and trained for every n up to last_skip."""
    def usable(task):
        trained = task.get("trained_skip_layers", {})
        return (task.get("default_version") and "load_error" not in task
                and trained.get("first", 0) == 0 and trained.get("last", 0) >= last_skip)
    return [task for task in listed if usable(task)][:MAX_TASKS]


def profile_scores(task):
    """{n: score} of the task's depth profile."""
    return {point.get("skip_layers", 0): point["quality"].get("score", 0.0)
            for point in task.get("profile", []) if "quality" in point}


def metric_name(task):
    return next((point["quality"].get("metric", "") for point in task.get("profile", [])
                 if "quality" in point), "")


def curve(scores):
    """One bar an n: the share of the score at n = 0 that is left, LOWEST_BAR … 1."""
    if scores.get(0, 0.0) <= 0.0:
        return ""
    shares = (scores[n] / scores[0] for n in sorted(scores))
    steps = ((share - LOWEST_BAR) / (1 - LOWEST_BAR) * (len(BARS) - 1) for share in shares)
    return "".join(BARS[max(0, min(len(BARS) - 1, round(step)))] for step in steps)


def answer(result):
    """(what the task says, how sure it is) as text."""
    if "error" in result:
        return "error", result["error"].get("message", "")
    if "regression" in result:
        return f"{result['regression'].get('value', 0.0):.2f}", ""
    classification = result.get("classification", {})
    return classification.get("label", "?"), f"{classification.get('probability', 0.0):.0%}"


def labels_changed(results, reference):
    """How many tasks with labels say another one than in reference."""
    pairs = zip(results, reference)
    return sum(answer(a)[0] != answer(b)[0] for a, b in pairs if "classification" in b)


def compute_ms(response):
    return float(response["usage"].get("compute", "0s").rstrip("s")) * 1000


def print_answers(results, tasks, depths):
    scores_title = "".join(f"{'n = ' + str(n):>8}" for n in depths)
    print(f"  {'':<20} {'answer at n = 0':<28} {'expected quality':<16}{scores_title}")
    for task, result in zip(tasks, results):
        says, sure = answer(result)
        scores = profile_scores(task)
        columns = "".join(f"{scores[n]:>8.2f}" if n in scores else f"{'':>8}" for n in depths)
        print(f"  {task['name']:<20.20} {says:<21.21} {sure:>5}  {metric_name(task):<16}{columns}"
              f"  {curve(scores)}")


def print_cost(title, response, changed):
    usage = response["usage"]
    counts = [usage.get(name, 0.0)
              for name in ("row_layers_run", "row_layers_shared", "row_layers_cached")]
    columns = "".join(f"{count:>10.0f}" for count in counts)
    print(f"  {title:<34}{compute_ms(response):>8.1f}{columns}{changed:>16}")


def layer_range(first, layers):
    """The layers whose adapters run at n = first."""
    if first == 0:
        return "all layers"
    last = layers - 1
    return f"layer {last} alone" if first == last else f"layers {first} … {last}"


def show_text(client, text, tasks, layers):
    """Prints the answers to one text and what each depth cost."""
    depths = [0, layers // 2, layers - 1]
    # Deepest first: what the server keeps of a text serves later requests of that n or a deeper
    # one only, so every row below but the last is of a text not seen before.
    responses = {n: client.predict(text, tasks, n) for n in reversed(depths)}
    again = client.predict(text, tasks, depths[-1])
    results = {n: response["results"][0] for n, response in responses.items()}
    reference = results[0]["tasks"]

    print(f'\n  "{text}"')
    print(f"  {results[0].get('token_count', 0)} tokens, {len(tasks)} tasks, one pass a row\n")
    print_answers(reference, tasks, depths)
    print(f"\n  {'':<34}{'':>8}{'row-layers':>10}")
    print(f"  {'skip depth':<34}{'ms':>8}{'run':>10}{'shared':>10}{'kept':>10}"
          f"{'labels changed':>16}")
    for n in depths:
        print_cost(f"n = {n}: adapters in {layer_range(n, layers)}", responses[n],
                   labels_changed(results[n]["tasks"], reference))
    print_cost(f"n = {depths[-1]}: the same text again", again,
               labels_changed(again["results"][0]["tasks"], reference))


def print_legend(layers):
    print(f"""
  A row-layer is one token through one of the encoder's {layers} layers. "shared": what a request
  a task would have run more. "kept": taken from an earlier request for the same text. Bars: the
  score at n = 0 … {layers - 1} on the dev set as a share of the score at n = 0, from {LOWEST_BAR * 100:.0f} % to 100 %.""")


def ask_for_texts(client, tasks, layers):
    """Answers the person's own texts until an empty line."""
    while True:
        try:
            text = input("\n  Your own text (an empty line ends): ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if not text:
            return
        try:
            show_text(client, text, tasks, layers)
        except ClientError as error:
            print(f"  {error}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--client", required=True, help="the fathom program")
    parser.add_argument("--server", required=True, help="HOST:PORT of the server")
    parser.add_argument("--text", default=TEXT, help="the text to show")
    return parser.parse_args()


def main():
    sys.stdout.reconfigure(errors="replace")  # a terminal without bars still shows the numbers
    arguments = parse_arguments()
    client = Client(arguments.client, arguments.server)
    layers = client.call("info")["layers"]
    tasks = usable_tasks(client.call("tasks").get("tasks", []), layers - 1)
    if not tasks:
        raise ClientError(f"the server has no task that was trained for n = 0 … {layers - 1}")
    for n in (0, layers // 2, layers - 1):
        client.predict(WARM_UP_TEXT, tasks, n)
    show_text(client, arguments.text, tasks, layers)
    print_legend(layers)
    if sys.stdin.isatty() and sys.stdout.isatty():
        ask_for_texts(client, tasks, layers)


if __name__ == "__main__":
    try:
        main()
    except ClientError as failure:
        sys.exit(f"error: {failure}")
