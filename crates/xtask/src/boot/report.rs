//! `report.json`: everything that is known about a boot, for programs.

use super::{BootArgs, Run};
use image_server::Served;
use netsim::DirectionStats;
use serde_json::{Value, json};
use std::env::consts;
use testbed::Plan;

/// Version of the file's form; it grows when a reader would have to change.
const FORM: u32 = 2;

/// The report. Times are µs since power-on.
pub fn json(arguments: &BootArgs, plan: &Plan, run: &Run) -> Value {
    let images = plan.images.iter().map(|image| {
        json!({
            "name": image.name,
            "octets": image.bytes.len(),
            "sha256": image.sha256().to_string(),
        })
    });
    json!({
        "form": FORM,
        "verdict": {
            "booted": run.is_good(),
            "status": run.transcript.status(),
            "cause": run.cause(),
            "exit_code": run.exit_code,
        },
        "environment": {
            "version": env!("CARGO_PKG_VERSION"),
            "world": run.world,
            "host": format!("{} {}", consts::OS, consts::ARCH),
            "elapsed_s": run.elapsed.as_secs_f64(),
        },
        "options": arguments,
        "settings": plan.settings_text(),
        "device": plan.device_text(),
        "wanted": images.collect::<Vec<_>>(),
        "boot": transcript(run, arguments.icount.is_some()),
        "served": run.served.iter().map(served).collect::<Vec<_>>(),
        "link": {
            "from_board": direction(&run.link.from_client),
            "from_server": direction(&run.link.from_server),
        },
    })
}

/// What the console said. Without `-icount` QEMU's counter of instructions is a clock of the host, so its figures are left out (null).
fn transcript(run: &Run, counted: bool) -> Value {
    let mut boot = json!(run.transcript);
    if let Some(instret) = boot["instret"].as_object_mut().filter(|_| !counted) {
        for figure in ["total", "emulated"] {
            instret.insert(figure.into(), Value::Null);
        }
    }
    boot
}

fn served(served: &Served) -> Value {
    json!({
        "at": served.at.as_micros(),
        "protocol": served.protocol.to_string(),
        "name": served.name,
        "offset": served.offset,
        "octets": served.octets,
        "status": served.status,
        "complete": served.complete,
    })
}

fn direction(stats: &DirectionStats) -> Value {
    json!({
        "frames_sent": stats.sent,
        "octets_sent": stats.sent_octets,
        "frames_delivered": stats.delivered,
        "octets_delivered": stats.delivered_octets,
        "lost": stats.lost,
        "duplicated": stats.duplicated,
        "reordered": stats.reordered,
        "corrupted": stats.corrupted,
        "dropped": stats.queue_drops + stats.ring_drops + stats.down_drops,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_lines::Transcript;
    use netsim::LinkStats;
    use std::time::Duration;

    #[test]
    fn instructions_are_told_where_they_were_counted() {
        let run = Run {
            world: String::new(),
            lines: Vec::new(),
            transcript: Transcript::read("@instret total=9000 emulated=4000 traps=12\n"),
            served: Vec::new(),
            link: LinkStats::default(),
            exit_code: None,
            elapsed: Duration::ZERO,
        };
        let told = |counted| transcript(&run, counted)["instret"].clone();
        assert_eq!(
            told(true),
            json!({"total": 9000, "emulated": 4000, "traps": 12})
        );
        assert_eq!(
            told(false),
            json!({"total": null, "emulated": null, "traps": 12})
        );
    }
}
