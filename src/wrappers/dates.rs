//! HTTP dates, to and from Unix seconds: `Tue, 14 Nov 2023 22:13:20 GMT`.
//!
//! Mirrors `http_date` and `parse_date` of `werkzeug/http.py`, and beneath them `_parsedate_tz` of
//! Python's `email/_parseaddr.py`. Headers have such dates, and so have sessions (`json/tag.rs`). Writing is strict,
//! reading is not: a session that some Flask app saved is read here with the same patience, step by step in the
//! same order.
//!
//! Read next: `cookies.rs`, their main user.

use std::ops::RangeInclusive;

use crate::python::{digit_value, int_of_base, is_space};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const LONG_MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAY: i64 = 86_400;
/// From 0001-01-01 00:00:00 to 9999-12-31 23:59:59, in Unix seconds: all that a `datetime` can be.
const DATETIMES: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The date of an HTTP header: `Tue, 14 Nov 2023 22:13:20 GMT`.
///
/// `unix` is in seconds. `None` for a time before the year 1 or after 9999, which Python refuses.
///
/// ```
/// use carafe::wrappers::dates::http_date;
///
/// let date = http_date(1_700_000_000);
/// assert_eq!(date.as_deref(), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
/// assert_eq!(http_date(i64::MAX), None);
/// ```
#[must_use]
pub fn http_date(unix: i64) -> Option<String> {
    if !DATETIMES.contains(&unix) {
        return None;
    }
    let days = unix.div_euclid(DAY);
    let time = unix.rem_euclid(DAY);
    let (year, month, day) = civil_from_days(days);
    // 1970-01-01 was a Thursday.
    let weekday = DAYS[(days + 3).rem_euclid(7) as usize];
    let month = MONTHS[month as usize - 1];
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    // Each permanent session's cookie has one, and `format!` takes ten times as long.
    let mut date = String::with_capacity("Tue, 14 Nov 2023 22:13:20 GMT".len());
    date.push_str(weekday);
    date.push_str(", ");
    push_two_digits(&mut date, day);
    date.push(' ');
    date.push_str(month);
    date.push(' ');
    push_two_digits(&mut date, year / 100);
    push_two_digits(&mut date, year % 100);
    for (before, number) in [(' ', hour), (':', minute), (':', second)] {
        date.push(before);
        push_two_digits(&mut date, number);
    }
    date.push_str(" GMT");
    Some(date)
}

/// `number`, which is 0 to 99, as `{number:02}` writes it.
fn push_two_digits(date: &mut String, number: i64) {
    for digit in [number / 10, number % 10] {
        date.extend(char::from_digit(digit as u32, 10));
    }
}

/// The Unix seconds of a date in a header, in the form of HTTP or of a mail; `None` where it is none. A
/// time without a zone is UTC.
///
/// ```
/// use carafe::wrappers::dates::parse_date;
///
/// assert_eq!(parse_date("Tue, 14 Nov 2023 22:13:20 GMT"), Some(1_700_000_000));
/// assert_eq!(parse_date("Tuesday, 14-Nov-23 22:13:20 GMT"), Some(1_700_000_000));
/// assert_eq!(parse_date("tomorrow"), None);
/// ```
#[must_use]
pub fn parse_date(text: &str) -> Option<i64> {
    try_parse_date(text).ok().flatten()
}

/// A number in a date is so large that Python raises an `OverflowError`: there, a session that holds it is no session.
pub(crate) struct DateOverflow;

/// The same, where there is somebody to tell of such a number.
pub(crate) fn try_parse_date(text: &str) -> Result<Option<i64>, DateOverflow> {
    let Some(date) = parsedate_tz(text) else {
        return Ok(None);
    };
    let [year, month, day, hour, minute, second] = date.fields;
    // In this order Python builds the parts: a timedelta, a timezone, a datetime.
    if !(-999_999_999..=999_999_999).contains(&date.offset.div_euclid(DAY.into())) {
        return Err(DateOverflow);
    }
    if date.offset.abs() >= DAY.into() {
        return Ok(None);
    }
    if date
        .fields
        .iter()
        .any(|field| i32::try_from(*field).is_err())
    {
        return Err(DateOverflow);
    }
    let valid = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year as i64, month as i64)).contains(&(day as i64))
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    if !valid {
        return Ok(None);
    }
    let days = days_from_civil(year as i64, month as i64, day as i64);
    let time = (hour * 3600 + minute * 60 + second - date.offset) as i64;
    Ok(Some(days * DAY + time))
}

