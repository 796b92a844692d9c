//! Writes a time as SQLAlchemy does, with a fraction that is always zero. What is later than the last
//! time that can be written is that last time.

use jiff::Timestamp;

use super::Times;

// ANCHOR: text
#[derive(Default)]
pub(crate) struct Text;

impl Times for Text {
    fn text(&self, unix: u64) -> String {
        let last = Timestamp::MAX.as_second();
        let unix = i64::try_from(unix).map_or(last, |unix| unix.min(last));
        let time = Timestamp::from_second(unix).unwrap();
        time.strftime("%Y-%m-%d %H:%M:%S.000000").to_string()
    }
}
// ANCHOR_END: text
