//! Moments are written as RFC 3339 in the zone's time, as people check them with a calendar.

use chrono::{DateTime, Timelike as _};
use proptest::prelude::*;

use super::*;

fn moment(text: &str) -> Timestamp {
    let at = DateTime::parse_from_rfc3339(text).unwrap();
    Timestamp(u64::try_from(at.timestamp_millis()).unwrap())
}

/// The next moments after one, as the zone's clock shows them.
fn check(cron: &str, zone: &str, after: &str, expected: &[&str]) {
    let times = CronTimes::parse(cron, zone).unwrap();
    let mut at = moment(after);
    let found: Vec<String> = expected
        .iter()
        .map(|_| {
            at = times.next(at).unwrap();
            times.local(at)
        })
        .collect();
    assert_eq!(found, expected, "{cron} in {zone}");
}

fn refusal(cron: &str, zone: &str) -> String {
    CronTimes::parse(cron, zone).unwrap_err().to_string()
}

#[test]
fn fields_are_read_in_the_zone() {
    let monday = "2026-11-30T06:00:00+01:00";
    check(
        "30 7 * * MON-FRI",
        "Europe/Berlin",
        "2026-11-27T07:30:00+01:00",
        &["2026-11-30T07:30:00+01:00", "2026-12-01T07:30:00+01:00"],
    );
    check("@daily", "America/New_York", monday, &["2026-12-01T00:00:00-05:00"]);
    check("0 12 L * *", "UTC", monday, &["2026-11-30T12:00:00+00:00", "2026-12-31T12:00:00+00:00"]);
    check("0 0 29 2 *", "UTC", monday, &["2028-02-29T00:00:00+00:00"]);
    // As in every cron: where both days are said, either will do.
    check(
        "0 0 1 * MON",
        "UTC",
        "2026-11-30T00:00:00Z",
        &["2026-12-01T00:00:00+00:00", "2026-12-07T00:00:00+00:00"],
    );
}

