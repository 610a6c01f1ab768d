//! Counts the bytes that requests make a process hold, within one budget for all of them. Bytes are taken from the
//! budget before they are held, so a request that finds no room is refused, and the process never grows beyond the
//! budget.

mod account;
mod guard;
mod held;
mod holder;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::Problem;

pub use account::Account;
pub use held::Held;
pub use holder::Holder;

/// A budget of bytes for all requests of a process.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    share: usize,
    by_address: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    /// Only holders that hold something.
    holders: HashMap<Holder, usize>,
}

impl Memory {
    /// One [`Holder`] may hold a quarter of the budget.
    pub const SHARES: usize = 4;

    pub fn new(limit: usize) -> Self {
        Self::with(limit, false)
    }

    /// Counts every client address as a holder.
    pub fn shared_by_address(limit: usize) -> Self {
        Self::with(limit, true)
    }

    fn with(limit: usize, by_address: bool) -> Self {
        let share = limit / Self::SHARES;
        Self(Arc::new(Shared { limit, share, by_address, state: Mutex::default() }))
    }

    /// Makes the account of one request.
    pub fn account(&self) -> Account {
        Account::new(self.clone())
    }

    /// Returns the bytes that all requests hold now.
    pub fn held(&self) -> usize {
        self.state().held
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, holders: &[Holder], bytes: usize) -> Result<(), Problem> {
        let mut state = self.state();
        if state.held.saturating_add(bytes) > self.0.limit {
            return Err(full(self.0.limit));
        }
        for holder in holders {
            self.check_share(&state, holder, bytes)?;
        }
        state.add(holders, bytes);
        Ok(())
    }

    /// Counts bytes that are held already, even if there is no room.
    fn add(&self, holders: &[Holder], bytes: usize) {
        self.state().add(holders, bytes);
    }

    /// Counts the bytes that a request holds already for one more holder.
    fn charge(&self, holder: &Holder, bytes: usize) -> Result<(), Problem> {
        let mut state = self.state();
        self.check_share(&state, holder, bytes)?;
        state.count(holder, bytes);
        Ok(())
    }

    fn give_back(&self, holders: &[Holder], bytes: usize) {
        let mut state = self.state();
        state.held -= bytes;
        for holder in holders {
            if let Some(held) = state.holders.get_mut(holder) {
                *held -= bytes;
                if *held == 0 {
                    state.holders.remove(holder);
                }
            }
        }
    }

    fn check_share(&self, state: &State, holder: &Holder, bytes: usize) -> Result<(), Problem> {
        let held = state.holders.get(holder).copied().unwrap_or_default();
        if held.saturating_add(bytes) > self.0.share {
            Err(share_is_full(holder, self.0.share))
        } else {
            Ok(())
        }
    }
}

impl State {
    fn add(&mut self, holders: &[Holder], bytes: usize) {
        self.held += bytes;
        for holder in holders {
            self.count(holder, bytes);
        }
    }

    fn count(&mut self, holder: &Holder, bytes: usize) {
        match self.holders.get_mut(holder) {
            Some(held) => *held += bytes,
            None if bytes > 0 => drop(self.holders.insert(holder.clone(), bytes)),
            None => {}
        }
    }
}

/// The shortest time that the header can express, because a request takes milliseconds.
const AGAIN: HeaderValue = HeaderValue::from_static("1");

fn full(limit: usize) -> Problem {
    let detail =
        format!("the requests that are under way hold too much memory: all together may hold {limit} bytes");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with("limit", limit).header(RETRY_AFTER, AGAIN)
}

fn share_is_full(holder: &Holder, share: usize) -> Problem {
    let detail = format!(
        "the requests of {holder} that are under way hold too much memory: they may hold {share} bytes"
    );
    let status = holder.status();
    Problem::new(status, detail).with("limit", share).header(RETRY_AFTER, AGAIN)
}

#[cfg(test)]
mod tests;
