//! Boards that are done, and octets that the server has sent, over time.

use super::Row;
use std::fmt::Write as _;

/// Size of the picture and of its margins.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const TOP: f64 = 30.0;
/// Width of each of the two diagrams.
const PLOT: f64 = 330.0;
/// Where the second one begins.
const SECOND: f64 = 480.0;
const COLOURS: [&str; 3] = ["#1f77b4", "#ff7f0e", "#2ca02c"];

/// The place of a value on an axis whose numbers are those of a logarithm.
fn log(value: f64, (low, high): (f64, f64), (from, to): (f64, f64)) -> f64 {
    let share = (value.max(low) / low).ln() / (high / low).ln();
    from + share.min(1.0) * (to - from)
}

/// The picture.
pub fn svg(rows: &[Row]) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let seconds = (1.0, 1_000.0);
    let floor = HEIGHT - BOTTOM;
    for (left, title) in [
        (LEFT, "boards that are done, %"),
        (SECOND, "images that the server has sent"),
    ] {
        let _ = writeln!(
            out,
            "<text x=\"{left}\" y=\"20\">{title}</text><path d=\"M{left} {TOP}V{floor}h{PLOT}\" fill=\"none\" stroke=\"black\"/>"
        );
        for tick in [1.0, 10.0, 100.0, 1_000.0] {
            let x = log(tick, seconds, (left, left + PLOT));
            let _ = writeln!(
                out,
                "<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{tick} s</text>",
                floor + 18.0
            );
        }
    }
    let most = rows.iter().map(|row| row.images).fold(1.0, f64::max);
    let range = (0.01, most.max(10.0));
    for tick in [0, 25, 50, 75, 100] {
        let y = floor - f64::from(tick) / 100.0 * (floor - TOP);
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{y:.0}\" text-anchor=\"end\">{tick}</text>",
            LEFT - 6.0
        );
    }
    let mut tick = range.0;
    while tick <= range.1 {
        let y = log(tick, range, (floor, TOP));
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{y:.0}\" text-anchor=\"end\">{tick}</text>",
            SECOND - 6.0
        );
        tick *= 10.0;
    }
    for (row, colour) in rows.iter().zip(COLOURS) {
        let done = &row.outcome.done;
        let mut path = String::new();
        let step = (done.len() / 200).max(1);
        let points = done.iter().enumerate().step_by(step);
        for (count, at) in points.chain(done.iter().enumerate().next_back()) {
            let x = log(at.as_micros() as f64 / 1e6, seconds, (LEFT, LEFT + PLOT));
            let y = floor - (count + 1) as f64 / done.len() as f64 * (floor - TOP);
            let _ = write!(
                path,
                "{}{x:.1} {y:.1}",
                if path.is_empty() { "M" } else { "L" }
            );
        }
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        let sent = &row.outcome.sent;
        let all = sent.last().copied().unwrap_or(1).max(1) as f64;
        let mut path = String::new();
        for (tenth, octets) in sent.iter().enumerate() {
            let images = *octets as f64 / all * row.images;
            let x = log((tenth + 1) as f64 / 10.0, seconds, (SECOND, SECOND + PLOT));
            let y = log(images, range, (floor, TOP));
            let _ = write!(
                path,
                "{}{x:.1} {y:.1}",
                if path.is_empty() { "M" } else { "L" }
            );
        }
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
    }
    for (at, (row, colour)) in rows.iter().zip(COLOURS).enumerate() {
        let y = HEIGHT - 12.0;
        let x = LEFT + at as f64 * 180.0;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{:.0}\" width=\"14\" height=\"4\" fill=\"{colour}\"/><text x=\"{:.0}\" y=\"{y:.0}\">{}</text>",
            y - 6.0,
            x + 20.0,
            row.name
        );
    }
    out + "</svg>\n"
}
