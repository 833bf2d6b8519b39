//! `recover`

use crate::args::{Args, RecoverArgs};
use crate::fetch::fetch;
use crate::toc;
use anyhow::{Context, Result, anyhow, bail};
use caliptra_util_host_recover::agent::{Progress, RecoverOptions, recover};
use caliptra_util_host_recover::bus::I3cTcp;
use caliptra_util_host_recover::conformance;
use serde_json::json;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

/// The address behind `i3c-tcp:`.
fn server(to: &str) -> Result<SocketAddr> {
    let place = to.strip_prefix("i3c-tcp:").ok_or_else(|| {
        anyhow!("'{to}' is not a way to recover a device: give i3c-tcp:HOST:PORT (the contract gives the mailbox no command for it)")
    })?;
    let found = place
        .to_socket_addrs()
        .with_context(|| format!("cannot find {place}"))?
        .next();
    found.ok_or_else(|| anyhow!("cannot find {place}"))
}

/// `recover`
pub fn run(args: &Args, options: &RecoverArgs) -> Result<()> {
    let place = server(&options.to)?;
    let timeout = Duration::from_millis(u64::from(args.timeout));
    if options.check {
        return check(args, place, options.address, timeout);
    }
    // All images are here before the device is told anything.
    let mut images = options
        .from
        .iter()
        .map(|uri| fetch(uri))
        .collect::<Result<Vec<_>>>()?;
    if let [one] = images.as_slice()
        && toc::is_packed(one)
    {
        images = toc::unpack(one)?;
    }
    let mut bus = I3cTcp::connect(place, options.address, timeout)?;
    let settings = RecoverOptions {
        request_timeout: Duration::from_secs(options.wait),
        settle: Duration::from_millis(options.settle),
        ..RecoverOptions::default()
    };
    let begun = Instant::now();
    let mut steps = vec![];
    let repeats = recover(&mut bus, &images, &settings, &mut |progress| {
        if !args.json {
            tell(progress);
        }
        if let Progress::Activated { index } = progress {
            steps.push(json!({ "index": index, "ms": begun.elapsed().as_millis() as u64 }));
        }
    })?;
    let ms = begun.elapsed().as_millis() as u64;
    if args.json {
        println!(
            "{:#}",
            json!({ "recovered": true, "images": steps, "ms": ms, "repeats": repeats })
        );
    } else {
        println!("recovered in {}.{:03} s", ms / 1000, ms % 1000);
    }
    Ok(())
}

fn tell(progress: Progress) {
    match progress {
        Progress::Requested { index, octets } => {
            println!("image {index}: the device asks for it; {octets} octets")
        }
        Progress::Activated { index } => println!("image {index}: sent and activated"),
        Progress::Sent { .. } | Progress::Complete => {}
    }
}

fn check(args: &Args, place: SocketAddr, address: u8, timeout: Duration) -> Result<()> {
    let findings = conformance::run(place, address, timeout);
    let problems = findings
        .iter()
        .filter(|finding| finding.problem.is_some())
        .count();
    if args.json {
        let all: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "check": finding.check, "problem": finding.problem }))
            .collect();
        println!("{:#}", json!({ "checks": all }));
    } else {
        for finding in &findings {
            match &finding.problem {
                None => println!("right  {}", finding.check),
                Some(problem) => println!("WRONG  {}: {problem}", finding.check),
            }
        }
    }
    match problems {
        0 => Ok(()),
        problems => bail!("{problems} of {} checks failed", findings.len()),
    }
}
