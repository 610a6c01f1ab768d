use std::collections::HashMap;
use std::path::Path;

use uuid::Uuid;

use crate::Error;
use crate::load::{Fate, Line};

/// The entries that the load generator wrote into its journals.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) fates: HashMap<i64, Fate>,
    pub(super) answered: HashMap<i64, Uuid>,
    pub(super) refused: Vec<String>,
}

impl Sent {
    pub(super) fn read(journals: &[&Path]) -> Result<Self, Error> {
        let mut sent = Self::default();
        let lines: Result<Vec<_>, Error> = journals.iter().map(|path| crate::load::read(path)).collect();
        for line in lines?.into_iter().flatten() {
            match line {
                Line::Intent { event, .. } => _ = sent.fates.insert(event.number, event.fate),
                Line::Answered { number, id } => _ = sent.answered.insert(number, id.uuid()),
                Line::Refused { number, why } => {
                    sent.refused.push(format!("event {number} was refused: {why}"));
                }
            }
        }
        Ok(sent)
    }
}
