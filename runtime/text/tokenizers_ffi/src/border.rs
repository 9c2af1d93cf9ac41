//! Crossing from C to Rust and back: bytes in, codes and messages out, no panic through.

use std::ffi::{c_char, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice;
use std::sync::Once;

use crate::failure::{Failure, Outcome};

pub const OK: i32 = 0;
pub const INVALID: i32 = 1;
pub const INTERNAL: i32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    data: *const c_char,
    size: usize,
}

impl Bytes {
    /// # Safety
    /// `data` points to `size` bytes that live as long as the result.
    pub unsafe fn as_slice<'a>(self) -> &'a [u8] {
        if self.data.is_null() || self.size == 0 {
            return &[];
        }
        slice::from_raw_parts(self.data.cast(), self.size)
    }

    /// # Safety
    /// As `as_slice`. `what` names the text in the message.
    pub unsafe fn as_text<'a>(self, what: &str) -> Outcome<&'a str> {
        std::str::from_utf8(self.as_slice()).map_err(|error| {
            let byte = error.valid_up_to();
            Failure::Invalid(format!("{what} is not valid UTF-8 at byte {byte}"))
        })
    }
}

/// Runs `call` and gives its code. A failure writes `*message`.
///
/// # Safety
/// `message` may be written.
pub unsafe fn run(message: *mut *mut c_char, call: impl FnOnce() -> Outcome<()>) -> i32 {
    quiet_panics();
    let failure = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => return OK,
        Ok(Err(failure)) => failure,
        Err(payload) => Failure::Internal(panic_text(payload.as_ref())),
    };
    let (code, text) = match failure {
        Failure::Invalid(text) => (INVALID, text),
        Failure::Internal(text) => (INTERNAL, text),
    };
    // A message may quote a text that holds NUL, where a C string would end.
    *message = CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default().into_raw();
    code
}

/// Panics come back as messages; the default hook would also print each to stderr.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| text.to_string())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!("tokenizers panicked: {}", text.unwrap_or_default())
}
