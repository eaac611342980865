//! A token that nobody guesses.

use std::io;

/// Random bytes in a token.
const BYTES: usize = 16;

/// A new token: 128 random bits in hexadecimal.
///
/// # Errors
///
/// Where the system has no random numbers.
pub fn new_token() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
