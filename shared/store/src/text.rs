/// What others said, as PostgreSQL's text can hold it: it has no NUL character, and a record that is refused for one would
/// be lost, or come back for ever.
pub(crate) fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