struct ParsedDate {
    /// Year, month, day, hour, minute, second: whatever the text said, not yet checked.
    fields: [i128; 6],
    /// The zone's distance from UTC, in seconds.
    offset: i128,
}

/// `email._parseaddr._parsedate_tz`.
fn parsedate_tz(text: &str) -> Option<ParsedDate> {
    let mut data: Vec<&str> = text
        .split(is_space)
        .filter(|part| !part.is_empty())
        .collect();
    let first = *data.first()?;
    let is_day = DAYS.iter().any(|day| day.eq_ignore_ascii_case(first));
    if first.ends_with(',') || is_day {
        data.remove(0);
    } else if let Some((_, rest)) = first.rsplit_once(',') {
        data[0] = rest;
    }
    if data.len() == 3 {
        // RFC 850: 14-Nov-23
        let parts: Vec<&str> = data[0].split('-').collect();
        if parts.len() == 3 {
            data.splice(..1, parts);
        }
    }
    if data.len() == 4 {
        // The zone may be glued to the time.
        let last = data[3];
        match last.find('+').or_else(|| last.find('-')) {
            Some(at) if at > 0 => {
                data[3] = &last[..at];
                data.push(&last[at..]);
            }
            _ => data.push(""),
        }
    }
    let [mut day, month, mut year, mut time, mut zone] = *data.get(..5)? else {
        return None;
    };
    if day.is_empty() || month.is_empty() || year.is_empty() {
        return None;
    }
    let month = match month_number(month) {
        Some(number) => number,
        None => {
            let number = month_number(day)?;
            day = month;
            number
        }
    };
    day = day.strip_suffix(',').unwrap_or(day);
    if year.find(':').is_some_and(|at| at > 0) {
        (year, time) = (time, year);
    }
    year = year.strip_suffix(',').unwrap_or(year);
    if year.is_empty() {
        return None;
    }
    if !year.starts_with(|char| digit_value(char).is_some()) {
        (year, zone) = (zone, year);
    }
    time = time.strip_suffix(',').unwrap_or(time);
    let separator = if time.contains(':') { ':' } else { '.' };
    let time: Vec<&str> = time.split(separator).collect();
    let (hour, minute, second) = match time[..] {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let mut year = int_of_base(year, 10)?;
    let fields = [day, hour, minute, second].map(|field| int_of_base(field, 10));
    let [Some(day), Some(hour), Some(minute), Some(second)] = fields else {
        return None;
    };
    if year < 100 {
        year += if year > 68 { 1900 } else { 2000 };
    }
    Some(ParsedDate {
        fields: [year, month, day, hour, minute, second],
        offset: zone_offset(zone),
    })
}

fn month_number(name: &str) -> Option<i128> {
    let named = |month: &&str| month.eq_ignore_ascii_case(name);
    let index = MONTHS
        .iter()
        .position(named)
        .or_else(|| LONG_MONTHS.iter().position(named))?;
    Some(index as i128 + 1)
}

/// A zone's distance from UTC, in seconds; 0 where it is not known.
fn zone_offset(zone: &str) -> i128 {
    let hundreds = match zone.to_uppercase().as_str() {
        "AST" | "EDT" => -400,
        "ADT" => -300,
        "EST" | "CDT" => -500,
        "CST" | "MDT" => -600,
        "MST" | "PDT" => -700,
        "PST" => -800,
        zone => int_of_base(zone, 10).unwrap_or(0),
    };
    let distance = hundreds.abs();
    hundreds.signum() * ((distance / 100).saturating_mul(3600)).saturating_add(distance % 100 * 60)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that
/// the leap day is the last of its year, in eras of 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The way back: year, month and day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
