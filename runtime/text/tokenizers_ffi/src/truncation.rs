//! How many tokens of each text stay. The crate's own truncation stops tokenizing early, so it
//! cannot say how many tokens a text had, and it is a setting of the whole tokenizer: changing it
//! for one request would need a copy of the vocabulary.

use crate::failure::{Failure, Outcome};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    Error,
    LongestFirst,
    OnlyFirst,
    OnlySecond,
}

impl Truncation {
    pub fn from_code(code: u8) -> Outcome<Self> {
        match code {
            0 => Ok(Self::Error),
            1 => Ok(Self::LongestFirst),
            2 => Ok(Self::OnlyFirst),
            3 => Ok(Self::OnlySecond),
            _ => Err(Failure::Invalid(format!("no truncation has the code {code}"))),
        }
    }
}

/// Token counts of a request before truncation.
#[derive(Clone, Copy)]
pub struct Lengths {
    pub first: usize,
    pub second: Option<usize>,
    pub special: usize,
}

impl Lengths {
    pub fn full(&self) -> usize {
        self.first + self.second.unwrap_or(0) + self.special
    }
}

/// Tokens to keep of the first and of the second text, so that they and the special tokens are at
/// most `max_tokens`. The same numbers as `truncate_encodings` of the crate.
pub fn kept(lengths: Lengths, truncation: Truncation, max_tokens: i32) -> Outcome<(usize, usize)> {
    let limit = usize::try_from(max_tokens).unwrap_or(0);
    if limit < lengths.special {
        return Err(Failure::Invalid(format!(
            "max_tokens is {max_tokens}, below the {} special tokens that every {} gets",
            lengths.special,
            if lengths.second.is_some() { "pair" } else { "text" },
        )));
    }
    let first = lengths.first;
    let second = lengths.second.unwrap_or(0);
    let full = lengths.full();
    if full <= limit {
        return Ok((first, second));
    }
    let excess = full - limit;
    let room = limit - lengths.special;
    match truncation {
        Truncation::Error => Err(Failure::Invalid(format!(
            "the text has {full} tokens, special tokens included, and the limit is {limit}: \
             truncation is off; shorten the text or choose a truncation"
        ))),
        _ if room == 0 => Ok((0, 0)),
        Truncation::LongestFirst if lengths.second.is_none() => Ok((room, 0)),
        Truncation::LongestFirst => Ok(longest_first(first, second, room)),
        Truncation::OnlyFirst if first > excess => Ok((first - excess, second)),
        Truncation::OnlyFirst => Err(cannot_shorten("only_first", "first", first, excess)),
        Truncation::OnlySecond if second > excess => Ok((first, second - excess)),
        Truncation::OnlySecond => Err(cannot_shorten("only_second", "second", second, excess)),
    }
}

/// The shorter text stays whole if it fits into half of the room; else each gets half, and an odd
/// token goes to the longer one, or to the second if they are equal.
fn longest_first(first: usize, second: usize, room: usize) -> (usize, usize) {
    let shorter = first.min(second).min(room / 2);
    let longer = room - shorter;
    if first > second {
        (longer, shorter)
    } else {
        (shorter, longer)
    }
}

fn cannot_shorten(name: &str, which: &str, tokens: usize, excess: usize) -> Failure {
    Failure::Invalid(format!(
        "truncation {name} must cut {excess} tokens of the {which} text and leave at least one, \
         but it has {tokens}; shorten the other text or use longest_first"
    ))
}
