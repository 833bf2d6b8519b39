//! The end of a boot: one table, one verdict.

use super::Run;
use crate::format::{rate, table, thousands, time};
use netboot_lines::Transcript;
use netboot_lines::lines::{DeviceImage, ImageLine};
use testbed::{Image, Plan};

/// Prints both.
pub fn print(plan: &Plan, run: &Run) {
    println!("\n{}\n", images(plan, &run.transcript));
    println!("{}", verdict(run));
    if let Some(memory) = run.transcript.memory {
        println!(
            "RAM: {} octets static, {} of {} octets of stack used",
            thousands(memory.static_ram),
            thousands(memory.stack_used),
            thousands(memory.stack_size)
        );
    }
    for line in &run.transcript.unreadable {
        println!("console line not understood: {line}");
    }
}

/// The table.
pub fn images(plan: &Plan, transcript: &Transcript) -> String {
    let header = [
        "#", "image", "by", "octets", "seconds", "rate", "retries", "outcome", "SHA-256", "device",
    ];
    let mut table = table(header, &[3, 4, 5, 6]);
    for image in &transcript.images {
        let name = plan.images.get(usize::from(image.index));
        let device = &transcript.device_images;
        let device = device.iter().find(|device| device.index == image.index);
        let retries = match image.resumes {
            0 => image.retries.to_string(),
            resumes => format!("{} (+{resumes} resumed)", image.retries),
        };
        table.add_row([
            image.index.to_string(),
            name.map_or("?".into(), |image| image.name.clone()),
            image.protocol.clone().unwrap_or_else(|| "-".into()),
            thousands(image.octets),
            format!("{:.3}", image.transfer_us as f64 / 1e6),
            throughput(image),
            retries,
            image.outcome.clone(),
            match (&image.sha256, &image.verity) {
                (Some(sha256), _) => short(sha256),
                (None, Some(verity)) => format!("verity {}", short(verity)),
                (None, None) => "-".into(),
            },
            device
                .map_or("-", |device| device_word(device, image, name))
                .into(),
        ]);
    }
    table.to_string()
}

fn throughput(image: &ImageLine) -> String {
    match image.transfer_us {
        0 => "-".into(),
        _ => rate(image.octets_per_s as f64),
    }
}

fn short(sha256: &str) -> String {
    format!("{}...", sha256.get(..12).unwrap_or(sha256))
}

/// What the device made of an image; `made` is the image as it was made for the boot.
fn device_word(device: &DeviceImage, image: &ImageLine, made: Option<&Image>) -> &'static str {
    let own = made.map(|made| made.sha256().to_string());
    // An image that was verified block by block has no SHA-256, and can only be the one that was made.
    let told = image.sha256.as_ref().or(own.as_ref());
    let delivered = made.filter(|_| told == own.as_ref());
    // The device hashes whole words.
    let padded = delivered.map(|made| made.padded_sha256().to_string());
    let same = device.sha256.as_ref() == told || padded.is_some() && device.sha256 == padded;
    match (device.verified, device.activated) {
        (true, _) if !same => "took other octets!",
        (true, _) => "accepted",
        (false, true) => "refused",
        (false, false) => "not told to run it",
    }
}

