use super::Account;
use crate::Problem;

/// Bytes of the budget, which are released when this is dropped.
#[derive(Debug)]
pub struct Held {
    account: Account,
    bytes: usize,
}

impl Held {
    pub(super) fn nothing(account: Account) -> Self {
        Self { account, bytes: 0 }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes this many more bytes, or none.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes > 0 {
            self.account.take(bytes)?;
            self.bytes += bytes;
        }
        Ok(())
    }

    /// Holds this many bytes from now on, more or fewer than before.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Problem> {
        match self.bytes.checked_sub(bytes) {
            Some(fewer) => {
                self.account.give_back(fewer);
                self.bytes = bytes;
                Ok(())
            }
            None => self.grow(bytes - self.bytes),
        }
    }

    /// Makes room for `more` bytes in a buffer, whose capacity is all that this holds. The capacity grows by at least
    /// half, but not beyond `most` if that is enough.
    pub fn reserve(&mut self, buffer: &mut Vec<u8>, more: usize, most: usize) -> Result<(), Problem> {
        let needed = buffer.len() + more;
        if needed > buffer.capacity() {
            let capacity = (buffer.capacity() + buffer.capacity() / 2).min(most).max(needed);
            self.resize(capacity)?;
            buffer.reserve_exact(capacity - buffer.len());
        }
        Ok(())
    }

    /// Counts bytes that are held already, even if there is no room for them: other requests then find less room.
    pub(super) fn add(&mut self, bytes: usize) {
        self.account.add(bytes);
        self.bytes += bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.account.give_back(self.bytes);
        }
    }
}
