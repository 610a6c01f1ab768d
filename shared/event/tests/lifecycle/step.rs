use event::AttemptEnd;

/// A step of an event, of its messages, or of the workers that run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Time passes.
    Tick,
    Duplicate,
    Vanish,
    /// A delivery that is refused because of an outage on our side.
    Burn(Copied),
    Deliver(Copied),
    /// A delivery to a process that has ended or refused all other work.
    DeliverAlone(Copied),
    /// The process of a worker is killed, or never answers.
    Kill(usize, Copied),
    Succeed(usize, Copied),
    Fail(usize, AttemptEnd, Copied),
    /// The success commits, and the connection breaks before the worker learns of it.
    CommitUnanswered(usize, Copied),
    Relay,
    Publish,
    Refuse,
    /// Pub/Sub takes the message, and its answer is lost.
    PublishUnanswered,
    KillRelay,
    /// The relay claims an event that it took or that no delivery has reached, and runs it itself.
    Run {
        alone: bool,
    },
    DeadLetter,
    Replay {
        published: bool,
    },
}

/// The fate of the copy of the message that was delivered. Pub/Sub's count of deliveries is approximate, and outages
/// use it up, so any nack may be the one that moves the message to the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    Gone,
    Again,
    ToDeadLetters,
}

use Copied::{Again, Gone, ToDeadLetters};

impl Step {
    /// All steps, for this number of workers.
    pub(crate) fn all(workers: usize) -> Vec<Self> {
        let mut steps = vec![
            Self::Tick,
            Self::Duplicate,
            Self::Vanish,
            Self::Burn(Again),
            Self::Burn(ToDeadLetters),
            Self::Deliver(Again),
            Self::Deliver(ToDeadLetters),
            // The acknowledgement of a copy that came too early.
            Self::Deliver(Gone),
            Self::DeliverAlone(Again),
            Self::Run { alone: false },
            Self::Run { alone: true },
            Self::Relay,
            Self::Publish,
            Self::Refuse,
            Self::PublishUnanswered,
            Self::KillRelay,
            Self::DeadLetter,
            Self::Replay { published: true },
            Self::Replay { published: false },
        ];
        for worker in 0..workers {
            for copy in [Gone, Again, ToDeadLetters] {
                steps.extend([
                    Self::Kill(worker, copy),
                    Self::Succeed(worker, copy),
                    Self::CommitUnanswered(worker, copy),
                    Self::Fail(worker, AttemptEnd::Failed, copy),
                    Self::Fail(worker, AttemptEnd::Permanent, copy),
                    Self::Fail(worker, AttemptEnd::Interrupted, copy),
                    Self::Fail(worker, AttemptEnd::Released, copy),
                ]);
            }
        }
        steps
    }

    /// True for steps that happen when nothing goes wrong and no event is replayed.
    pub(crate) fn is_calm(self) -> bool {
        matches!(
            self,
            Self::Tick
                | Self::Deliver(Again)
                | Self::DeliverAlone(Again)
                | Self::Succeed(_, Gone)
                | Self::Relay
                | Self::Publish
        )
    }

    /// True for steps that still happen while Pub/Sub accepts and pushes nothing.
    pub(crate) fn is_without_pubsub(self) -> bool {
        matches!(self, Self::Tick | Self::Succeed(_, Gone) | Self::Relay | Self::Refuse | Self::Run { .. })
    }
}
