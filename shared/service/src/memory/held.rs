use super::Account;
use crate::Problem;

/// Bytes of the budget, given back when this is dropped.
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

    /// Takes so many more, or none.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes > 0 {
            self.account.take(bytes)?;
            self.bytes += bytes;
        }
        Ok(())
    }

    /// Has so many from now on, more or fewer than before.
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

    /// Makes room for so many more bytes in a buffer, whose capacity is all that this holds. It grows by half at least, but not
    /// beyond `most` where that is enough.
    pub fn reserve(&mut self, buffer: &mut Vec<u8>, more: usize, most: usize) -> Result<(), Problem> {
        let needed = buffer.len() + more;
        if needed > buffer.capacity() {
            let capacity = (buffer.capacity() + buffer.capacity() / 2).min(most).max(needed);
            self.resize(capacity)?;
            buffer.reserve_exact(capacity - buffer.len());
        }
        Ok(())
    }

    /// Counts what is there already, whether or not there is room for it: others then find less.
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
