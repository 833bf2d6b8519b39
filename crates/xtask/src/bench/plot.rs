//! `bench.svg`: the latest record of the history as bars, and how the ROM's figures went from record to record.

use super::history::Entry;
use crate::svg::Page;
use std::collections::BTreeSet;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 300.0;
const RIGHT: f64 = 110.0;
const BAR: f64 = 16.0;
const GAP: f64 = 5.0;
/// What the names of clients, carriers and wires mean.
const LEGEND: [&str; 2] = [
    "ROM SHA-256 hashes while it fetches, as a boot does. KiB: TCP's receive buffer, and the number of connections before it. windowsize: blocks of TFTP.",
    "Each group is a wire: its delay in each direction, and its loss. The longest bar of a group is as wide as the page.",
];
const SPARK: (f64, f64) = (300.0, 34.0);

/// Unit of rates in the history.
pub const RATE: &str = "octets/s";

/// Colours by client.
const COLOURS: [(&str, &str); 4] = [
    ("ROM", "#2563eb"),
    ("ROM SHA-256", "#64748b"),
    ("U-Boot", "#d97706"),
    ("iPXE", "#059669"),
];

/// Draws `history`; says that there is none when it is empty.
pub fn svg(history: &[Entry]) -> String {
    let mut page = Page::default();
    let Some(latest) = history.last() else {
        page.words(28.0, 40.0, "font-size=\"20\"", "Nothing is recorded yet");
        return page.end(WIDTH, 70.0);
    };
    let title = format!("Octets per second, {} ({})", latest.date, latest.commit);
    page.words(28.0, 38.0, "font-size=\"20\" font-weight=\"bold\"", &title);
    let run: Vec<_> = history
        .iter()
        .filter(|entry| (&entry.date, &entry.commit) == (&latest.date, &latest.commit))
        .collect();
    let mut y = legend(&mut page, 62.0);
    let mut wires: Vec<&str> = Vec::new();
    for entry in &run {
        if let Some((_, _, wire)) = parts(entry)
            && !wires.contains(&wire)
        {
            wires.push(wire);
        }
    }
    for wire in wires {
        y = bars(&mut page, y, wire, &run);
    }
    y = trends(&mut page, y, history);
    page.end(WIDTH, y + 10.0)
}

/// Client, carrier and wire of a rate.
fn parts(entry: &Entry) -> Option<(&str, &str, &str)> {
    let mut words = entry.case.split(" / ");
    let parts = (words.next()?, words.next()?, words.next()?);
    (entry.unit == RATE && entry.figure > 0.0 && words.next().is_none()).then_some(parts)
}

fn colour(client: &str) -> &'static str {
    let known = COLOURS.iter().find(|(name, _)| *name == client);
    known.map_or("#64748b", |(_, colour)| colour)
}

/// What a colour is, and how to read a bar.
fn legend(page: &mut Page, y: f64) -> f64 {
    for (at, (name, colour)) in COLOURS.iter().enumerate() {
        let x = 28.0 + 130.0 * at as f64;
        page.rect(x, y - 10.0, 12.0, 12.0, colour, name);
        page.words(x + 18.0, y, "", name);
    }
    let mut y = y;
    for line in LEGEND {
        y += 20.0;
        page.words(28.0, y, "", line);
    }
    y + 14.0
}

/// The bars of one wire, the longest first; each wire has a scale of its own.
fn bars(page: &mut Page, y: f64, wire: &str, run: &[&Entry]) -> f64 {
    let mut rows: Vec<_> = run
        .iter()
        .filter_map(|entry| Some((parts(entry)?, entry.figure)))
        .filter(|((_, _, of), _)| *of == wire)
        .collect();
    rows.sort_by(|one, other| other.1.total_cmp(&one.1));
    let most = rows.first().map_or(1.0, |(_, figure)| *figure);
    let mut y = y + 26.0;
    page.words(28.0, y, "font-size=\"14\" font-weight=\"bold\"", wire);
    y += 8.0;
    for ((client, carrier, _), figure) in rows {
        let width = (WIDTH - LEFT - RIGHT) * figure / most;
        let name = format!("{client}, {carrier}");
        page.words(LEFT - 8.0, y + 12.0, "text-anchor=\"end\"", &name);
        let rate = crate::format::rate(figure);
        page.rect(LEFT, y, width, BAR, colour(client), &rate);
        page.words(LEFT + width + 6.0, y + 12.0, "", &rate);
        y += BAR + GAP;
    }
    y
}

