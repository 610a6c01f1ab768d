use jsonschema_regex::Search;
use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson;
use regex_syntax::ast::AssertionKind::{WordBoundaryEndAngle, WordBoundaryStartAngle};
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{self, Ast, Visitor};

use crate::compile::Invalid;

/// The most bytes of the automaton of one pattern. The automaton of `^.{1,255}@` takes a fifth of this.
const MAX_AUTOMATON: usize = 4 * 1024 * 1024;
/// The most bytes of all automata of a schema together.
const MAX_AUTOMATA: usize = 16 * 1024 * 1024;

const NO_PATTERN: &str = "is no regular expression that is taken here: look-around and back-references are not, \
                          since they can take for ever";

/// The patterns of one schema. The time of a regular expression grows with the length of the text, and also with the
/// size of its automaton if that is too large to be made: `[ab]*a[ab]{500}c` took four seconds for a megabyte. So each
/// automaton is made once, and a pattern whose automaton is too large is refused.
#[derive(Default)]
pub(crate) struct Patterns {
    bytes: usize,
    /// True for a new schema. A pattern that an earlier release accepted stays in force with the meaning that it had
    /// there.
    are_new: bool,
}

impl Patterns {
    pub(crate) fn of_new_schema() -> Self {
        Self { are_new: true, ..Self::default() }
    }

    pub(crate) fn add(&mut self, pattern: &str, pointer: &str) -> Result<(), Invalid> {
        let invalid = |why: &str| Invalid::at(pointer, why);
        let translated = jsonschema_regex::to_rust_regex(pattern).map_err(|()| invalid(NO_PATTERN))?;
        if self.are_new
            && let Some(why) = misread(&translated)
        {
            return Err(invalid(why));
        }
        // The validator searches with this form too, so that counting at an edge of the pattern costs nothing.
        let sought = match jsonschema_regex::search_form(pattern, &translated) {
            Some(Search::RepeatedClass(_)) => return Ok(()),
            Some(Search::Collapsed(collapsed)) => collapsed,
            None => translated.into_owned(),
        };
        let config = dense::Config::new()
            .start_kind(StartKind::Unanchored)
            .unicode_word_boundary(true)
            .dfa_size_limit(Some(MAX_AUTOMATON))
            .determinize_size_limit(Some(MAX_AUTOMATON));
        let automaton = dense::Builder::new()
            .configure(config)
            .thompson(thompson::Config::new().nfa_size_limit(Some(MAX_AUTOMATON)))
            .build(&sought)
            .map_err(|error| {
                if error.is_size_limit_exceeded() {
                    invalid("is too large a pattern: it counts too far, or begins in too many ways at once")
                } else {
                    invalid(NO_PATTERN)
                }
            })?;
        self.bytes += automaton.memory_usage();
        if self.bytes > MAX_AUTOMATA {
            return Err(invalid("is one pattern too many: together they are too large"));
        }
        Ok(())
    }
}

/// The reason why a pattern would mean something else here than in ECMA 262.
fn misread(pattern: &str) -> Option<&'static str> {
    // A pattern that cannot be parsed is refused for that reason later.
    let parsed = Parser::new().parse(pattern).ok()?;
    ast::visit(&parsed, Misread).err()
}

struct Misread;

impl Visitor for Misread {
    type Output = ();
    type Err = &'static str;

    fn finish(self) -> Result<(), Self::Err> {
        Ok(())
    }

    fn visit_pre(&mut self, part: &Ast) -> Result<(), Self::Err> {
        match part {
            Ast::Repetition(outer) if matches!(*outer.ast, Ast::Repetition(_)) => Err(
                "has a quantifier behind a quantifier, such as a++: ECMA 262 has no possessive quantifiers",
            ),
            Ast::Assertion(edge) if matches!(edge.kind, WordBoundaryStartAngle | WordBoundaryEndAngle) => {
                Err(
                    r"has \< or \>: to ECMA 262 that is the character alone, so write it without the backslash",
                )
            }
            _ => Ok(()),
        }
    }
}
