"""Makes golden/: small tokenizers, and what Python's `tokenizers` gives with them.

    pip install tokenizers==0.23.3 && python make_golden.py

The vocabularies are trained on the texts themselves, the first time; then they stay as they are.
Every NAME.json of cases is
    {"tokenizer": file in golden/, "options": of a vocab.txt or null, "cases": [case, ...]}
    case: [first text, second text or null, max_tokens, truncation, full_tokens, ids, segments]
where a text is its number in texts.json, segments is one digit an id, and ids and segments are null
if Python refuses the case.
    spans.json: {"tokenizer", "max_tokens", "cases": [[first, second or null, spans], ...]}
    spans: [text, first byte, byte behind the last] a token; text 0 or 1, -1 for a special token
"""

import json
import pathlib

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from hard_texts import TEXTS

GOLDEN = pathlib.Path(__file__).parent / "golden"
LIMITS = [4, 8, 16, 128]
TRUNCATIONS = ["longest_first", "only_first", "only_second"]
PAIRS = [(7 * i % len(TEXTS), (31 * i + 205) % len(TEXTS)) for i in range(48)]
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCAB_OPTIONS = {
    "cased": {"lowercase": False, "strip_accents": None, "tokenize_chinese_chars": True},
    "accents_kept": {"lowercase": True, "strip_accents": False, "tokenize_chinese_chars": True},
    "accents_stripped": {
        "lowercase": False,
        "strip_accents": True,
        "tokenize_chinese_chars": False,
    },
}


def bert_normalizer(options):
    return normalizers.BertNormalizer(
        lowercase=options["lowercase"],
        strip_accents=options["strip_accents"],
        handle_chinese_chars=options["tokenize_chinese_chars"],
    )


def train_wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=800, limit_alphabet=300, special_tokens=BERT_SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")],
    )
    # A published tokenizer.json often carries both; a server must ignore them.
    tokenizer.enable_truncation(max_length=10, strategy="only_first")
    tokenizer.enable_padding(length=12)
    tokenizer.save(str(GOLDEN / "wordpiece_tokenizer.json"))
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (GOLDEN / "wordpiece_vocab.txt").write_text("".join(token + "\n" for token, _ in by_id))


def train_byte_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    around = [(t, tokenizer.token_to_id(t)) for t in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*around)
    tokenizer.save(str(GOLDEN / "byte_bpe_tokenizer.json"))


def load(name):
    tokenizer = Tokenizer.from_file(str(GOLDEN / name))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer


def case(tokenizer, first, second, limit, truncation):
    texts = (TEXTS[first],) if second is None else (TEXTS[first], TEXTS[second])
    tokenizer.no_truncation()
    full = len(tokenizer.encode(*texts).ids)
    tokenizer.enable_truncation(max_length=limit, strategy=truncation)
    try:
        encoding = tokenizer.encode(*texts)
    except Exception:  # the crate's errors have no class of their own in Python
        return [first, second, limit, truncation, full, None, None]
    segments = "".join(map(str, encoding.type_ids))
    return [first, second, limit, truncation, full, encoding.ids, segments]


def write(name, tokenizer_file, options, cases):
    head = json.dumps({"tokenizer": tokenizer_file, "options": options})[:-1]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    (GOLDEN / name).write_text(f'{head}, "cases": [\n{lines}\n]}}\n')
    print(name, len(cases), "cases,", sum(c[5] is None for c in cases), "refused")


def all_cases(tokenizer, texts, pairs):
    special = tokenizer.num_special_tokens_to_add(is_pair=True)
    singles = [case(tokenizer, t, None, n, "longest_first") for t in texts for n in LIMITS]
    other = [
        case(tokenizer, t, None, n, s)
        for t in list(texts)[::8]
        for n in LIMITS
        for s in TRUNCATIONS[1:]
    ]
    paired = [
        case(tokenizer, a, b, n, s)
        for a, b in pairs
        for n in [special, *LIMITS]
        if n >= special
        for s in TRUNCATIONS
    ]
    return singles + other + paired


def byte_spans(tokenizer, first, second):
    """The library's offsets are in characters."""
    texts = [TEXTS[first]] + ([] if second is None else [TEXTS[second]])
    encoding = tokenizer.encode(*texts)
    spans = []
    for text, (begin, end) in zip(encoding.sequence_ids, encoding.offsets, strict=True):
        if text is None:
            spans.append([-1, 0, 0])
        else:
            characters = texts[text]
            spans.append([text] + [len(characters[:n].encode()) for n in (begin, end)])
    return [first, second, spans]


def write_spans():
    tokenizer = load("wordpiece_tokenizer.json")
    tokenizer.enable_truncation(max_length=24, strategy="longest_first")
    cases = [byte_spans(tokenizer, text, None) for text in range(0, len(TEXTS), 4)]
    cases += [byte_spans(tokenizer, a, b) for a, b in PAIRS[::4]]
    head = json.dumps({"tokenizer": "wordpiece_tokenizer.json", "max_tokens": 24})[:-1]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    (GOLDEN / "spans.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


def main():
    GOLDEN.mkdir(exist_ok=True)
    if not (GOLDEN / "wordpiece_vocab.txt").exists():
        train_wordpiece()
    if not (GOLDEN / "byte_bpe_tokenizer.json").exists():
        train_byte_bpe()
    lines = ",\n".join(map(json.dumps, TEXTS))
    (GOLDEN / "texts.json").write_text(f"[\n{lines}\n]\n")

    uncased = load("wordpiece_tokenizer.json")
    cases = all_cases(uncased, range(len(TEXTS)), PAIRS)
    write("uncased.json", "wordpiece_tokenizer.json", None, cases)
    bpe = load("byte_bpe_tokenizer.json")
    cases = all_cases(bpe, range(0, len(TEXTS), 4), PAIRS[::4])
    write("byte_bpe.json", "byte_bpe_tokenizer.json", None, cases)
    for name, options in VOCAB_OPTIONS.items():
        tokenizer = load("wordpiece_tokenizer.json")
        tokenizer.normalizer = bert_normalizer(options)
        cases = [case(tokenizer, t, None, 128, "longest_first") for t in range(0, len(TEXTS), 2)]
        write(f"{name}.json", "wordpiece_vocab.txt", options, cases)
    write_spans()


if __name__ == "__main__":
    main()
