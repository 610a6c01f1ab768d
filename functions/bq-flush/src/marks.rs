use store::Place;

/// The most places that are remembered, for any number of rows.
const MOST: usize = 4096;

/// The positions in bytes where the rows of an upload begin, because BigQuery names a row that does not fit by its
/// position. At first every row is remembered; if there are too many, every second row, and so on.
#[derive(Debug)]
pub(crate) struct Marks {
    every: u64,
    rows: u64,
    bytes: u64,
    marks: Vec<(u64, Place)>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { every: 1, rows: 0, bytes: 0, marks: Vec::new() }
    }
}

impl Marks {
    pub(crate) fn row(&mut self, place: Place, bytes: usize) {
        if self.marks.len() == MOST {
            self.every *= 2;
            let mut place = 0;
            self.marks.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
        if self.rows.is_multiple_of(self.every) {
            self.marks.push((self.bytes, place));
        }
        self.rows += 1;
        self.bytes += bytes as u64;
    }

    /// Returns the places to cut so that the row at `position` is in the smallest part that is known. Returns none if
    /// the position is unknown.
    pub(crate) fn around(&self, position: u64) -> Vec<Place> {
        if position >= self.bytes {
            return Vec::new();
        }
        let behind = self.marks.partition_point(|(start, _)| *start <= position);
        // A cut before the first row would have no effect.
        let cuts = behind.saturating_sub(1).max(1)..self.marks.len().min(behind + 1);
        self.marks[cuts].iter().map(|(_, place)| *place).collect()
    }
}

/// Returns the position of the row that does not fit, if the message names it.
pub(crate) fn position(message: &str) -> Option<u64> {
    ["row starting at position ", "byte_offset_to_start_of_line: "].iter().find_map(|before| {
        let (_, after) = message.split_once(before)?;
        let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use store::Xid;
    use uuid::Uuid;

    use super::*;

    fn place(n: u64) -> Place {
        Place { xid: Xid(n), id: Uuid::nil() }
    }

    fn marks(rows: u64) -> Marks {
        let mut marks = Marks::default();
        (0..rows).for_each(|n| marks.row(place(n), 10));
        marks
    }

    #[test]
    fn a_row_is_cut_out() {
        let marks = marks(5);
        assert_eq!(marks.around(0), [place(1)]);
        assert_eq!(marks.around(20), [place(2), place(3)]);
        assert_eq!(marks.around(29), [place(2), place(3)]);
        assert_eq!(marks.around(40), [place(4)]);
        assert!(marks.around(50).is_empty(), "behind the end");
    }

    #[test]
    fn one_row_cannot_be_cut() {
        assert!(marks(1).around(0).is_empty());
        assert!(marks(0).around(0).is_empty());
    }

    #[test]
    fn of_many_rows_a_few_around_it_are_cut_out() {
        let rows = 100_000;
        let marks = marks(rows);
        assert!(marks.marks.len() <= MOST);
        for row in [0, 1, 77, 4_096, 50_001, rows - 1] {
            let cuts = marks.around(row * 10);
            let from = cuts.iter().map(|cut| cut.xid.0).filter(|n| *n <= row).max().unwrap_or(0);
            let to = cuts.iter().map(|cut| cut.xid.0).filter(|n| *n > row).min().unwrap_or(rows);
            assert!(cuts.len() <= 2 && to - from <= 64, "{row}: {from} to {to}");
        }
    }

    #[test]
    fn positions_are_read_as_bigquery_writes_them() {
        let said = "Error while reading data, error message: JSON parsing error in row starting at position 1234: \
                    No such field: a.";
        assert_eq!(position(said), Some(1234));
        let said = "Error while reading data, error message: Failed to parse JSON; line_number: 3 \
                    byte_offset_to_start_of_line: 57 column_index: 0";
        assert_eq!(position(said), Some(57));
        assert_eq!(position("Provided Schema does not match Table p:d.events."), None);
    }
}
