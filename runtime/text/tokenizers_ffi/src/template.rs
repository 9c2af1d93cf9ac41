//! Where the special tokens go, learnt once from the tokenizer's post-processor. Truncation comes
//! between tokenizing and post-processing; with a template it works on slices of ids and the
//! post-processor never runs again.

use tokenizers::{Encoding, Offsets, Token, Tokenizer};

use crate::failure::{invalid, Failure, Outcome};

/// Ids that stand for the two texts while the post-processor is watched. Real ids are below 2^31.
const FIRST_MARKER: u32 = u32::MAX - 1;
const SECOND_MARKER: u32 = u32::MAX;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    First,
    Second,
    Special(i32),
}

struct Slot {
    piece: Piece,
    segment_id: i32,
}

/// The bytes of a text that a token stands for: a FathomTokenSpan.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Span {
    begin: i32,
    end: i32,
    text: i32,
}

const NO_SPAN: Span = Span { begin: 0, end: 0, text: -1 };

/// What stands around one text, or around a pair.
pub struct Template {
    slots: Vec<Slot>,
}

impl Template {
    /// `tokenizer` still has its post-processor, and no truncation and padding.
    pub fn learn(tokenizer: &Tokenizer, pair: bool) -> Outcome<Self> {
        let second = pair.then(|| marker(SECOND_MARKER, 1));
        let seen =
            tokenizer.post_process(marker(FIRST_MARKER, 0), second, true).map_err(invalid)?;
        let slots = seen
            .get_ids()
            .iter()
            .zip(seen.get_type_ids())
            .map(|(&id, &type_id)| slot(id, type_id))
            .collect::<Outcome<Vec<_>>>()?;
        let template = Self { slots };
        if template.count(Piece::First) != 1 || template.count(Piece::Second) != usize::from(pair) {
            return Err(Failure::Invalid(format!(
                "the post-processor does not place each text of a {} once",
                if pair { "pair" } else { "single text" }
            )));
        }
        Ok(template)
    }

    pub fn special_tokens(&self) -> usize {
        self.special_ids().count()
    }

    pub fn special_ids(&self) -> impl Iterator<Item = i32> + '_ {
        self.slots.iter().filter_map(|slot| match slot.piece {
            Piece::Special(id) => Some(id),
            _ => None,
        })
    }

    /// Ids and segment ids of the given tokens with the special tokens around them.
    pub fn fill(&self, first: &[u32], second: &[u32]) -> (Vec<i32>, Vec<i32>) {
        let size = first.len() + second.len() + self.special_tokens();
        let mut ids = Vec::with_capacity(size);
        let mut segment_ids = Vec::with_capacity(size);
        for slot in &self.slots {
            match slot.piece {
                Piece::Special(id) => ids.push(id),
                // Loading has checked that every id fits.
                Piece::First => ids.extend(first.iter().map(|&id| id as i32)),
                Piece::Second => ids.extend(second.iter().map(|&id| id as i32)),
            }
            segment_ids.resize(ids.len(), slot.segment_id);
        }
        (ids, segment_ids)
    }

    /// The spans of the given tokens, which have these offsets into their texts, and of the special
    /// tokens around them.
    pub fn fill_spans(&self, first: &[Offsets], second: &[Offsets]) -> Outcome<Vec<Span>> {
        let mut spans = Vec::with_capacity(first.len() + second.len() + self.special_tokens());
        for slot in &self.slots {
            let (text, offsets) = match slot.piece {
                Piece::Special(_) => {
                    spans.push(NO_SPAN);
                    continue;
                }
                Piece::First => (0, first),
                Piece::Second => (1, second),
            };
            for &(begin, end) in offsets {
                spans.push(Span { begin: byte(begin)?, end: byte(end)?, text });
            }
        }
        Ok(spans)
    }

    fn count(&self, piece: Piece) -> usize {
        self.slots.iter().filter(|slot| slot.piece == piece).count()
    }
}

fn marker(id: u32, type_id: u32) -> Encoding {
    Encoding::from_tokens(vec![Token::new(id, "x".to_string(), (0, 1))], type_id)
}

fn slot(id: u32, type_id: u32) -> Outcome<Slot> {
    let piece = match id {
        FIRST_MARKER => Piece::First,
        SECOND_MARKER => Piece::Second,
        _ => Piece::Special(fits(id, "a special token's id")?),
    };
    Ok(Slot { piece, segment_id: fits(type_id, "a segment id")? })
}

fn byte(offset: usize) -> Outcome<i32> {
    i32::try_from(offset).map_err(|_| Failure::Invalid(format!("a text has {offset} bytes")))
}

fn fits(value: u32, what: &str) -> Outcome<i32> {
    i32::try_from(value)
        .map_err(|_| Failure::Invalid(format!("{what} is {value}, the limit is {}", i32::MAX)))
}
