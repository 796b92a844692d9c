//! Stand-ins for what is random in a recording: of the same length, and the same for the same id.

/// The ids that were seen, in the order in which they were.
#[derive(Default)]
pub(crate) struct StandIns(Vec<String>);

impl StandIns {
    /// `id-1-xxx...` for the first one, `id-2-xxx...` for the next.
    pub(crate) fn of(&mut self, id: &str) -> String {
        let seen = self.0.iter().position(|seen| seen == id);
        let index = seen.unwrap_or_else(|| {
            self.0.push(id.to_owned());
            self.0.len() - 1
        });
        format!(
            "{:x<width$}",
            format!("id-{}-", index + 1),
            width = id.len()
        )
    }

    /// A text, with a stand-in in the place of each id that was seen.
    pub(crate) fn put_into(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for id in self.0.clone() {
            text = text.replace(&id, &self.of(&id));
        }
        text
    }
}
