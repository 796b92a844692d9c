//! HTTP dates: `Tue, 14 Nov 2023 22:13:20 GMT`.
//!
//! Mirrors `http_date` and `parse_date` of `werkzeug/http.py`, and beneath them `_parsedate_tz` of
//! Python's `email/_parseaddr.py`. Writing is strict, reading is not: a session that some Flask app
//! saved is read here with the same patience, step by step in the same order.
//!
//! Read next: `tag.rs`, which writes and reads dates in sessions.

use std::borrow::Cow;

use super::JsonError;
use crate::python::{MAX_INT_DIGITS, digit_value, is_space};

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
/// 0001-01-01 00:00:00 and 9999-12-31 23:59:59, in Unix seconds: all that a `datetime` can be.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

/// `werkzeug.http.http_date`: `seconds` since 1970, as an HTTP date. `None` outside of the years 1
/// to 9999.
///
/// ```
/// use carafe::json::{http_date, parse_date};
/// let text = http_date(1_700_000_000).unwrap_or_default();
/// assert_eq!(text, "Tue, 14 Nov 2023 22:13:20 GMT");
/// assert_eq!(parse_date(&text), Ok(Some(1_700_000_000)));
/// ```
#[must_use]
pub fn http_date(seconds: i64) -> Option<String> {
    if !(FIRST..=LAST).contains(&seconds) {
        return None;
    }
    let days = seconds.div_euclid(DAY);
    let time = seconds.rem_euclid(DAY);
    let (year, month, day) = civil_from_days(days);
    // 1970-01-01 was a Thursday.
    let weekday = DAYS.get((days + 3).rem_euclid(7) as usize)?;
    let month = MONTHS.get(month as usize - 1)?;
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

/// `werkzeug.http.parse_date`: the Unix seconds of a date in a mail's or HTTP's form, or `None`
/// where it is no date. A time without a zone is UTC.
///
/// # Errors
/// [`JsonError::DateOutOfRange`] where a number in it is so large that Python raises an
/// `OverflowError` instead.
pub fn parse_date(text: &str) -> Result<Option<i64>, JsonError> {
    let Some(date) = parsedate_tz(text) else {
        return Ok(None);
    };
    let [year, month, day, hour, minute, second] = date.fields;
    // In this order Python builds the parts: a timedelta, a timezone, a datetime.
    if !(-999_999_999..=999_999_999).contains(&date.offset.div_euclid(DAY.into())) {
        return Err(JsonError::DateOutOfRange);
    }
    if date.offset.abs() >= DAY.into() {
        return Ok(None);
    }
    if date
        .fields
        .iter()
        .any(|field| i32::try_from(*field).is_err())
    {
        return Err(JsonError::DateOutOfRange);
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
    let mut year = python_int(year, 10)?;
    let fields = [day, hour, minute, second].map(|field| python_int(field, 10));
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
        zone => python_int(zone, 10).unwrap_or(0),
    };
    let distance = hundreds.abs();
    hundreds.signum() * ((distance / 100).saturating_mul(3600)).saturating_add(distance % 100 * 60)
}

/// Python's `int(text, radix)`: a sign, spaces around, digits of any script, single `_` between them,
/// and `0x` in radix 16. `None` where that is a `ValueError`. A number that is too large stops at
/// the limits of `i128`.
pub(super) fn python_int(text: &str, radix: u32) -> Option<i128> {
    let text = text.trim_matches(is_space);
    let text = if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        let ascii = |char| digit_value(char).and_then(|digit| char::from_digit(digit, 10));
        text.chars()
            .map(|char| ascii(char).unwrap_or(char))
            .collect()
    };
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text.as_ref()),
    };
    let unprefixed = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let digits = match unprefixed {
        Some(digits) if radix == 16 => digits.strip_prefix('_').unwrap_or(digits),
        _ => digits,
    };
    let mut number: i128 = 0;
    let mut count = 0;
    for part in digits.split('_') {
        if part.is_empty() {
            return None;
        }
        for char in part.chars() {
            number = number
                .saturating_mul(radix.into())
                .saturating_add(char.to_digit(radix)?.into());
            count += 1;
        }
    }
    if radix == 10 && count > MAX_INT_DIGITS {
        return None;
    }
    Some(if negative { -number } else { number })
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
