"""Clean texts, and cut labelled texts into train, dev and test. Pure: no files, no network."""

import hashlib
import html
import re
from collections import Counter, defaultdict
from typing import NamedTuple

SEED = "fathom-starter-10"  # of the first ten: the smallest task's dev and test are alike in size
SPLITS = ("train", "dev", "test")
SPLIT_LIMIT = {"train": 6000, "dev": 1000, "test": 1000}
MAX_WORDS = 100  # of one text; the few longer ones are chain letters and unsplit reviews
DEV_FROM, TEST_FROM = 0.75, 0.875  # shares of the groups: 75 % train, 12.5 % dev, 12.5 % test


class Example(NamedTuple):
    texts: tuple[str, ...]  # one sentence, or two for a pair task
    label: str  # a class name, or the score of a regression task as decimal text
    group: str  # texts that belong together (one review, one film) share a group and so a split
    stratum: str = ""  # what the caps are spread over evenly; the label where empty


def clean(text: str) -> str:
    """One line without markup: entities, tabs, line breaks and control characters are gone."""
    text = html.unescape(html.unescape(text)).replace("''", '"')
    text = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"\s+", " ", text).strip()


def text_key(text: str) -> str:
    """Equal for texts that differ only in case, digits, punctuation or spaces."""
    return " ".join(re.findall(r"[^\W\d_]+", text.lower()))


def hash_fraction(text: str) -> float:
    """A number in [0, 1) that depends on SEED and the text only: the seeded shuffle."""
    digest = hashlib.sha256(f"{SEED}:{text}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def split_of(group: str) -> str:
    """The split of a group. The same in every task, so that no task trains on the text that
    another one is tested on: a fusion of several adapters needs that."""
    fraction = hash_fraction(group)
    return "train" if fraction < DEV_FROM else "dev" if fraction < TEST_FROM else "test"


def example_key(example: Example) -> str:
    return "\t".join(text_key(text) for text in example.texts)


def deduplicate(examples: list[Example], regression: bool) -> list[Example]:
    """One example a key. A key with contradicting classes is left out; of scores the first stays.
    Texts without a letter and overlong ones are left out."""
    kept: dict[str, Example] = {}
    labels = defaultdict(set)
    for example in examples:
        if not all(text_key(text) and len(text.split()) <= MAX_WORDS for text in example.texts):
            continue
        key = example_key(example)
        kept.setdefault(key, example)
        labels[key].add(example.label)
    return [e for key, e in kept.items() if regression or len(labels[key]) == 1]


def cap_evenly(examples: list[Example], limit: int) -> list[Example]:
    """At most `limit` examples, spread as evenly over the strata as their sizes allow. Which ones
    stay, and the order, is the seeded shuffle."""
    strata = defaultdict(list)
    for example in sorted(examples, key=lambda e: (hash_fraction(example_key(e)), e)):
        strata[example.stratum or example.label].append(example)
    chosen = []
    for done, stratum in enumerate(sorted(strata.values(), key=len)):  # the rare ones give up room
        share = (limit - len(chosen)) // (len(strata) - done)
        chosen += stratum[:share]
    return sorted(chosen, key=lambda e: (hash_fraction(example_key(e)), e))


def cut(examples: list[Example], regression: bool = False) -> dict[str, list[Example]]:
    """Deduplicated, cut by group, capped: the three splits of a task."""
    splits = {name: [] for name in SPLITS}
    for example in deduplicate(examples, regression):
        splits[split_of(example.group)].append(example)
    return {name: cap_evenly(rows, SPLIT_LIMIT[name]) for name, rows in splits.items()}


def half_mismatched(pairs: list[Example], match: str, mismatch: str) -> list[Example]:
    """Of true pairs makes half true, half false ones. A false pair takes its second text from
    another group of the same split, and the second texts of the false pairs are among themselves
    only exchanged: neither text alone tells the label."""
    result = []
    for name in SPLITS:
        rows = sorted((p for p in pairs if split_of(p.group) == name),
                      key=lambda p: (hash_fraction(example_key(p)), p))
        middle = len(rows) // 2
        result += [p._replace(label=match) for p in rows[:middle]]
        false = rows[middle:]
        for first, second in zip(false, false[1:] + false[:1]):
            if first.group != second.group:
                result.append(Example((first.texts[0], second.texts[1]), mismatch, first.group))
    return result


def majority_share(rows: list[Example]) -> float:
    """What always answering the most frequent class would score."""
    return Counter(row.label for row in rows).most_common(1)[0][1] / len(rows) if rows else 0.0