#[test]
fn a_local_time_that_is_left_out_runs_when_the_clock_has_jumped() {
    // On 2026-03-29 Berlin's clock goes from 02:00 to 03:00.
    check(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00+01:00",
        &["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
    );
    // All that is left out is one firing, and so is what is due at the jump itself.
    check(
        "0,20,40 2,3 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00+01:00",
        &["2026-03-29T03:00:00+02:00", "2026-03-29T03:20:00+02:00", "2026-03-29T03:40:00+02:00"],
    );
    // Lord Howe's clock jumps by half an hour, from 02:00 to 02:30.
    check(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T12:00:00+10:30",
        &["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
    );
    // Samoa had no 30 December 2011.
    check("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", &["2011-12-31T00:00:00+14:00"]);
}

#[test]
fn a_doubled_local_time_runs_once() {
    // On 2026-10-25 Berlin's clock goes from 03:00 back to 02:00.
    check(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00+02:00",
        &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
    );
    // Asked in the second pass.
    check(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-25T02:10:00+01:00",
        &["2026-10-26T02:30:00+01:00"],
    );
    check(
        "*/30 1-3 * * *",
        "Europe/Berlin",
        "2026-10-25T01:45:00+02:00",
        &["2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"],
    );
}

#[test]
fn a_schedule_of_every_hour_goes_on_through_both_jumps() {
    check(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T01:15:00+01:00",
        &["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"],
    );
    check(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-25T02:15:00+02:00",
        &[
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ],
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_could_be_written() {
    let field = refusal("0 25 * * *", "UTC");
    assert!(field.contains("field 2, the hour, cannot be \"25\": write 0 to 23"), "{field}");
    let field = refusal("MON * * * *", "UTC");
    assert!(field.contains("field 1, the minute, cannot be \"MON\""), "{field}");
    let field = refusal("0 9 * * MUN", "UTC");
    assert!(field.contains("field 5, the day of the week") && field.contains("SUN"), "{field}");
    assert!(refusal("0 9 * *", "UTC").contains("and not 4;"));
    assert!(refusal("0 0 9 * * *", "UTC").contains("seconds are not taken"));
    assert!(refusal("", "UTC").contains("and not 0"));
    assert!(refusal("@reboot", "UTC").contains("\"@reboot\" is not known: write @hourly"));
    assert!(refusal("0 0 30 2 *", "UTC").contains("never due"));
    assert!(refusal(&"1,".repeat(200), "UTC").contains("256 bytes"));
}

#[test]
fn a_zone_that_is_not_there_comes_with_those_that_are_near() {
    let near = |zone: &str| refusal("@daily", zone);
    assert!(near("europe/berlin").contains("did you mean Europe/Berlin?"));
    assert!(near("Europe/Belin").contains("Europe/Berlin"), "{}", near("Europe/Belin"));
    assert!(near("Berlin").contains("Europe/Berlin"));
    assert!(near("America/New York").contains("America/New_York"));
    assert!(near("").contains("such as Europe/Berlin"));
    assert!(near(&"x".repeat(500)).len() < 300);
}

/// Zones with jumps of an hour, of half an hour, and without.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
];

fn expressions() -> impl Strategy<Value = String> {
    let minute = prop_oneof!["[0-5]?[0-9]", Just("*".to_owned()), "\\*/(5|15|20)"];
    let hour = prop_oneof!["([01]?[0-9]|2[0-3])", Just("*".to_owned()), "(0|1|2)-(3|9|23)"];
    let day = prop_oneof![Just("*".to_owned()), "([1-9]|1[0-9]|2[0-8])"];
    let week = prop_oneof![Just("*".to_owned()), "[0-6]", Just("MON-FRI".to_owned())];
    (minute, hour, day, week).prop_map(|(m, h, d, w)| format!("{m} {h} {d} * {w}"))
}

proptest! {
    #[test]
    fn the_next_moment_is_later_and_nothing_lies_between(
        cron in expressions(),
        zone in prop::sample::select(&ZONES[..]),
        // 2020 to 2035.
        seconds in 1_577_836_800_u64..2_051_222_400,
    ) {
        let times = CronTimes::parse(&cron, zone).unwrap();
        let after = Timestamp(seconds * 1_000 + 7);
        let next = times.next(after).unwrap();
        prop_assert!(next > after);
        // Asked from anywhere before it, it is the same: later questions have no earlier answer.
        let between = Timestamp(after.0 + (next.0 - after.0) / 2);
        prop_assert_eq!(times.next(between), Some(next));
        prop_assert_eq!(times.next(Timestamp(next.0 - 1)), Some(next));
        let later = times.next(next).unwrap();
        prop_assert!(later.0 >= next.0 + 60_000, "{} then {}", times.local(next), times.local(later));
    }

    #[test]
    fn the_next_moment_is_one_of_the_expression_unless_the_clock_has_just_jumped(
        cron in expressions(),
        zone in prop::sample::select(&ZONES[..]),
        seconds in 1_577_836_800_u64..2_051_222_400,
    ) {
        let times = CronTimes::parse(&cron, zone).unwrap();
        let next = times.next(Timestamp(seconds * 1_000)).unwrap();
        let local = times.at(next).unwrap();
        prop_assert_eq!(local.second(), 0);
        let offset = |at: Timestamp| times.at(at).unwrap().naive_local() - times.at(at).unwrap().naive_utc();
        let jumps = offset(next) > offset(Timestamp(next.0 - 1));
        prop_assert!(jumps || times.cron.is_time_matching(&local).unwrap(), "{}", local);
    }

    #[test]
    fn no_text_breaks_the_reader(cron in ".{0,40}", zone in ".{0,40}") {
        drop(CronTimes::parse(&cron, &zone));
        drop(CronTimes::parse("@daily", &zone));
    }
}
