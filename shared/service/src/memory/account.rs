use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::{Held, Holder, Memory};
use crate::Problem;

/// The memory that one request holds, and the holders that it counts for.
#[derive(Clone, Debug)]
pub struct Account(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Memory,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: usize,
    holders: Vec<Holder>,
}

impl Account {
    pub(super) fn new(memory: Memory) -> Self {
        Self(Arc::new(Inner { memory, state: Mutex::default() }))
    }

    pub fn hold(&self, bytes: usize) -> Result<Held, Problem> {
        let mut held = Held::nothing(self.clone());
        held.grow(bytes)?;
        Ok(held)
    }

    /// From now on all memory of the request counts for this holder too.
    pub fn charge(&self, holder: Holder) -> Result<(), Problem> {
        let mut state = self.state();
        if !state.holders.contains(&holder) {
            self.0.memory.charge(&holder, state.bytes)?;
            state.holders.push(holder);
        }
        Ok(())
    }

    pub(super) fn take(&self, bytes: usize) -> Result<(), Problem> {
        let mut state = self.state();
        self.0.memory.take(&state.holders, bytes)?;
        state.bytes += bytes;
        Ok(())
    }

    pub(super) fn add(&self, bytes: usize) {
        let mut state = self.state();
        self.0.memory.add(&state.holders, bytes);
        state.bytes += bytes;
    }

    pub(super) fn give_back(&self, bytes: usize) {
        let mut state = self.state();
        state.bytes -= bytes;
        self.0.memory.give_back(&state.holders, bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Account {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let account = parts.extensions.get::<Self>().cloned();
        account.ok_or_else(|| Problem::internal("a route reads a body without a budget for it"))
    }
}
