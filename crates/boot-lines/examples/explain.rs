//! Reads the console of a boot from standard input and says what happened.
//!
//! `cargo xtask boot | cargo run -p netboot-lines --example explain`; the exit code is 0 if the boot ended well.

use netboot_lines::Transcript;
use std::io::{self, BufRead};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let mut boot = Transcript::default();
    for line in io::stdin().lock().lines() {
        boot.line(&line?);
    }
    if let Some((time, address)) = &boot.configured {
        println!("{:8.3} s  address {address}", *time as f64 / 1e6);
    }
    for image in &boot.trace {
        for (number, attempt) in image.attempts.iter().enumerate() {
            let time = attempt.fetching as f64 / 1e6;
            let octets = attempt.delivered.last().map_or(0, |(_, octets)| *octets);
            let end = match (&attempt.error, attempt.activated) {
                (Some(error), _) => error.to_string(),
                (None, Some(_)) => "activated".into(),
                (None, None) => "unfinished".into(),
            };
            println!(
                "{time:8.3} s  image {}, attempt {}: {} - {octets} octets, {end}",
                image.index,
                number + 1,
                attempt.uri
            );
        }
    }
    for line in &boot.unreadable {
        println!("unreadable: {line}");
    }
    match boot.cause() {
        None => {
            println!("the device booted");
            Ok(ExitCode::SUCCESS)
        }
        Some(cause) => {
            println!("no boot: {cause}");
            Ok(ExitCode::FAILURE)
        }
    }
}
