"""Tests of the pure functions behind the starter data. No network, no files."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "adapters" / "starter_data"))

import data_sources as sources
import data_splits as splits
import fetch_data as fetch
from data_splits import Example


def numbered(count, label="a", groups=None):
    """Examples that differ in a word of letters, because keys ignore digits."""
    words = ["".join(chr(97 + int(d)) for d in str(i)) for i in range(count)]
    return [Example((f"word {w} here",), label, f"{label}{i % (groups or count)}")
            for i, w in enumerate(words)]


class Texts(unittest.TestCase):
    def test_clean_text_is_one_line_without_markup(self):
        for dirty, expected in [
                ("a\tb\r\nc", "a b c"), (" two  spaces ", "two spaces"), ("R&amp;amp;D", "R&D"),
                ("''quoted''", '"quoted"'), ("a\u2028b\u00a0c\x07", "a b c"), ("", "")]:
            with self.subTest(dirty=dirty):
                self.assertEqual(splits.clean(dirty), expected)

    def test_key_ignores_case_digits_and_punctuation_only(self):
        self.assertEqual(splits.text_key("Call 0800-123, NOW!"), splits.text_key("call now 99"))
        self.assertNotEqual(splits.text_key("call now"), splits.text_key("call later"))
        self.assertEqual(splits.text_key("12 :-)"), "")

    def test_marks_of_anonymising_are_removed(self):
        self.assertEqual(fetch.clean_rated("tweet", "@anonymous see http://url_removed ok"),
                         "see ok")
        self.assertEqual(fetch.clean_rated("movie", "the movie    again"), "the movie - again")

    def test_sentences_are_cut_but_titles_kept(self):
        self.assertEqual(fetch.sentences("Dr. No runs. He falls! So what?"),
                         ["Dr. No runs.", "He falls!", "So what?"])


class Splits(unittest.TestCase):
    def test_no_group_and_no_text_is_in_two_splits(self):
        rows = numbered(3000, groups=200) + numbered(3000, groups=170)
        cut = splits.cut(rows)
        for part in (lambda e: e.group, splits.example_key):
            parts = [{part(e) for e in cut[name]} for name in splits.SPLITS]
            self.assertTrue(all(parts))
            self.assertEqual(sum(map(len, parts)), len(set.union(*parts)))

    def test_result_does_not_depend_on_the_order_of_the_source(self):
        rows = numbered(500) + numbered(1500, "b")[500:]
        self.assertEqual(splits.cut(rows), splits.cut(rows[::-1]))

    def test_shares_are_near_three_quarters_and_an_eighth(self):
        cut = splits.cut(numbered(4000))
        self.assertAlmostEqual(len(cut["train"]) / 4000, 0.75, delta=0.03)
        self.assertAlmostEqual(len(cut["dev"]) / 4000, 0.125, delta=0.03)

    def test_contradicting_classes_are_left_out_and_the_first_score_stays(self):
        rows = [Example(("Same!",), "1.0", "g"), Example(("same",), "2.0", "h"),
                Example(("other",), "1.0", "i")]
        self.assertEqual(splits.deduplicate(rows, regression=False), rows[2:])
        self.assertEqual(splits.deduplicate(rows, regression=True), [rows[0], rows[2]])

    def test_letterless_and_overlong_texts_are_left_out(self):
        rows = [Example((text,), "a", "g") for text in ("?!", "x " * 101, "kept " * 100)]
        self.assertEqual(splits.deduplicate(rows, regression=False), rows[2:])

    def test_caps_are_spread_evenly_and_rare_classes_leave_their_room(self):
        rows = numbered(100, "a") + numbered(100, "b") + numbered(5, "c")
        capped = [e.label for e in splits.cap_evenly(rows, 65)]
        self.assertEqual([capped.count(label) for label in "abc"], [30, 30, 5])
        self.assertEqual(len(splits.cap_evenly(rows, 1000)), 205)

    def test_false_pairs_cross_groups_but_not_splits_and_reuse_the_second_texts(self):
        pairs = [Example((f"first {e.texts[0]}", f"second {e.texts[0]}"), "", e.group)
                 for e in numbered(600, groups=60)]
        group_of = {text: pair.group for pair in pairs for text in pair.texts}
        made = splits.half_mismatched(pairs, "same", "different")
        false = [e for e in made if e.label == "different"]
        self.assertAlmostEqual(len(false) / len(made), 0.5, delta=0.05)
        self.assertEqual({e for e in made if e.label == "same"},
                         {p._replace(label="same") for p in pairs} & set(made))
        for pair in false:
            first, second = (group_of[text] for text in pair.texts)
            self.assertNotEqual(first, second)
            self.assertEqual(splits.split_of(first), splits.split_of(second))
        seconds = [e.texts[1] for e in made]
        self.assertEqual(len(seconds), len(set(seconds)))


class Sources(unittest.TestCase):
    def test_swallowed_rows_are_found_again(self):
        rows = list(sources.unfold(["0", "Ok\" he said\r\nspam\tWin now\nham\tbye\nno row"]))
        self.assertEqual(rows, [["0", "Ok\" he said"], ["spam", "Win now"], ["ham", "bye"]])

    def test_control_paragraph(self):
        record = sources.parse_record("Package: a\nDescription: does: this\n more\nSection: mail")
        self.assertEqual(record,
                         {"Package": "a", "Description": "does: this", "Section": "mail"})

    def test_missing_program_is_named_with_the_fix(self):
        with self.assertRaisesRegex(sources.SourceError, "no-such-program.*Install it"):
            sources.run(["no-such-program"], "Install it.")
        with self.assertRaisesRegex(sources.SourceError, "failed.*Do this"):
            sources.run([sys.executable, "-c", "raise SystemExit(3)"], "Do this.")


class Tasks(unittest.TestCase):
    def test_definition_without_examples_field_and_years(self):
        line = ('01 05 n 01 dog 0 000 | (zoology) an animal (1900-1950) that barks; '
                '"the dog barked"  \n')
        self.assertEqual(fetch.parse_noun(line), ("animal", "an animal that barks"))
        self.assertIsNone(fetch.parse_noun("  1 This software | is licensed\n"))

    def test_every_topic_file_and_area_is_known(self):
        self.assertEqual(len(fetch.NOUN_FILES), 26)
        self.assertLessEqual(set(fetch.TOPIC_OF_FILE), set(fetch.NOUN_FILES))

    def test_package_area_keeps_a_few_packages_of_a_source(self):
        record = {"Section": "games", "Source": "big (1.0)", "Package": "p",
                  "Description": "game of chess (data files)"}
        rows = fetch.package_area([record] * 20 + [{**record, "Section": "oldlibs"}])
        self.assertEqual(rows, [Example(("game of chess",), "games", "source:big")]
                         * fetch.MAX_PACKAGES_OF_SOURCE)

    def test_unclear_ratings_are_left_out(self):
        rows = [fetch.Rated("movie", f"t{r}", r, "1", "g") for r in (-0.5, -0.49, 0.49, 2.0)]
        self.assertEqual([e.label for e in fetch.polarity(rows, "movie")],
                         ["negative", "positive"])

    def test_review_and_plot_lose_the_names_in_brackets(self):
        films = [{"category": "plot", "movie_name": "m",
                  "text": "A bored clerk (Some Actor), who sings, leaves home. Short one."}]
        self.assertEqual(fetch.review_or_plot(films),
                         [Example(("A bored clerk, who sings, leaves home.",), "plot", "film:m")])


if __name__ == "__main__":
    unittest.main()
