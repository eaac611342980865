//! One writer at a time, by a lock of the operating system: it ends with its process, whatever the file says.

use super::StoreError;
use std::fs::TryLockError;
use std::io::{Read, Seek, Write};
use std::path::Path;

#[derive(Debug)]
pub(super) struct WriterLock {
    file: fs_err::File,
}

impl WriterLock {
    /// `now` and `who` are for the message that others get.
    pub(super) fn take(dir: &Path, who: &str, now: &str) -> Result<Self, StoreError> {
        let path = dir.join("writer.lock");
        let mut file = fs_err::File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { holder: holder(&mut file), dir: dir.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        write!(file, "process {} ({who}) since {now}", std::process::id())?;
        Ok(Self { file })
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Closing releases the lock too; only the message would stay.
        drop(self.file.set_len(0));
        drop(self.file.unlock());
    }
}

fn holder(file: &mut fs_err::File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(300).read_to_end(&mut bytes));
    let text: String = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).collect();
    if read.is_err() || text.is_empty() { "another process".into() } else { text }
}
