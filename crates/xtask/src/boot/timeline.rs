//! `timeline.svg`: a boot as a picture.
//!
//! A strip at the top shows the whole boot; below, the time in which images were loaded is enlarged: a lane
//! for each image, and how many octets per second went to the device.

use crate::format::{rate, thousands, time};
use crate::svg::escape;
use netboot_lines::Transcript;
use netboot_lines::transcript::{Attempt, ImageTrace};
use std::fmt::Write as _;
use testbed::Plan;

const WIDTH: f64 = 1180.0;
/// Where the lanes begin and end.
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 28.0;
/// The strip of the whole boot.
const STRIP: f64 = 104.0;
const STRIP_HEIGHT: f64 = 18.0;
/// The first lane.
const LANES: f64 = 196.0;
const LANE: f64 = 54.0;
const BAR: f64 = 18.0;
const CURVE: f64 = 96.0;
/// Columns of the throughput curve.
const BINS: usize = 200;

/// What a bar stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Address,
    Open,
    Transfer,
    Check,
    Device,
    Failed,
    Wait,
}

impl Phase {
    const LEGEND: [(Phase, &'static str); 7] = [
        (Phase::Address, "address (DHCP, ARP probe)"),
        (Phase::Open, "request until first octet"),
        (Phase::Transfer, "transfer"),
        (Phase::Check, "check"),
        (Phase::Device, "device verifies, settles"),
        (Phase::Failed, "failed attempt"),
        (Phase::Wait, "wait"),
    ];

    const fn colour(self) -> &'static str {
        match self {
            Phase::Address => "#64748b",
            Phase::Open => "#f59e0b",
            Phase::Transfer => "#2563eb",
            Phase::Check => "#7c3aed",
            Phase::Device => "#059669",
            Phase::Failed => "#dc2626",
            Phase::Wait => "#e2e8f0",
        }
    }
}

/// A piece of time.
struct Bar {
    from: u64,
    to: u64,
    phase: Phase,
}

/// A piece of time on the page.
struct Scale {
    from: u64,
    to: u64,
}

impl Scale {
    fn span(&self) -> f64 {
        self.to.saturating_sub(self.from).max(1) as f64
    }

    fn x(&self, at: u64) -> f64 {
        let at = at.clamp(self.from, self.to.max(self.from));
        LEFT + (at - self.from) as f64 / self.span() * (RIGHT - LEFT)
    }

    /// Distance of two marks, in µs: a round number that gives four to ten of them.
    fn step(&self) -> u64 {
        let rough = self.span() / 8.0;
        let magnitude = 10f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|f| f * magnitude >= rough);
        ((factor.unwrap_or(10.0) * magnitude) as u64).max(1)
    }
}

/// The picture.
pub fn svg(plan: &Plan, transcript: &Transcript, world: &str) -> String {
    let lanes = transcript.trace.len();
    let curve_top = LANES + lanes as f64 * LANE + 22.0;
    let height = match lanes {
        0 => STRIP + 120.0,
        _ => curve_top + CURVE + 84.0,
    };
    let mut page = Page::new(height);
    let whole = Scale {
        from: 0,
        to: transcript.end().max(1),
    };
    page.title(plan, transcript, world);
    page.strip(transcript, &whole);
    if let Some(zoom) = zoom(transcript) {
        page.funnel(&whole, &zoom);
        let bottom = curve_top + CURVE;
        page.axis(&zoom, LANES - 16.0, bottom);
        for (lane, image) in transcript.trace.iter().enumerate() {
            page.lane(lane, plan, image, &bars(transcript, lane), &zoom);
        }
        page.curve(transcript, &zoom, curve_top);
        page.legend(bottom + 52.0);
    }
    page.end()
}

/// The time in which images were loaded: what is enlarged.
fn zoom(transcript: &Transcript) -> Option<Scale> {
    let from = transcript
        .trace
        .iter()
        .filter_map(|image| image.requested)
        .min()?;
    let last = transcript.trace.iter().map(ImageTrace::end).max()?;
    // The device's last verdict is the end of the boot, after a time to settle that would fill the page.
    let margin = (last.saturating_sub(from) / 12).max(1_000);
    let to = (last + margin).min(transcript.end()).max(from + 1);
    Some(Scale { from, to })
}

