/// The parts of a document that can be checked.
pub(crate) struct Document {
    pub(crate) path: String,
    pub(crate) fences: Vec<Fence>,
    /// The text outside the fences.
    pub(crate) prose: String,
}

pub(crate) struct Fence {
    /// The line at which the fence begins, for error messages.
    pub(crate) line: usize,
    pub(crate) language: String,
    pub(crate) text: String,
}

impl Document {
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let mut document = Self { path: path.to_owned(), fences: Vec::new(), prose: String::new() };
        let mut open: Option<Fence> = None;
        for (index, line) in text.lines().enumerate() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(_), Some(_)) => document.fences.extend(open.take()),
                (Some(language), None) => {
                    open =
                        Some(Fence { line: index + 1, language: language.to_owned(), text: String::new() });
                }
                (None, Some(fence)) => fence.text.extend([line, "\n"]),
                (None, None) => document.prose.extend([line, "\n"]),
            }
        }
        assert!(open.is_none(), "{path}: a fence is not closed");
        document
    }

    pub(crate) fn fences_in<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Fence> {
        let fences = self.fences.iter();
        fences.filter(move |fence| fence.language == language)
    }

    /// The code within sentences and tables.
    pub(crate) fn inline_code(&self) -> impl Iterator<Item = String> {
        let between = self.prose.split('`').skip(1).step_by(2);
        between.map(|code| code.replace('\n', " "))
    }

    /// The targets of its links within the tree.
    pub(crate) fn links(&self) -> impl Iterator<Item = &str> {
        let targets = self.prose.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split_once(')'));
        let here = targets.filter(|(target, _)| !target.contains("://"));
        here.filter_map(|(target, _)| target.split('#').next()).filter(|path| !path.is_empty())
    }

    /// The cells of the table below the header that begins with these words.
    pub(crate) fn table(&self, header: &str) -> Vec<Vec<&str>> {
        let lines = self.prose.lines();
        let rows = lines.skip_while(|line| !line.starts_with(header)).skip(2);
        let rows: Vec<_> = rows
            .map_while(|line| line.strip_prefix('|')?.strip_suffix('|'))
            .map(|row| row.split('|').map(str::trim).collect())
            .collect();
        assert!(!rows.is_empty(), "{}: no table {header}", self.path);
        rows
    }
}
