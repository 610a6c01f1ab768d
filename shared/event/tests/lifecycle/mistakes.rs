/// Mistakes that the rules could have, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    RelayForgetsFailed,
    RelayedOnce,
    /// Ingest publishes the event, and the relay never looks at it.
    PublishedAndForgotten,
    /// The delivery is acknowledged when the event is claimed, and the claim counts as the end.
    AckedBeforeTheWork,
    DeadLetterKills,
    NoFencing,
    GuardByAttemptAlone,
    FailureWithoutGuard,
    LostIsATry,
    LostIsNotCounted,
    LostInCompanyCounts,
    IsolationIsForgotten,
    LostIsNotOnRecord,
    /// A clock that is ahead of the database's clock treats a valid lease as ended.
    LeaseByOwnClock,
    ClaimResetsRetries,
    EarlyCopyIsATry,
    DrainIsATry,
    DrainCounts,
    InterruptionIsATry,
    InterruptedForEver,
    RelayOnlyPublishes,
    OneTryTooMany,
    PermanentIsRetried,
    ReplayKeepsRetries,
    ReplayResetsAttempts,
    ProcessedIsReplayed,
}

impl Mistake {
    /// Each mistake with the promise that it breaks.
    pub(crate) const ALL: [(Self, &str); 26] = [
        (Self::RelayForgetsFailed, "no way to the end"),
        (Self::RelayedOnce, "no way to the end"),
        (Self::PublishedAndForgotten, "no way to the end"),
        (Self::AckedBeforeTheWork, "no way to the end"),
        (Self::DeadLetterKills, "dead after 0 failures and 0 attempts lost alone"),
        (Self::NoFencing, "an attempt ended twice"),
        (Self::GuardByAttemptAlone, "an attempt ended twice"),
        (Self::FailureWithoutGuard, "an attempt ended twice"),
        (Self::LostIsATry, "dead after"),
        (Self::LostIsNotCounted, "alive after 2 attempts lost alone"),
        (Self::LostInCompanyCounts, "dead after 0 failures and 1 attempts lost alone"),
        (Self::IsolationIsForgotten, "it was to run alone"),
        (Self::LostIsNotOnRecord, "an attempt is not on record"),
        (Self::LeaseByOwnClock, "two hold the lease"),
        (Self::ClaimResetsRetries, "alive after 4 failures"),
        (Self::EarlyCopyIsATry, "an early copy was a try"),
        (Self::DrainIsATry, "dead after"),
        (Self::DrainCounts, "dead after"),
        (Self::InterruptionIsATry, "alive after 2 interruptions"),
        (Self::InterruptedForEver, "alive after 2 interruptions"),
        (Self::RelayOnlyPublishes, "no way to the end without Pub/Sub"),
        (Self::OneTryTooMany, "alive after 4 failures"),
        (Self::PermanentIsRetried, "alive after a permanent failure"),
        (Self::ReplayKeepsRetries, "dead after"),
        (Self::ReplayResetsAttempts, "a fence fell"),
        (Self::ProcessedIsReplayed, "an end changed"),
    ];
}
