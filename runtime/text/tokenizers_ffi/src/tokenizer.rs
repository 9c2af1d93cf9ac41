//! A tokenizer that never changes: what a handle of the C functions holds.

use tokenizers::processors::PostProcessorWrapper;
use tokenizers::{Encoding, Tokenizer};

use crate::failure::{internal, invalid, Failure, Outcome};
use crate::template::{Span, Template};
use crate::truncation::{kept, Lengths, Truncation};

pub struct SharedTokenizer {
    /// Without truncation, padding and post-processor.
    tokenizer: Tokenizer,
    single: Template,
    pair: Template,
    vocab_size: i32,
}

#[derive(Clone, Copy)]
pub struct EncodeOptions {
    pub truncation: Truncation,
    pub max_tokens: i32,
    pub with_spans: bool,
}

pub struct Tokens {
    pub ids: Vec<i32>,
    pub segment_ids: Vec<i32>,
    pub spans: Option<Vec<Span>>,
    pub full_tokens: i32,
}

impl SharedTokenizer {
    pub fn from_json(json: &[u8]) -> Outcome<Self> {
        Self::new(Tokenizer::from_bytes(json).map_err(invalid)?)
    }

    pub fn new(mut tokenizer: Tokenizer) -> Outcome<Self> {
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(invalid)?;
        // Text of a client that spells "[SEP]" must not become the special token.
        tokenizer.set_encode_special_tokens(true);
        let single = Template::learn(&tokenizer, false)?;
        let pair = Template::learn(&tokenizer, true)?;
        tokenizer.with_post_processor(None::<PostProcessorWrapper>);
        let vocab_size = vocab_size(&tokenizer, &single, &pair)?;
        Ok(Self { tokenizer, single, pair, vocab_size })
    }

    pub fn vocab_size(&self) -> i32 {
        self.vocab_size
    }

    pub fn encode(
        &self,
        first: &str,
        second: Option<&str>,
        options: EncodeOptions,
    ) -> Outcome<Tokens> {
        let template = if second.is_some() { &self.pair } else { &self.single };
        let first = self.encode_text(first, options)?;
        let second = second.map(|text| self.encode_text(text, options)).transpose()?;
        let lengths = Lengths {
            first: first.len(),
            second: second.as_ref().map(|encoding| encoding.len()),
            special: template.special_tokens(),
        };
        let (keep_first, keep_second) = kept(lengths, options.truncation, options.max_tokens)?;
        let full_tokens = i32::try_from(lengths.full())
            .map_err(|_| Failure::Invalid(format!("the text has {} tokens", lengths.full())))?;
        let second_ids = second.as_ref().map_or(&[][..], |encoding| encoding.get_ids());
        let (ids, segment_ids) =
            template.fill(&first.get_ids()[..keep_first], &second_ids[..keep_second]);
        let spans = if options.with_spans {
            let second_offsets = second.as_ref().map_or(&[][..], |encoding| encoding.get_offsets());
            Some(template.fill_spans(
                &first.get_offsets()[..keep_first],
                &second_offsets[..keep_second],
            )?)
        } else {
            None
        };
        Ok(Tokens { ids, segment_ids, spans, full_tokens })
    }

    /// Tokens of one text without special ones; with offsets in bytes where spans are wanted.
    fn encode_text(&self, text: &str, options: EncodeOptions) -> Outcome<Encoding> {
        if options.with_spans {
            return self.tokenizer.encode(text, false).map_err(internal);
        }
        self.tokenizer.encode_fast(text, false).map_err(internal)
    }
}

/// One more than the largest id that an encode can give. The number of tokens would be smaller in
/// a vocabulary with holes or doubles.
fn vocab_size(tokenizer: &Tokenizer, single: &Template, pair: &Template) -> Outcome<i32> {
    let largest = tokenizer.get_vocab(true).into_values().map(i64::from).max().unwrap_or(-1);
    let special = single.special_ids().chain(pair.special_ids()).map(i64::from).max();
    let size = largest.max(special.unwrap_or(-1)) + 1;
    i32::try_from(size)
        .map_err(|_| Failure::Invalid(format!("the vocabulary holds the id {}", size - 1)))
}
