//! The C functions of tokenizers_ffi.h, where their contracts stand.

mod bert_vocab;
mod border;
mod failure;
mod template;
mod tokenizer;
mod truncation;

use std::ffi::{c_char, CString};
use std::ptr;

use bert_vocab::{from_bert_vocab, BertVocabOptions};
use border::{run, Bytes};
use template::Span;
use tokenizer::{EncodeOptions, SharedTokenizer};
use truncation::Truncation;

#[repr(C)]
pub struct CBertVocabOptions {
    lowercase: u8,
    strip_accents: i8,
    tokenize_chinese_chars: u8,
}

#[repr(C)]
pub struct CEncodeRequest {
    first: Bytes,
    second: Bytes,
    has_second: u8,
    truncation: u8,
    with_spans: u8,
    max_tokens: i32,
}

#[repr(C)]
pub struct CTokens {
    ids: *mut i32,
    segment_ids: *mut i32,
    spans: *mut Span,
    size: usize,
    full_tokens: i32,
}

#[no_mangle]
pub unsafe extern "C" fn fathom_tokenizer_from_json(
    json: Bytes,
    tokenizer: *mut *mut SharedTokenizer,
    message: *mut *mut c_char,
) -> i32 {
    run(message, || {
        let loaded = SharedTokenizer::from_json(json.as_slice())?;
        *tokenizer = Box::into_raw(Box::new(loaded));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn fathom_tokenizer_from_bert_vocab(
    vocab: Bytes,
    options: *const CBertVocabOptions,
    tokenizer: *mut *mut SharedTokenizer,
    message: *mut *mut c_char,
) -> i32 {
    run(message, || {
        let options = BertVocabOptions {
            lowercase: (*options).lowercase != 0,
            strip_accents: match (*options).strip_accents {
                -1 => None,
                value => Some(value != 0),
            },
            tokenize_chinese_chars: (*options).tokenize_chinese_chars != 0,
        };
        let loaded = from_bert_vocab(vocab.as_text("the vocabulary")?, &options)?;
        *tokenizer = Box::into_raw(Box::new(SharedTokenizer::new(loaded)?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn fathom_tokenizer_encode(
    tokenizer: *const SharedTokenizer,
    request: *const CEncodeRequest,
    tokens: *mut CTokens,
    message: *mut *mut c_char,
) -> i32 {
    run(message, || {
        let request = &*request;
        let first = request.first.as_text("the text")?;
        let second = match request.has_second {
            0 => None,
            _ => Some(request.second.as_text("the second text")?),
        };
        let options = EncodeOptions {
            truncation: Truncation::from_code(request.truncation)?,
            max_tokens: request.max_tokens,
            with_spans: request.with_spans != 0,
        };
        let encoded = (*tokenizer).encode(first, second, options)?;
        let size = encoded.ids.len();
        *tokens = CTokens {
            ids: give(encoded.ids),
            segment_ids: give(encoded.segment_ids),
            spans: encoded.spans.map_or(ptr::null_mut(), give),
            size,
            full_tokens: encoded.full_tokens,
        };
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn fathom_tokenizer_vocab_size(tokenizer: *const SharedTokenizer) -> i32 {
    (*tokenizer).vocab_size()
}

#[no_mangle]
pub unsafe extern "C" fn fathom_tokenizer_free(tokenizer: *mut SharedTokenizer) {
    if !tokenizer.is_null() {
        drop(Box::from_raw(tokenizer));
    }
}

#[no_mangle]
pub unsafe extern "C" fn fathom_tokenizer_tokens_free(tokens: *mut CTokens) {
    if tokens.is_null() {
        return;
    }
    let CTokens { ids, segment_ids, spans, size, .. } = tokens.read();
    take_back(ids, size);
    take_back(segment_ids, size);
    take_back(spans, size);
    *tokens = CTokens {
        ids: ptr::null_mut(),
        segment_ids: ptr::null_mut(),
        spans: ptr::null_mut(),
        size: 0,
        full_tokens: 0,
    };
}

#[no_mangle]
pub unsafe extern "C" fn fathom_tokenizer_message_free(message: *mut c_char) {
    if !message.is_null() {
        drop(CString::from_raw(message));
    }
}

/// Hands an array to the caller, who gives it back to `take_back` with its size.
fn give<T>(values: Vec<T>) -> *mut T {
    Box::into_raw(values.into_boxed_slice()).cast()
}

unsafe fn take_back<T>(values: *mut T, size: usize) {
    if !values.is_null() {
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(values, size)));
    }
}
