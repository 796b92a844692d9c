//! Writes a time as most of the web does: `2023-11-14T22:13:20Z`.

use jiff::Timestamp;

use super::Times;

// ANCHOR: text
#[derive(Default)]
pub(crate) struct Text;

impl Times for Text {
    fn text(&self, unix: u64) -> String {
        let time = Timestamp::from_second(unix as i64).unwrap();
        time.to_string()
    }
}
// ANCHOR_END: text
