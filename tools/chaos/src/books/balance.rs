use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::database::{DEAD, PROCESSED, Stored, Summary};
use super::journal::Sent;
use crate::load::Fate;
use crate::watch::Seen;

/// The totals of a run, and every difference, grouped by the promise that it breaks.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) sent: usize,
    pub(crate) answered: usize,
    pub(crate) stored: usize,
    pub(crate) processed: usize,
    pub(crate) dead: usize,
    pub(crate) replayed: usize,
    pub(crate) attempts: usize,
    pub(crate) rows: usize,
    pub(crate) rejects: usize,
    pub(crate) weight: i64,
    pub(crate) differences: BTreeMap<&'static str, Vec<String>>,
}

impl Books {
    pub(super) fn balance(
        sent: &Sent,
        stored: &Stored,
        rows: &[String],
        mut seen: Seen,
        stuck: &HashSet<Uuid>,
    ) -> Self {
        let mut books = Self {
            sent: sent.fates.len(),
            answered: sent.answered.len(),
            stored: stored.events.len(),
            replayed: stored.replays.values().sum(),
            attempts: stored.attempts.values().map(HashSet::len).sum(),
            rows: rows.len(),
            rejects: stored.rejects.len(),
            ..Self::default()
        };
        books.way_in(sent, stored);
        for (id, number) in &stored.events {
            if let Some(fate) = sent.fates.get(number) {
                books.life(*id, *number, *fate, stored, stuck.contains(id));
            }
        }
        books.way_out(stored, rows);
        let ends = stored
            .ends
            .iter()
            .flat_map(|(id, ends)| ends.iter().map(|(attempt, status)| ((*id, *attempt), status.clone())));
        seen.compare(&ends.collect());
        for broken in seen.broken {
            books.differ("what had ended or counted has changed", broken);
        }
        books
    }

    pub(crate) fn differ(&mut self, promise: &'static str, what: String) {
        self.differences.entry(promise).or_default().push(what);
    }

    /// Checks that answered ⊆ stored ⊆ sent, and that one key makes one event.
    fn way_in(&mut self, sent: &Sent, stored: &Stored) {
        for why in &sent.refused {
            self.differ("a valid event was refused", why.clone());
        }
        for (number, id) in &sent.answered {
            match stored.events.get(id) {
                None => self.differ("answered and not stored", format!("event {number}, {id}")),
                Some(other) if other != number => {
                    self.differ(
                        "answered with another event",
                        format!("event {number}: {id} is event {other}"),
                    );
                }
                Some(_) => {}
            }
        }
        let mut by_number: HashMap<i64, Uuid> = HashMap::new();
        for (id, number) in &stored.events {
            if !sent.fates.contains_key(number) {
                self.differ("stored and never sent", format!("{id}, event {number}"));
            }
            if let Some(other) = by_number.insert(*number, *id) {
                self.differ("one key made two events", format!("event {number}: {id} and {other}"));
            }
        }
        for reason in &stored.unreadable {
            self.differ("a push that was no event", reason.clone());
        }
    }

    fn life(&mut self, id: Uuid, number: i64, fate: Fate, stored: &Stored, is_stuck: bool) {
        let name = || format!("event {number} ({fate:?}), {id}");
        let none = Vec::new();
        let ends = stored.ends.get(&id).unwrap_or(&none);
        let replays = stored.replays.get(&id).copied().unwrap_or(0);
        if let Some(status) = stored.live.get(&id) {
            if ends.len() > replays {
                self.differ("ended and still alive", name());
            }
            // The promise is broken only if the event is certain to stay as it is.
            let promise = if is_stuck { "never ended" } else { "not settled in time" };
            return self.differ(promise, format!("{}: {status}", name()));
        }
        let Some((attempt, status)) = ends.last() else {
            return self.differ("never ended", format!("{}: neither unfinished nor ended", name()));
        };
        if ends.len() > 1 + replays || ends[..ends.len() - 1].iter().any(|(_, status)| status != DEAD) {
            self.differ(
                "an end changed without a replay",
                format!("{}: {ends:?}, {replays} replays", name()),
            );
        }
        let by_right = match status.as_str() {
            PROCESSED => fate.may_succeed(),
            _ => fate.may_die(),
        };
        if !by_right {
            self.differ("the wrong end", format!("{}: {status}", name()));
        }
        self.effect(id, number, (*attempt, status), stored, &name);
        let known: HashSet<i32> =
            stored.attempts.get(&id).into_iter().flatten().copied().chain([*attempt]).collect();
        if known.len() != usize::try_from(*attempt).unwrap_or(0) || known.iter().any(|one| one > attempt) {
            self.differ(
                "an attempt is not on record",
                format!("{}: ended in {attempt}, on record {known:?}", name()),
            );
        }
    }

    /// A transactional handler has written exactly one row if the event was processed, and no row otherwise.
    fn effect(
        &mut self,
        id: Uuid,
        number: i64,
        end: (i32, &str),
        stored: &Stored,
        name: &dyn Fn() -> String,
    ) {
        let effects = stored.effects.get(&id).cloned().unwrap_or_default();
        let expected = if end.1 == PROCESSED {
            self.processed += 1;
            self.weight += number;
            vec![(end.0, number)]
        } else {
            self.dead += 1;
            Vec::new()
        };
        if effects != expected {
            self.differ("not one effect", format!("{}: {end:?} has {effects:?}", name()));
        }
    }

    /// Each stored event has either one row in BigQuery or one reject.
    fn way_out(&mut self, stored: &Stored, rows: &[String]) {
        let mut loaded: HashSet<Uuid> = HashSet::new();
        for row in rows {
            match row.parse() {
                Ok(id) if !stored.events.contains_key(&id) => {
                    self.differ("in BigQuery and not stored", row.clone());
                }
                Ok(id) if !loaded.insert(id) => self.differ("twice in BigQuery", row.clone()),
                Ok(_) => {}
                Err(_) => self.differ("in BigQuery and no event", row.clone()),
            }
        }
        for (id, number) in &stored.events {
            match (loaded.contains(id), stored.rejects.contains(id)) {
                (false, false) => self.differ("not in BigQuery", format!("event {number}, {id}")),
                (true, true) => self.differ("in BigQuery and rejected", format!("event {number}, {id}")),
                _ => {}
            }
        }
    }

    pub(super) fn metrics(&mut self, told: &Summary, stored: &Stored) {
        let counted = Summary::of(stored);
        if *told != counted {
            self.differ("metrics are not a count", format!("told {told:?}, counted {counted:?}"));
        }
    }
}
