//! Boards that are done, and images that the server has sent, over time.

use super::Row;
use crate::svg::Page;
use netboot_core::Instant;

/// Size of the picture.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 430.0;
/// The place of the upper and of the lower end of both diagrams, and their width.
const TOP: f64 = 40.0;
const FLOOR: f64 = 370.0;
const PLOT: f64 = 360.0;
/// Where each of them begins.
const DONE: f64 = 70.0;
const SENT: f64 = 560.0;
/// The time of both diagrams, in seconds.
const SECONDS: (f64, f64) = (1.0, 1_000.0);
const COLOURS: [&str; 3] = ["#2563eb", "#d97706", "#059669"];
/// Number of points of a line.
const POINTS: usize = 200;

/// The share of an axis whose numbers are those of a logarithm.
fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    ((value.max(low) / low).ln() / (high / low).ln()).min(1.0)
}

/// The place of a moment in the diagram that begins at `left`.
fn at(left: f64, seconds: f64) -> f64 {
    left + PLOT * share(seconds, SECONDS)
}

/// The place of a share of a diagram's height.
fn up(share: f64) -> f64 {
    FLOOR - share * (FLOOR - TOP)
}

fn seconds(at: Instant) -> f64 {
    at.as_micros() as f64 / 1e6
}

/// The numbers 10^n in a range.
fn tens((low, high): (f64, f64)) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(low), |tick| Some(tick * 10.0)).take_while(move |tick| *tick <= high)
}

/// The picture.
pub fn svg(rows: &[Row]) -> String {
    let mut page = Page::default();
    let most = rows.iter().map(|row| row.images).fold(10.0, f64::max);
    let images = (0.01, most);
    let bold = "font-size=\"14\" font-weight=\"bold\"";
    for (left, title) in [
        (DONE, "Boards that are done, %"),
        (SENT, "Images that the server has sent"),
    ] {
        page.words(left, 24.0, bold, title);
        page.line(
            "#0f172a",
            [(left, TOP), (left, FLOOR), (left + PLOT, FLOOR)],
        );
        for tick in tens(SECONDS) {
            let middle = "text-anchor=\"middle\"";
            page.words(at(left, tick), FLOOR + 18.0, middle, &format!("{tick} s"));
        }
    }
    let end = "text-anchor=\"end\"";
    for tick in [0, 25, 50, 75, 100] {
        let y = up(f64::from(tick) / 100.0);
        page.words(DONE - 6.0, y, end, &tick.to_string());
    }
    for tick in tens(images) {
        page.words(SENT - 6.0, up(share(tick, images)), end, &tick.to_string());
    }
    for (number, (row, colour)) in rows.iter().zip(COLOURS).enumerate() {
        page.line(colour, done(&row.outcome.done));
        page.line(colour, sent(row, images));
        let x = DONE + number as f64 * 180.0;
        page.rect(x, HEIGHT - 26.0, 14.0, 14.0, colour, row.name);
        page.words(x + 20.0, HEIGHT - 14.0, "", row.name);
    }
    page.end(WIDTH, HEIGHT)
}

/// The boards, in the order in which they were done.
fn done(boards: &[Instant]) -> impl Iterator<Item = (f64, f64)> {
    let step = (boards.len() / POINTS).max(1);
    let last = boards.len().saturating_sub(1);
    let points = boards.iter().enumerate();
    let points = points.filter(move |(count, _)| count % step == 0 || *count == last);
    points.map(|(count, moment)| {
        let share = (count + 1) as f64 / boards.len() as f64;
        (at(DONE, seconds(*moment)), up(share))
    })
}

/// What the server has sent until the end of each tenth of a second.
fn sent(row: &Row, images: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let all = row.outcome.sent.last().copied().unwrap_or(1).max(1) as f64;
    let tenths = row.outcome.sent.iter().zip(1u32..);
    tenths.map(move |(octets, tenth)| {
        let sent = *octets as f64 / all * row.images;
        (at(SENT, f64::from(tenth) / 10.0), up(share(sent, images)))
    })
}