/// A line for each figure of the ROM that was recorded more than once.
fn trends(page: &mut Page, y: f64, history: &[Entry]) -> f64 {
    let ours = |entry: &&Entry| entry.case.starts_with("ROM /") && entry.figure.is_finite();
    let cases: BTreeSet<_> = history
        .iter()
        .filter(ours)
        .map(|entry| &entry.case)
        .collect();
    let mut y = y + 26.0;
    let mut titled = false;
    for case in cases {
        let entries: Vec<_> = history.iter().filter(|entry| entry.case == *case).collect();
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            continue;
        };
        if entries.len() < 2 {
            continue;
        }
        if !titled {
            page.words(
                28.0,
                y,
                "font-size=\"14\" font-weight=\"bold\"",
                "From record to record",
            );
            titled = true;
            y += 8.0;
        }
        let figures: Vec<_> = entries.iter().map(|entry| entry.figure).collect();
        page.words(LEFT - 8.0, y + 22.0, "text-anchor=\"end\"", case);
        page.line("#2563eb", spark(LEFT, y, &figures));
        let change = format!(
            "{} to {} {}",
            short(first.figure),
            short(last.figure),
            last.unit
        );
        page.words(LEFT + SPARK.0 + 12.0, y + 22.0, "", &change);
        y += SPARK.1 + 6.0;
    }
    y
}

fn short(figure: f64) -> String {
    match figure {
        1e6.. => format!("{:.1} M", figure / 1e6),
        1e3.. => format!("{:.1} k", figure / 1e3),
        _ => format!("{figure:.1}"),
    }
}

/// Points from left to right, from nothing at the bottom to the largest at the top.
fn spark(x: f64, y: f64, figures: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let most = figures.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = SPARK.0 / figures.len().saturating_sub(1).max(1) as f64;
    figures.iter().enumerate().map(move |(at, figure)| {
        let height = SPARK.1 * (figure / most).clamp(0.0, 1.0);
        (x + step * at as f64, y + SPARK.1 - height)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(commit: &str, case: &str, unit: &str, figure: f64) -> Entry {
        Entry {
            date: "2026-11-22".into(),
            commit: commit.into(),
            case: case.into(),
            unit: unit.into(),
            figure,
        }
    }

    #[test]
    fn the_latest_record_is_drawn_and_the_rest_is_a_line() {
        let history = [
            entry("abc", "ROM / TFTP windowsize 16 / 0 ms", RATE, 1e6),
            entry("abc", "U-Boot / TFTP windowsize 16 / 0 ms", RATE, 3e6),
            entry("def", "ROM / TFTP windowsize 16 / 0 ms", RATE, 4e6),
            entry("def", "iPXE / HTTP <warm> / 1 ms", RATE, 2e6),
            entry("def", "ROM / SHA-256", "instructions/octet", 38.0),
        ];
        let svg = svg(&history);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<polyline").count(), 1);
        // The legend's four, the background, and a bar for each rate of the latest record.
        assert_eq!(svg.matches("<rect").count(), 4 + 1 + 2);
        assert!(svg.contains("1.0 M to 4.0 M octets/s") && svg.contains("&lt;warm&gt;"));
        assert!(svg.contains("ROM SHA-256 hashes") && svg.contains("its delay in each direction"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn nothing_and_nonsense_are_drawn_too() {
        assert!(svg(&[]).contains("Nothing is recorded"));
        let odd = [
            entry("a", "ROM / x", RATE, 0.0),
            entry("a", "ROM / x", RATE, -1.0),
        ];
        let svg = svg(&odd);
        assert!(!svg.contains("NaN") && !svg.contains("inf") && svg.ends_with("</svg>\n"));
    }
}
