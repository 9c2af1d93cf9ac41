//! The tokenizer of old BERT folders, that have a vocab.txt and no tokenizer.json.

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::failure::{invalid, Failure, Outcome};

pub struct BertVocabOptions {
    pub lowercase: bool,
    /// Absent: as `lowercase`.
    pub strip_accents: Option<bool>,
    pub tokenize_chinese_chars: bool,
}

const REQUIRED: [&str; 3] = ["[UNK]", "[CLS]", "[SEP]"];
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The same tokenizer as the `tokenizer.json` that `transformers` makes of `vocab`.
pub fn from_bert_vocab(vocab: &str, options: &BertVocabOptions) -> Outcome<Tokenizer> {
    let vocab = WordPiece::read_bytes(vocab.as_bytes()).map_err(invalid)?;
    let missing: Vec<&str> = REQUIRED.into_iter().filter(|t| !vocab.contains_key(*t)).collect();
    if !missing.is_empty() {
        let tokens = missing.join(", ");
        return Err(Failure::Invalid(format!("the vocabulary has no line {tokens}")));
    }
    let present = SPECIAL.into_iter().filter(|token| vocab.contains_key(*token));
    let special: Vec<AddedToken> = present.map(|token| AddedToken::from(token, true)).collect();
    let placed = |token: &str| (token.to_string(), vocab[token]);
    let around = BertProcessing::new(placed("[SEP]"), placed("[CLS]"));
    let normalizer = BertNormalizer::new(
        true, // drop control characters, make every space a space
        options.tokenize_chinese_chars,
        options.strip_accents,
        options.lowercase,
    );

    let model = WordPiece::builder().vocab(vocab).build().map_err(invalid)?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(normalizer)).map_err(invalid)?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_post_processor(Some(around));
    tokenizer.add_special_tokens(special).map_err(invalid)?;
    Ok(tokenizer)
}
