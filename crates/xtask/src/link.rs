//! The link between board and server, from the command line.

use crate::format::time;
use clap::Args;
use netboot_core::Duration;
use netsim::LinkConfig;
use serde::Serialize;

/// What the link does to frames, both ways.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize)]
#[command(next_help_heading = "Link")]
pub struct LinkArgs {
    /// One-way delay
    #[arg(long, value_name = "MS", value_parser = millis)]
    pub delay_ms: Option<f64>,
    /// Added to the delay, at random, up to this much
    #[arg(long, value_name = "MS", value_parser = millis)]
    pub jitter_ms: Option<f64>,
    /// Frames lost
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub loss: Option<f64>,
    /// Frames that arrive twice
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub duplicate: Option<f64>,
    /// Frames that others overtake
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub reorder: Option<f64>,
    /// Line rate; without it there is no limit
    #[arg(long, value_name = "MBIT_PER_S", value_parser = rate)]
    pub bandwidth_mbit: Option<f64>,
}

impl LinkArgs {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The link.
    pub fn config(&self) -> LinkConfig {
        let delay = |millis: Option<f64>| {
            let micros = millis.unwrap_or(0.0) * 1e3;
            Duration::from_micros(micros.round() as u64)
        };
        let chance = |percent: Option<f64>| percent.unwrap_or(0.0) / 100.0;
        LinkConfig {
            delay: delay(self.delay_ms),
            jitter: delay(self.jitter_ms),
            loss: chance(self.loss),
            duplicate: chance(self.duplicate),
            reorder: chance(self.reorder),
            bandwidth_bps: self.bandwidth_mbit.map(|mbit| (mbit * 1e6) as u64),
            ..LinkConfig::PERFECT
        }
    }
}

/// A link in a few words.
pub fn describe(link: &LinkConfig) -> String {
    let mut words = Vec::new();
    if link.delay > Duration::ZERO {
        words.push(format!("{} one-way delay", time(link.delay.as_micros())));
    }
    if link.jitter > Duration::ZERO {
        words.push(format!("{} jitter", time(link.jitter.as_micros())));
    }
    for (share, name) in [
        (link.loss, "loss"),
        (link.duplicate, "duplicates"),
        (link.reorder, "reordering"),
    ] {
        if share > 0.0 {
            words.push(format!("{} % {name}", share * 100.0));
        }
    }
    if let Some(bps) = link.bandwidth_bps {
        words.push(format!("{} Mbit/s", bps as f64 / 1e6));
    }
    if words.is_empty() {
        return "perfect".into();
    }
    words.join(", ")
}

fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "no number".to_string())?;
    if number.is_finite() && number >= 0.0 {
        return Ok(number);
    }
    Err("has to be 0 or more".into())
}

fn millis(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| match number {
        0.0..=60_000.0 => Ok(number),
        _ => Err("more than a minute".into()),
    })
}

fn percent(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| match number {
        0.0..=100.0 => Ok(number),
        _ => Err("more than 100".into()),
    })
}

fn rate(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| match number {
        0.001..=1_000_000.0 => Ok(number),
        _ => Err("has to be between 0.001 and 1000000".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_as_told() {
        let arguments = LinkArgs {
            delay_ms: Some(1.5),
            loss: Some(1.0),
            bandwidth_mbit: Some(100.0),
            ..LinkArgs::default()
        };
        let link = arguments.config();
        assert_eq!(link.delay, Duration::from_micros(1_500));
        assert_eq!(link.loss, 0.01);
        assert_eq!(link.bandwidth_bps, Some(100_000_000));
        assert!(describe(&link).ends_with("1 % loss, 100 Mbit/s"));
        assert_eq!(describe(&LinkConfig::PERFECT), "perfect");
        assert!(LinkArgs::default().is_default() && !arguments.is_default());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["-1", "NaN", "inf", "much", "101"] {
            assert!(percent(text).is_err(), "{text}");
        }
        assert!(rate("0").is_err() && millis("60001").is_err());
    }
}
