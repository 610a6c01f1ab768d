//! Every state that an event can reach, and the promises as invariants: by a walk of one event's states, and by random lists of
//! steps of several events.
#![allow(clippy::unwrap_used)]

mod many;
mod mistakes;
mod product;
mod promises;
mod step;
mod walk;
mod world;
