//! SHA-256 of files that needn't fit into memory.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// Read at once.
const PART_BYTES: usize = 1 << 16;

/// Feeds all that `reader` gives to `hasher`; returns the number of bytes.
pub(crate) fn hash_into(reader: &mut impl Read, hasher: &mut Sha256) -> io::Result<u64> {
    let mut part = vec![0; PART_BYTES];
    let mut total = 0;
    loop {
        match reader.read(&mut part) {
            Ok(0) => return Ok(total),
            Ok(length) => {
                hasher.update(&part[..length]);
                total += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 of all that `reader` gives.
pub(crate) fn hash(reader: &mut impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    hash_into(reader, &mut hasher)?;
    Ok(hasher.finalize().into())
}
