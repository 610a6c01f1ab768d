//! The messages that one subscription still has to deliver, and those that it has handed out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use super::proto::PubsubMessage;

/// A message on its way through one subscription.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) message: Arc<PubsubMessage>,
    /// One more than the negative acknowledgements and expired deadlines so far.
    pub(super) attempt: u32,
}

impl Delivery {
    pub(super) fn first(message: Arc<PubsubMessage>) -> Self {
        Self { message, attempt: 1 }
    }
}

/// A delivery that a receiver works on until a deadline.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) id: u64,
    pub(super) delivery: Delivery,
}

#[derive(Debug)]
pub(super) struct Backlog {
    ready: VecDeque<Delivery>,
    held: BTreeMap<(Instant, u64), Delivery>,
    leased: HashMap<u64, (Instant, Delivery)>,
    deadlines: BTreeSet<(Instant, u64)>,
    next_id: u64,
}

impl Backlog {
    /// Lease IDs count up from `first_id`.
    pub(super) fn new(first_id: u64) -> Self {
        Self {
            ready: VecDeque::new(),
            held: BTreeMap::new(),
            leased: HashMap::new(),
            deadlines: BTreeSet::new(),
            next_id: first_id,
        }
    }

    pub(super) fn offer(&mut self, delivery: Delivery, due: Instant, now: Instant) {
        if due <= now {
            self.ready.push_back(delivery);
        } else {
            let id = self.new_id();
            self.held.insert((due, id), delivery);
        }
    }

    pub(super) fn lease(&mut self, limit: usize, now: Instant, until: Instant) -> Vec<Lease> {
        self.promote(now);
        let count = limit.min(self.ready.len());
        let deliveries: Vec<_> = self.ready.drain(..count).collect();
        deliveries.into_iter().map(|delivery| self.hand_out(delivery, until)).collect()
    }

    /// Ends a lease. Returns None if it has ended already, for example by its deadline.
    pub(super) fn settle(&mut self, id: u64) -> Option<Lease> {
        let (until, delivery) = self.leased.remove(&id)?;
        self.deadlines.remove(&(until, id));
        Some(Lease { id, delivery })
    }

    pub(super) fn extend(&mut self, id: u64, until: Instant) {
        if let Some((current, _)) = self.leased.get_mut(&id) {
            self.deadlines.remove(&(*current, id));
            self.deadlines.insert((until, id));
            *current = until;
        }
    }

    /// Ends every lease whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Lease> {
        let mut expired = Vec::new();
        while let Some(&(until, id)) = self.deadlines.first()
            && until <= now
        {
            expired.extend(self.settle(id));
        }
        expired
    }

    /// The next time at which a message becomes due or a lease expires.
    pub(super) fn next_event(&self) -> Option<Instant> {
        let due = self.held.first_key_value().map(|((due, _), _)| *due);
        let deadline = self.deadlines.first().map(|(until, _)| *until);
        due.into_iter().chain(deadline).min()
    }

    pub(super) fn is_ready(&mut self, now: Instant) -> bool {
        self.promote(now);
        !self.ready.is_empty()
    }

    pub(super) fn newest_lease(&self) -> u64 {
        self.next_id
    }

    pub(super) fn waiting(&self) -> usize {
        self.ready.len() + self.held.len()
    }

    pub(super) fn outstanding(&self) -> usize {
        self.leased.len()
    }

    fn promote(&mut self, now: Instant) {
        while let Some(first) = self.held.first_entry()
            && first.key().0 <= now
        {
            self.ready.push_back(first.remove());
        }
    }

    fn hand_out(&mut self, delivery: Delivery, until: Instant) -> Lease {
        let id = self.new_id();
        self.leased.insert(id, (until, delivery.clone()));
        self.deadlines.insert((until, id));
        Lease { id, delivery }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn delivery(id: &str) -> Delivery {
        Delivery::first(Arc::new(PubsubMessage { message_id: id.to_owned(), ..Default::default() }))
    }

    fn ids(leases: &[Lease]) -> Vec<&str> {
        leases.iter().map(|lease| lease.delivery.message.message_id.as_str()).collect()
    }

    #[test]
    fn a_held_delivery_is_not_leased_before_its_time() {
        let now = Instant::now();
        let mut backlog = Backlog::new(0);
        backlog.offer(delivery("later"), now + SECOND, now);
        backlog.offer(delivery("now"), now, now);
        assert_eq!(ids(&backlog.lease(10, now, now + SECOND * 9)), ["now"]);
        assert_eq!(backlog.next_event(), Some(now + SECOND));
        assert_eq!(ids(&backlog.lease(10, now + SECOND, now + SECOND * 9)), ["later"]);
        assert_eq!((backlog.waiting(), backlog.outstanding()), (0, 2));
    }

    #[test]
    fn a_lease_ends_once() {
        let now = Instant::now();
        let mut backlog = Backlog::new(0);
        backlog.offer(delivery("one"), now, now);
        let id = backlog.lease(1, now, now + SECOND)[0].id;
        assert!(backlog.settle(id).is_some());
        assert!(backlog.settle(id).is_none());
        assert!(backlog.expire(now + SECOND * 2).is_empty());
        assert_eq!(backlog.next_event(), None);
    }

    #[test]
    fn an_extended_lease_expires_at_its_new_deadline() {
        let now = Instant::now();
        let mut backlog = Backlog::new(0);
        backlog.offer(delivery("one"), now, now);
        let id = backlog.lease(1, now, now + SECOND)[0].id;
        backlog.extend(id, now + SECOND * 3);
        assert!(backlog.expire(now + SECOND * 2).is_empty());
        assert_eq!(backlog.expire(now + SECOND * 3).len(), 1);
        assert!(backlog.settle(id).is_none());
    }
}