/// The bars of the image in this lane.
fn bars(transcript: &Transcript, lane: usize) -> Vec<Bar> {
    let mut bars = Vec::new();
    let image = &transcript.trace[lane];
    let next = transcript
        .trace
        .get(lane + 1)
        .and_then(|next| next.requested);
    let mut before = image.requested;
    for attempt in &image.attempts {
        if let Some(from) = before.filter(|from| *from < attempt.fetching) {
            bars.push(Bar {
                from,
                to: attempt.fetching,
                phase: Phase::Wait,
            });
        }
        attempt_bars(attempt, next.unwrap_or(transcript.end()), &mut bars);
        before = Some(attempt.end());
    }
    bars
}

fn attempt_bars(attempt: &Attempt, until: u64, bars: &mut Vec<Bar>) {
    let mut at = attempt.fetching;
    let mut bar = |to: Option<u64>, phase| {
        if let Some(to) = to {
            bars.push(Bar {
                from: at,
                to,
                phase,
            });
            at = to;
        }
    };
    bar(attempt.opened, Phase::Open);
    bar(attempt.last_octet(), Phase::Transfer);
    bar(attempt.verified.or(attempt.activated), Phase::Check);
    if let Some(error) = &attempt.error {
        bar(Some(error.t), Phase::Failed);
    } else if attempt.activated.is_some() {
        bar(attempt.activated, Phase::Check);
        bar(Some(until), Phase::Device);
    }
}

/// Octets per second that were delivered, in equal pieces of `scale`.
fn throughput(transcript: &Transcript, scale: &Scale) -> Vec<f64> {
    let mut bins = vec![0.0; BINS];
    let width = scale.span() / BINS as f64;
    let attempts = transcript.trace.iter().flat_map(|image| &image.attempts);
    for attempt in attempts {
        let first = attempt.opened.unwrap_or(attempt.fetching);
        let mut before = (first, 0);
        for &(t, octets) in &attempt.delivered {
            let gained = octets.saturating_sub(before.1) as f64;
            let from = before.0.saturating_sub(scale.from) as f64 / width;
            let to = (t.saturating_sub(scale.from) as f64 / width).max(from + 1e-6);
            for (bin, value) in bins.iter_mut().enumerate() {
                let overlap = (to.min(bin as f64 + 1.0) - from.max(bin as f64)).max(0.0);
                *value += gained * overlap / (to - from);
            }
            before = (t, octets);
        }
    }
    bins.iter().map(|octets| octets / width * 1e6).collect()
}

/// An SVG file in the making.
struct Page {
    text: String,
}

/// Writes markup; a string takes everything.
macro_rules! draw {
    ($page:expr, $($argument:tt)*) => {
        let _ = writeln!($page.text, $($argument)*);
    };
}

impl Page {
    fn new(height: f64) -> Self {
        let mut page = Self {
            text: String::new(),
        };
        draw!(
            page,
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="'DejaVu Sans', Verdana, sans-serif" font-size="12" fill="#0f172a">"##
        );
        draw!(
            page,
            r##"<rect width="100%" height="100%" fill="#ffffff"/>"##
        );
        page
    }

