use super::*;

fn id(number: u64) -> EventId {
    EventId::lowest_at(number)
}

/// Three events that are processed and loaded.
fn balanced() -> Books {
    let mut books = Books::open((1..=3).map(|n| (format!("e{n}"), Answer::Stored(id(n)))).collect());
    for n in 1..=3 {
        books.set_status(id(n), Some(Status::Processed));
        books.add_row(&id(n).to_string());
    }
    books
}

fn one_difference(books: &Books) -> String {
    let differences = books.differences();
    assert_eq!(differences.len(), 1, "{differences:?}");
    differences[0].clone()
}

#[test]
fn each_event_processed_and_one_row_is_a_balance() {
    let mut books = balanced();
    books.add_row(&id(99).to_string());
    books.add_row("not an id");
    assert!(books.are_complete());
    assert_eq!(books.differences(), Vec::<String>::new());
    let tally = Tally { sent: 3, stored: 3, processed: 3, dead: 0, rows: 3 };
    assert_eq!(books.tally(), tally);
    assert!(books.to_string().ends_with("The books balance."));
}

#[test]
fn an_event_that_admin_does_not_know_is_a_difference() {
    let mut books = balanced();
    books.set_status(id(2), None);
    assert!(!books.are_complete());
    assert_eq!(books.unfinished(), [id(2)]);
    assert_eq!(books.tally().stored, 2);
    assert!(one_difference(&books).starts_with("e2 is not stored"));
}

#[test]
fn a_dead_one_is_complete_and_a_difference() {
    let mut books = balanced();
    books.set_status(id(3), Some(Status::DeadLetter));
    assert!(books.are_complete());
    assert_eq!((books.tally().processed, books.tally().dead), (2, 1));
    assert!(one_difference(&books).starts_with("e3 is DEAD_LETTER"));
}

#[test]
fn one_that_has_not_ended_is_a_difference() {
    let mut books = balanced();
    books.set_status(id(1), Some(Status::Failed));
    assert!(!books.are_complete());
    assert!(one_difference(&books).starts_with("e1 is FAILED"));
}

#[test]
fn a_double_row_is_a_difference() {
    let mut books = balanced();
    books.add_row(&id(1).to_string());
    assert_eq!(books.tally().rows, 4);
    assert!(one_difference(&books).starts_with("e1 is 2 rows in BigQuery"));
}

#[test]
fn a_missing_row_is_one_even_where_another_is_double() {
    let mut books = balanced();
    books.enter("e4".into(), Answer::Stored(id(4)));
    books.set_status(id(4), Some(Status::Processed));
    books.add_row(&id(1).to_string());
    assert!(!books.are_complete());
    assert_eq!(books.tally().rows, 4, "the sums alone would balance");
    assert_eq!(books.differences().len(), 2);
}

#[test]
fn what_was_refused_or_not_sent_is_a_difference_and_a_lost_answer_is_told() {
    let mut books = balanced();
    books.enter("lost".into(), Answer::Lost("reset".into()));
    assert_eq!(books.differences(), Vec::<String>::new());
    assert!(books.to_string().contains("lost: reset"));
    books.enter("big".into(), Answer::Refused("413".into()));
    books.enter("late".into(), Answer::Unsent("refused".into()));
    let differences = books.differences();
    assert_eq!(differences[0], "big was refused: 413");
    assert_eq!(differences[1], "late could not be sent: refused");
}

#[test]
fn nothing_is_no_balance() {
    assert_eq!(one_difference(&Books::default()), "no event was taken");
}

#[test]
fn an_id_that_two_got_is_a_difference() {
    let mut books = balanced();
    books.enter("again".into(), Answer::Stored(id(1)));
    books.set_status(id(1), Some(Status::Processed));
    books.add_row(&id(1).to_string());
    assert!(one_difference(&books).contains("the same id"));
}
