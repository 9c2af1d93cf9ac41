//! Why a call gave no result.

/// The kinds that the C++ side tells apart. The text is for a person.
#[derive(Debug)]
pub enum Failure {
    /// The given file or text cannot be used.
    Invalid(String),
    /// The crate failed on input that it should take.
    Internal(String),
}

pub type Outcome<T> = Result<T, Failure>;

/// `map_err(invalid)`: for the crate's errors about a file that is being loaded.
pub fn invalid(error: impl std::fmt::Display) -> Failure {
    Failure::Invalid(error.to_string())
}

/// `map_err(internal)`: for the crate's errors once a tokenizer is loaded.
pub fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(error.to_string())
}
