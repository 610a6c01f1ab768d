//! Checks the promises as invariants in every state that an event can reach, by a walk through one event's states and
//! by random lists of steps of several events.
#![allow(clippy::unwrap_used)]

mod many;
mod mistakes;
mod product;
mod promises;
mod step;
mod walk;
mod world;