    fn end(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn words(&mut self, x: f64, y: f64, style: &str, words: &str) {
        let words = escape(words);
        draw!(
            self,
            r#"<text x="{x:.1}" y="{y:.1}" {style}>{words}</text>"#
        );
    }

    fn title(&mut self, plan: &Plan, transcript: &Transcript, world: &str) {
        let scheme = plan.protocol.scheme().to_uppercase();
        let end = time(transcript.end());
        let (colour, verdict) = match transcript.cause() {
            None => ("#059669", format!("booted in {end}")),
            Some(_) => ("#dc2626", format!("failed after {end}")),
        };
        let octets = transcript.images.iter().map(|image| image.octets).sum();
        draw!(
            self,
            r#"<text x="28" y="40" font-size="20" font-weight="bold">Network boot by {scheme}: <tspan fill="{colour}">{verdict}</tspan></text>"#
        );
        let line = match transcript.cause() {
            Some(cause) => shorten(&cause, 150),
            None => {
                let images = transcript.images.len();
                format!("{images} images, {} octets", thousands(octets))
            }
        };
        self.words(28.0, 62.0, r##"fill="#475569""##, &line);
        let place = format!("{world}; link: {}", crate::link::describe(&plan.link));
        self.words(28.0, 80.0, r##"font-size="11" fill="#64748b""##, &place);
    }

    /// The whole boot in one strip.
    fn strip(&mut self, transcript: &Transcript, scale: &Scale) {
        let y = STRIP;
        self.words(28.0, y + 13.0, r#"font-weight="bold""#, "whole boot");
        self.block(scale, scale.from, scale.to, y, Phase::Wait, "");
        let configured = transcript.configured.as_ref().map(|(t, _)| *t);
        let to = configured.unwrap_or(scale.to);
        let phase = match configured {
            Some(_) => Phase::Address,
            None => Phase::Failed,
        };
        let tip = format!("address: {}", time(to));
        self.block(scale, 0, to, y, phase, &tip);
        for lane in 0..transcript.trace.len() {
            for bar in bars(transcript, lane) {
                self.bar(scale, &bar, y);
            }
        }
        self.marks(
            scale,
            y + STRIP_HEIGHT,
            y + STRIP_HEIGHT + 5.0,
            y + STRIP_HEIGHT + 17.0,
        );
    }

    /// Shows which part of the strip the lanes enlarge.
    fn funnel(&mut self, whole: &Scale, zoom: &Scale) {
        let (from, to) = (
            whole.x(zoom.from),
            whole.x(zoom.to).max(whole.x(zoom.from) + 1.5),
        );
        let (top, bottom) = (STRIP + STRIP_HEIGHT, LANES - 16.0);
        draw!(
            self,
            r##"<polygon points="{from:.1},{top} {to:.1},{top} {RIGHT},{bottom} {LEFT},{bottom}" fill="#94a3b8" opacity="0.16"/>"##
        );
        draw!(
            self,
            r##"<rect x="{from:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="none" stroke="#334155"/>"##,
            STRIP - 2.0,
            to - from,
            STRIP_HEIGHT + 4.0
        );
    }

    fn axis(&mut self, scale: &Scale, top: f64, bottom: f64) {
        let mut at = scale.from.next_multiple_of(scale.step());
        while at <= scale.to {
            let x = scale.x(at);
            draw!(
                self,
                r##"<line x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}" stroke="#e2e8f0"/>"##
            );
            at += scale.step();
        }
        self.marks(scale, bottom, bottom + 5.0, bottom + 18.0);
    }

    /// Ticks and their times.
    fn marks(&mut self, scale: &Scale, top: f64, bottom: f64, text: f64) {
        let step = scale.step();
        let mut at = scale.from.next_multiple_of(step);
        while at <= scale.to {
            let x = scale.x(at);
            draw!(
                self,
                r##"<line x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}" stroke="#64748b"/>"##
            );
            let style = r##"font-size="10" fill="#475569" text-anchor="middle""##;
            self.words(x, text, style, &mark(at, step));
            at += step;
        }
    }

    fn lane(&mut self, lane: usize, plan: &Plan, image: &ImageTrace, bars: &[Bar], scale: &Scale) {
        let top = LANES + lane as f64 * LANE;
        let name = plan.images.get(usize::from(image.index));
        let name = name.map_or("", |image| &image.name);
        let title = format!("image {}", image.index);
        self.words(28.0, top + 24.0, r#"font-weight="bold""#, &title);
        self.words(28.0, top + 40.0, r##"fill="#475569" font-size="11""##, name);
        for bar in bars {
            self.bar(scale, bar, top + 22.0);
        }
        let Some(first) = bars.first() else {
            return;
        };
        // A label begins above its first bar, or ends above the right edge.
        let x = scale.x(first.from);
        let style = match x > (LEFT + RIGHT) / 2.0 {
            true => r#"font-size="11" text-anchor="end""#,
            false => r#"font-size="11""#,
        };
        let x = match x > (LEFT + RIGHT) / 2.0 {
            true => RIGHT,
            false => x,
        };
        self.words(x, top + 15.0, style, &label(image));
    }

    fn bar(&mut self, scale: &Scale, bar: &Bar, y: f64) {
        let what = Phase::LEGEND.iter().find(|(phase, _)| *phase == bar.phase);
        let what = what.map_or("wait", |(_, what)| what);
        let tip = format!("{what}: {}", time(bar.to.saturating_sub(bar.from)));
        self.block(scale, bar.from, bar.to, y, bar.phase, &tip);
    }

    /// A bar with a text that a viewer shows under the pointer.
    fn block(&mut self, scale: &Scale, from: u64, to: u64, y: f64, phase: Phase, tip: &str) {
        if from >= scale.to && from > scale.from {
            return;
        }
        let x = scale.x(from);
        let width = scale.x(to) - x;
        // A failure takes no time and is what the eye looks for.
        let (x, y, width, height) = match phase {
            Phase::Failed if width < 4.0 => (x.min(RIGHT - 2.0) - 2.0, y - 4.0, 4.0, BAR + 8.0),
            _ => (x, y, width.max(1.0), BAR),
        };
        let (colour, tip) = (phase.colour(), escape(tip));
        draw!(
            self,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height}" fill="{colour}"><title>{tip}</title></rect>"#
        );
    }

    fn curve(&mut self, transcript: &Transcript, scale: &Scale, top: f64) {
        let bins = throughput(transcript, scale);
        let most = bins.iter().copied().fold(0.0, f64::max);
        let bottom = top + CURVE;
        self.words(28.0, top + 24.0, r#"font-weight="bold""#, "to the device");
        let style = r##"fill="#475569" font-size="11""##;
        self.words(28.0, top + 40.0, style, "octets per second");
        draw!(
            self,
            r##"<line x1="{LEFT}" y1="{bottom:.1}" x2="{RIGHT}" y2="{bottom:.1}" stroke="#64748b"/>"##
        );
        if most <= 0.0 {
            return;
        }
        let width = (RIGHT - LEFT) / bins.len() as f64;
        let mut path = format!("M{LEFT:.1},{bottom:.1}");
        for (bin, value) in bins.iter().enumerate() {
            let x = LEFT + bin as f64 * width;
            let y = bottom - value / most * (CURVE - 14.0);
            let _ = write!(path, " L{x:.1},{y:.1} L{:.1},{y:.1}", x + width);
        }
        let colour = Phase::Transfer.colour();
        draw!(
            self,
            r#"<path d="{path} L{RIGHT:.1},{bottom:.1} Z" fill="{colour}" fill-opacity="0.25" stroke="{colour}" stroke-width="1"/>"#
        );
        let y = top + 14.0;
        draw!(
            self,
            r##"<line x1="{LEFT}" y1="{y:.1}" x2="{RIGHT}" y2="{y:.1}" stroke="#94a3b8" stroke-dasharray="3 3"/>"##
        );
        let style = r##"font-size="10" fill="#475569" text-anchor="end""##;
        self.words(LEFT - 6.0, y + 4.0, style, &rate(most));
    }

    fn legend(&mut self, y: f64) {
        let mut x = LEFT;
        for (phase, what) in Phase::LEGEND {
            let colour = phase.colour();
            draw!(
                self,
                r#"<rect x="{x:.1}" y="{:.1}" width="12" height="12" fill="{colour}"/>"#,
                y - 10.0
            );
            self.words(x + 17.0, y, r##"font-size="11" fill="#475569""##, what);
            x += 34.0 + what.chars().count() as f64 * 6.2;
        }
    }
}

/// The text above a lane.
fn label(image: &ImageTrace) -> String {
    let attempts = image.attempts.len();
    let Some(last) = image.attempts.last() else {
        return "no attempt".into();
    };
    let octets = last.delivered.last().map_or(0, |(_, octets)| *octets);
    let mut text = format!("{} octets", thousands(octets));
    let from = last.opened;
    if let Some(micros) = last
        .last_octet()
        .zip(from)
        .map(|(to, from)| to.saturating_sub(from))
        && micros > 0
    {
        let per_second = octets as f64 * 1e6 / micros as f64;
        let _ = write!(text, " in {}, {}", time(micros), rate(per_second));
    }
    if attempts > 1 {
        let _ = write!(text, ", attempt {attempts}");
    }
    if let Some(error) = &last.error {
        let _ = write!(text, ": {}", shorten(&error.message, 70));
    }
    text
}

/// The text of a tick: in the unit that its step needs.
fn mark(at: u64, step: u64) -> String {
    match step {
        0..1_000 => format!("{} ms", at as f64 / 1e3),
        1_000..100_000 => format!("{} ms", thousands(at / 1_000)),
        _ => format!("{} s", at as f64 / 1e6),
    }
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript() -> Transcript {
        Transcript::read(
            "@configured t=1000000 address=10.0.2.15/24\n\
             @requested t=1000100 index=0\n\
             @fetching t=1000200 index=0 uri=tftp://10.0.2.2/a\n\
             @opened t=1002000 index=0 size=3000 protocol=tftp\n\
             @delivered t=1003000 index=0 octets=1000 size=3000\n\
             @attempt-failed t=1004000 index=0 code=0x00020004 blame=network message=a < b & c\n\
             @fetching t=1005000 index=0 uri=tftp://10.0.2.2/a\n\
             @opened t=1006000 index=0 size=3000 protocol=tftp\n\
             @delivered t=1007000 index=0 octets=1500 size=3000\n\
             @delivered t=1008000 index=0 octets=3000 size=3000\n\
             @verified t=1008100 index=0 sha256=aa expected=true\n\
             @activated t=1008200 index=0\n\
             @finished t=1308200 status=0x00000000\n",
        )
    }

    #[test]
    fn bars_follow_each_other() {
        let transcript = transcript();
        let bars = bars(&transcript, 0);
        let phases: Vec<_> = bars.iter().map(|bar| bar.phase).collect();
        use Phase::{Check, Device, Failed, Open, Transfer, Wait};
        let expected = [
            Wait, Open, Transfer, Failed, Wait, Open, Transfer, Check, Check, Device,
        ];
        assert!(phases == expected, "{} bars", phases.len());
        for pair in bars.windows(2) {
            assert_eq!(pair[0].to, pair[1].from);
        }
    }

    #[test]
    fn the_curve_holds_every_octet() {
        let transcript = transcript();
        let scale = zoom(&transcript).unwrap();
        let bins = throughput(&transcript, &scale);
        let seconds = scale.span() / 1e6 / BINS as f64;
        let octets: f64 = bins.iter().map(|rate| rate * seconds).sum();
        // 1000 of the failed attempt, 3000 of the other.
        assert!((octets - 4000.0).abs() < 1.0, "{octets}");
    }

    #[test]
    fn a_picture_is_well_formed_and_in_bounds() {
        let svg = svg(&Plan::default(), &transcript(), "a < test");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; test") && !svg.contains("a < test"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        for part in svg.split("<rect x=\"").skip(1) {
            let x: f64 = part.split('"').next().unwrap().parse().unwrap();
            assert!((LEFT..=RIGHT).contains(&x), "{x}");
        }
    }

    /// All at one moment, nothing at all, or only a beginning: a picture there is.
    #[test]
    fn odd_boots_have_pictures_too() {
        for console in [
            "",
            "@attempt-failed t=5 code=0x00040001 blame=network message=no DHCP",
            "@requested t=0 index=0\n",
            "@requested t=7 index=0\n@fetching t=7 index=0 uri=x\n@opened t=7 index=0 size=0 protocol=x\n\
             @delivered t=7 index=0 octets=9 size=9\n@activated t=7 index=0\n",
        ] {
            let svg = svg(&Plan::default(), &Transcript::read(console), "");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{console}");
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        for span in [1, 7, 999, 1_000, 31_000, 2_000_000, 300_000_000] {
            let scale = Scale { from: 0, to: span };
            let marks = span / scale.step();
            assert!((1..=10).contains(&marks), "{span}: {marks}");
        }
        assert_eq!(mark(1_200_000, 200_000), "1.2 s");
        assert_eq!(mark(1_004_000, 2_000), "1,004 ms");
    }
}
