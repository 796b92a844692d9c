//! Points in time, as each format has them.
//!
//! A [`Value`] holds whole seconds in UTC. A `datetime` with a fraction is MessagePack's timestamp, as
//! bytes, whichever format it came from. One without a zone, or of another zone, is an object in a
//! pickle and text elsewhere.
//!
//! Read next: `msgpack.rs`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::value::{Foreign, Object, Value};

/// The extension type of a point in time, which MessagePack itself defines.
pub(super) const TIMESTAMP: i8 = -1;

/// A point in time: Unix seconds, and nanoseconds after them.
pub(super) type Time = (i64, u32);

// ANCHOR: to_bytes
/// In the fewest bytes that MessagePack has for it, as msgspec picks them.
pub(super) fn to_bytes((seconds, nanoseconds): Time) -> Vec<u8> {
    match (u32::try_from(seconds), seconds) {
        (Ok(seconds), _) if nanoseconds == 0 => seconds.to_be_bytes().to_vec(),
        // 34 bits; the 30 before them are nanoseconds.
        (_, 0..=0x3_ffff_ffff) => {
            let both = u64::from(nanoseconds) << 34 | seconds.unsigned_abs();
            both.to_be_bytes().to_vec()
        }
        _ => [&nanoseconds.to_be_bytes()[..], &seconds.to_be_bytes()].concat(),
    }
}

/// The way back; `None` for bytes of another length.
pub(super) fn from_bytes(data: &[u8]) -> Option<Time> {
    match *data {
        [a, b, c, d] => Some((u32::from_be_bytes([a, b, c, d]).into(), 0)),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            Some(((both & 0x3_ffff_ffff) as i64, (both >> 34) as u32))
        }
        [a, b, c, d, e, f, g, h, i, j, k, l] => {
            let seconds = i64::from_be_bytes([e, f, g, h, i, j, k, l]);
            Some((seconds, u32::from_be_bytes([a, b, c, d])))
        }
        _ => None,
    }
}
// ANCHOR_END: to_bytes

/// The value for it.
pub(super) fn value(time: Time) -> Value {
    match time {
        (seconds, 0) => Value::DateTime(seconds),
        time => Foreign::Ext {
            code: TIMESTAMP,
            data: to_bytes(time),
        }
        .into(),
    }
}

/// As RFC 3339 has it, in microseconds, as Python's times are.
pub(super) fn text((seconds, nanoseconds): Time) -> Option<String> {
    let time = Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()?;
    Some(match nanoseconds {
        ..1000 => format!("{time:.0}"),
        _ => format!("{time:.6}"),
    })
}

/// The ten bytes that a pickled `datetime` keeps its fields in, read as UTC.
pub(super) fn from_fields(fields: &[u8]) -> Option<Time> {
    let timestamp = civil(fields)?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let nanoseconds = timestamp.subsec_nanosecond();
    // Jiff's fraction has the sign of the whole; MessagePack's counts upwards.
    let borrow = i64::from(nanoseconds < 0);
    let nanoseconds = nanoseconds + i32::try_from(borrow).ok()? * 1_000_000_000;
    let seconds = timestamp.as_second() - borrow;
    Some((seconds, u32::try_from(nanoseconds).ok()?))
}

/// The way back.
pub(super) fn to_fields((seconds, nanoseconds): Time) -> Option<[u8; 10]> {
    let timestamp = Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()?;
    let time = timestamp.to_zoned(TimeZone::UTC).datetime();
    let year = u16::try_from(time.year()).ok().filter(|year| *year > 0)?;
    let [year, low] = year.to_be_bytes();
    let [_, high, middle, last] = u32::try_from(time.subsec_nanosecond() / 1000)
        .ok()?
        .to_be_bytes();
    let [month, day, hour, minute, second] = [
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ]
    .map(i8::unsigned_abs);
    Some([
        year, low, month, day, hour, minute, second, high, middle, last,
    ])
}

fn civil(fields: &[u8]) -> Option<DateTime> {
    let [
        year,
        low,
        month,
        day,
        hour,
        minute,
        second,
        high,
        middle,
        last,
    ] = *fields
    else {
        return None;
    };
    let microseconds = i32::try_from(u32::from_be_bytes([0, high, middle, last])).ok()?;
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second].map(|field| i8::try_from(field).unwrap_or(-1));
    let year = i16::from_be_bytes([year, low]);
    let nanoseconds = microseconds.checked_mul(1000)?;
    DateTime::new(year, month, day, hour, minute, second, nanoseconds).ok()
}

/// The seconds east of UTC of a `datetime.timezone`; `None` for a zone of another kind.
pub(super) fn offset(zone: &Value) -> Option<i64> {
    let [delta] = args_of(zone, "timezone")? else {
        return None;
    };
    match args_of(delta, "timedelta")? {
        [Value::Int(days), Value::Int(seconds), Value::Int(0)] => {
            days.checked_mul(86_400)?.checked_add(*seconds)
        }
        _ => None,
    }
}

fn args_of<'v>(value: &'v Value, name: &str) -> Option<&'v [Value]> {
    let Value::Foreign(foreign) = value else {
        return None;
    };
    match &**foreign {
        Foreign::Object(object) if object.module == "datetime" && object.name == name => {
            object.args.as_deref()
        }
        _ => None,
    }
}

/// What msgspec makes of a `datetime` or a `date` that a pickle holds: text for one without a zone,
/// else the point in time.
pub(super) fn plain(object: &Object) -> Option<Value> {
    match (&*object.name, object.args.as_deref()?) {
        ("datetime", [Value::Bytes(fields)]) => {
            let time = civil(fields)?;
            Some(match time.subsec_nanosecond() {
                0 => format!("{time:.0}").into(),
                _ => format!("{time:.6}").into(),
            })
        }
        ("datetime", [Value::Bytes(fields), zone]) => {
            let (seconds, nanoseconds) = from_fields(fields)?;
            Some(value((seconds.checked_sub(offset(zone)?)?, nanoseconds)))
        }
        ("date", [Value::Bytes(fields)]) => {
            let [year, low, month, day] = **fields else {
                return None;
            };
            let time = civil(&[year, low, month, day, 0, 0, 0, 0, 0, 0])?;
            Some(time.date().to_string().into())
        }
        _ => None,
    }
}