/// The verdict.
pub fn verdict(run: &Run) -> String {
    let transcript = &run.transcript;
    let status = match transcript.status() {
        Some(status) => format!("status {status:#010x}"),
        None => "no status".into(),
    };
    let end = time(transcript.end());
    match run.cause() {
        None => format!("BOOTED in {end}, {status}"),
        Some(cause) => {
            let last = transcript.images.last();
            let place = last.filter(|image| image.error.is_some());
            let place = place.map_or(String::new(), |image| format!(" at image {}", image.index));
            format!("FAILED{place} after {end}, {status}: {cause}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::LinkStats;
    use std::time::Duration;

    fn run(console: &str, exit_code: Option<i32>) -> Run {
        Run {
            world: "a test".into(),
            lines: Vec::new(),
            transcript: Transcript::read(console),
            served: Vec::new(),
            link: LinkStats::default(),
            exit_code,
            elapsed: Duration::ZERO,
        }
    }

    const GOOD: &str = "@report started=0 configured=1 ended=2000000 status=0x00000000\n\
        @image index=0 outcome=activated octets=8 sha256=aa00 duration_us=5 transfer_us=4 octets_per_s=2000000 retries=0 resumes=1\n\
        @device outcome=booted\n\
        @device-image index=0 octets=8 sha256=aa00 activated=true verified=true dropped=0\n";

    #[test]
    fn a_good_boot() {
        let run = run(GOOD, Some(0));
        assert!(run.is_good());
        assert_eq!(verdict(&run), "BOOTED in 2.000 s, status 0x00000000");
        let table = images(&Plan::default(), &run.transcript);
        for part in ["caliptra-fw.bin", "2.00 MB/s", "accepted", "(+1 resumed)"] {
            assert!(table.contains(part), "{table}");
        }
    }

    #[test]
    fn a_good_report_with_a_bad_exit_code_is_a_failure() {
        let run = run(GOOD, Some(3));
        assert!(!run.is_good());
        assert!(verdict(&run).contains("exit code 3"));
    }

    #[test]
    fn a_padded_image_is_the_same_image() {
        let plan = Plan::default();
        // 4,002 octets, and two of padding.
        let made = &plan.images[2];
        let console = format!(
            "@report started=0 configured=1 ended=2 status=0x00000000\n\
            @image index=2 outcome=activated octets=4002 sha256={} duration_us=5 transfer_us=4 octets_per_s=1 retries=0 resumes=0\n\
            @device outcome=booted\n\
            @device-image index=2 octets=4004 sha256={} activated=true verified=true dropped=0\n",
            made.sha256(),
            made.padded_sha256()
        );
        let table = images(&plan, &Transcript::read(&console));
        assert!(table.contains("accepted"), "{table}");
    }

    #[test]
    fn a_packed_image_shows_its_verity_digest_and_is_the_image_that_was_made() {
        let image = Image::pseudo_random("soc", 5, 1);
        let told = |sha256: &str| {
            let console = format!(
                "@image index=0 outcome=activated octets=5 verity=0123456789abcdef duration_us=5 transfer_us=4 octets_per_s=2 retries=0 resumes=0\n\
                 @device-image index=0 octets=8 sha256={sha256} activated=true verified=true dropped=0\n"
            );
            let plan = Plan {
                images: vec![image.clone()],
                ..Plan::default()
            };
            images(&plan, &Transcript::read(&console))
        };
        let table = told(&image.padded_sha256().to_string());
        assert!(table.contains("verity 0123456789ab..."), "{table}");
        assert!(table.contains("accepted"), "{table}");
        let table = told("aa00");
        assert!(table.contains("took other octets!"), "{table}");
    }

    #[test]
    fn a_device_that_took_other_octets_is_told() {
        let console = GOOD.replace(
            "octets=8 sha256=aa00 activated",
            "octets=8 sha256=bb activated",
        );
        let run = run(&console, Some(0));
        let table = images(&Plan::default(), &run.transcript);
        assert!(table.contains("took other octets!"), "{table}");
    }

    #[test]
    fn a_failure_names_image_status_and_cause() {
        let console = "@report started=0 ended=9000 status=0x00070003 code=0x00070003 blame=server message=SHA-256 not as expected\n\
            @image index=1 outcome=not-activated octets=8 duration_us=5 transfer_us=0 octets_per_s=0 retries=3 resumes=0 code=0x00070003 blame=server message=SHA-256 not as expected\n\
            @device outcome=running\n";
        let run = run(console, Some(3));
        assert_eq!(
            verdict(&run),
            "FAILED at image 1 after 9.0 ms, status 0x00070003: SHA-256 not as expected \
             (0x00070003, blame: server)"
        );
    }
}
