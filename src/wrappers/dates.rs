//! HTTP dates, to and from Unix seconds.
//!
//! Mirrors `http_date` and `parse_date` of `werkzeug/http.py`.
//!
//! Read next: `cookies.rs`, their main user.

use jiff::civil::{Date, DateTime, Weekday, date};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const SECONDS_A_DAY: i64 = 86_400;
const EPOCH: Date = date(1970, 1, 1);
/// The first and the last second that a date with a year of 1 to 9999 can name.
const RANGE: (i64, i64) = (-62_135_596_800, 253_402_300_799);

/// The date of an HTTP header: `Tue, 14 Nov 2023 22:13:20 GMT`.
///
/// `unix` is in seconds. A time before the year 1 or after 9999, which Python refuses, becomes the
/// first or the last second of that range.
///
/// ```
/// use carafe::wrappers::dates::http_date;
///
/// assert_eq!(http_date(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 GMT");
/// ```
pub fn http_date(unix: i64) -> String {
    let unix = unix.clamp(RANGE.0, RANGE.1);
    let (days, second) = (
        unix.div_euclid(SECONDS_A_DAY),
        unix.rem_euclid(SECONDS_A_DAY),
    );
    let date = EPOCH.saturating_add(jiff::Span::new().days(days));
    let weekday = match date.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    let month = usize::try_from(date.month() - 1)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .unwrap_or(&"Jan");
    format!(
        "{weekday}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        date.day(),
        date.year(),
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The Unix seconds of a date in a header, in any of the three forms of RFC 9110, with or without a
/// weekday, and with an offset like `+0200` in place of `GMT`.
///
/// `None` where it is none of these. Python's mail parser, which Werkzeug uses, lets a few odder
/// forms pass.
///
/// ```
/// use carafe::wrappers::dates::parse_date;
///
/// assert_eq!(parse_date("Tue, 14 Nov 2023 22:13:20 GMT"), Some(1_700_000_000));
/// assert_eq!(parse_date("Tuesday, 14-Nov-23 22:13:20 GMT"), Some(1_700_000_000));
/// assert_eq!(parse_date("Tue Nov 14 22:13:20 2023"), Some(1_700_000_000));
/// assert_eq!(parse_date("tomorrow"), None);
/// ```
pub fn parse_date(text: &str) -> Option<i64> {
    let text = match text.split_once(',') {
        Some((_weekday, rest)) => rest,
        None => text,
    };
    let mut words: Vec<&str> = text
        .split([' ', '\t', '-'])
        .filter(|word| !word.is_empty())
        .collect();
    let mut offset = 0;
    // An offset keeps its sign only if it is looked at before the dashes split it off.
    if let Some(last) = text.split_ascii_whitespace().last()
        && let Some(seconds) = parse_offset(last)
    {
        offset = seconds;
        words.pop();
    }
    if words.first().is_some_and(|word| weekday_name(word)) {
        words.remove(0);
    }
    let (day, month, year, time) = match *words.as_slice() {
        // asctime: month first, the year last.
        [month, day, time, year] if month_number(month).is_some() => (day, month, year, time),
        [day, month, year, time] => (day, month, year, time),
        _ => return None,
    };
    let mut clock = time.split(':');
    let hour = number(clock.next()?)?;
    let minute = number(clock.next()?)?;
    let second = number(clock.next().unwrap_or("0"))?;
    if clock.next().is_some() {
        return None;
    }
    let moment = DateTime::new(
        full_year(number(year)?),
        month_number(month)?,
        i8::try_from(number(day)?).ok()?,
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        0,
    )
    .ok()?;
    let days = i64::from(EPOCH.until(moment.date()).ok()?.get_days());
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some(days * SECONDS_A_DAY + seconds - offset)
}

fn number(text: &str) -> Option<i16> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A year of two digits is in 1969 to 2068, as in Python's and every browser's reading.
fn full_year(year: i16) -> i16 {
    match year {
        0..=68 => year + 2000,
        69..=99 => year + 1900,
        _ => year,
    }
}

fn month_number(text: &str) -> Option<i8> {
    let index = MONTHS.iter().position(|month| {
        text.get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case(month))
    })?;
    i8::try_from(index + 1).ok()
}

fn weekday_name(text: &str) -> bool {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .any(|day| {
            text.get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case(day))
        })
}

/// The seconds east of Greenwich that a zone names; `None` where the text is no zone.
fn parse_offset(text: &str) -> Option<i64> {
    if ["GMT", "UTC", "UT", "Z"]
        .iter()
        .any(|zone| text.eq_ignore_ascii_case(zone))
    {
        return Some(0);
    }
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix('-')?),
    };
    if digits.len() != 4 {
        return None;
    }
    let hhmm = i64::from(number(digits)?);
    Some(sign * (hhmm / 100 * 3600 + hhmm % 100 * 60))
}
