//! Stand-ins for the ids of sessions, which are random: what a demo prints has to be the same each time.

/// What stands for the first id, the second, and so on: as much as a trace shows of one.
const NAMES: &[&str] = &["1st-id", "2nd-id", "3rd-id", "4th-id"];

/// The ids that have come up, in their order.
#[derive(Default)]
pub(super) struct Ids(Vec<String>);

impl Ids {
    /// The stand-in of an id: as long as the id, and the same each time.
    pub(super) fn stand_in(&mut self, id: &str) -> String {
        let place = self.0.iter().position(|known| known == id);
        let place = place.unwrap_or(self.0.len());
        if place == self.0.len() {
            self.0.push(id.to_owned());
        }
        format!("{:-<width$}", NAMES[place], width = id.len())
    }

    /// The text, with the stand-ins of all ids that have come up, also where only a start is shown.
    pub(super) fn replaced(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for id in self.0.clone() {
            let stand_in = self.stand_in(&id);
            text = text.replace(&id, &stand_in);
            text = text.replace(&format!("{}…", &id[..6]), &format!("{}…", &stand_in[..6]));
        }
        text
    }
}
