//! The books: the events that this run sent, compared with the state of the system. Events of earlier runs are not
//! counted.

use std::{collections::BTreeMap, fmt};

use event::{EventId, Status};

use super::send::Answer;

/// The number of differences that are printed. Further ones are only counted.
const SHOWN: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Books {
    sent: usize,
    entries: BTreeMap<EventId, Entry>,
    lost: Vec<String>,
    /// Errors from before there was an event.
    failures: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    /// None while admin does not know the event.
    status: Option<Status>,
    rows: usize,
}

impl Entry {
    fn has_ended(&self) -> bool {
        matches!(self.status, Some(Status::Processed | Status::DeadLetter))
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Tally {
    pub(super) sent: usize,
    pub(super) stored: usize,
    pub(super) processed: usize,
    pub(super) dead: usize,
    pub(super) rows: usize,
}

impl Books {
    pub(super) fn open(answers: Vec<(String, Answer)>) -> Self {
        let mut books = Self::default();
        for (name, answer) in answers {
            books.enter(name, answer);
        }
        books
    }

    fn enter(&mut self, name: String, answer: Answer) {
        match answer {
            Answer::Stored(id) => {
                self.sent += 1;
                let entry = Entry { name, status: None, rows: 0 };
                if let Some(other) = self.entries.insert(id, entry) {
                    let twice = format!("{} and another got the same id {id}", other.name);
                    self.failures.push(twice);
                }
            }
            Answer::Refused(why) => {
                self.sent += 1;
                self.failures.push(format!("{name} was refused: {why}"));
            }
            Answer::Unsent(why) => self.failures.push(format!("{name} could not be sent: {why}")),
            Answer::Lost(why) => self.lost.push(format!("{name}: {why}")),
        }
    }

    pub(super) fn unfinished(&self) -> Vec<EventId> {
        let unfinished = self.entries.iter().filter(|(_, entry)| !entry.has_ended());
        unfinished.map(|(id, _)| *id).collect()
    }

    pub(super) fn set_status(&mut self, id: EventId, status: Option<Status>) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.status = status;
        }
    }

    /// Counts a row. Rows of events that this run did not send are ignored.
    pub(super) fn add_row(&mut self, id: &str) {
        let id = id.parse().ok();
        if let Some(entry) = id.and_then(|id| self.entries.get_mut(&id)) {
            entry.rows += 1;
        }
    }

    /// Tells whether nothing more is expected to change.
    pub(super) fn are_complete(&self) -> bool {
        let mut entries = self.entries.values();
        entries.all(|entry| entry.has_ended() && entry.rows > 0)
    }

    pub(super) fn tally(&self) -> Tally {
        let count = |has: fn(&Entry) -> bool| self.entries.values().filter(|e| has(e)).count();
        Tally {
            sent: self.sent,
            stored: count(|entry| entry.status.is_some()),
            processed: count(|entry| entry.status == Some(Status::Processed)),
            dead: count(|entry| entry.status == Some(Status::DeadLetter)),
            rows: self.entries.values().map(|entry| entry.rows).sum(),
        }
    }

    pub(super) fn differences(&self) -> Vec<String> {
        let mut all = self.failures.clone();
        for (id, Entry { name, status, rows }) in &self.entries {
            match status {
                Some(Status::Processed) => {}
                Some(status) => all.push(format!("{name} is {status}: {id}")),
                None => all.push(format!("{name} is not stored: {id}")),
            }
            match rows {
                1 => {}
                0 => all.push(format!("{name} is not in BigQuery: {id}")),
                rows => all.push(format!("{name} is {rows} rows in BigQuery: {id}")),
            }
        }
        if self.entries.is_empty() {
            all.push("no event was taken".into());
        }
        all
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.tally();
        let numbers = [
            ("sent", tally.sent),
            ("stored", tally.stored),
            ("processed", tally.processed),
            ("dead", tally.dead),
            ("rows", tally.rows),
        ];
        for (name, number) in numbers {
            writeln!(f, "{name:<10} {number:>5}")?;
        }
        if !self.lost.is_empty() {
            let lost = self.lost.len();
            writeln!(f, "answers lost (their events may be stored or not, and are not counted): {lost}")?;
            list(f, &self.lost)?;
        }
        let differences = self.differences();
        if differences.is_empty() {
            return write!(f, "The books balance.");
        }
        writeln!(f, "The books do not balance:")?;
        list(f, &differences)
    }
}

fn list(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    for line in lines.iter().take(SHOWN) {
        writeln!(f, "  {line}")?;
    }
    match lines.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}

#[cfg(test)]
mod tests;
