//! The emulated device as text: what it expects, how fast it is, how it fails.
//!
//! ```text
//! image 234496 e3b0c442...   # size, and SHA-256 of the octets padded to a multiple of 4, by recovery image index
//! personality rom-2.1.2      # or rom-2.1.0, documented
//! core v1p5                  # or v1p4
//! rate 8000000               # octets that it drains in a second; 0: at once
//! verify_ms 20
//! refuse 1 6                 # image 1, with reason code 6
//! stuck draining 0 4096      # never goes on after octet 4096 of image 0
//! ```

use crate::settings::{BadLine, each_line, number};
use netboot_core::{Digest, Duration};
use recovery_model::{
    ActivationClear, CoreVersion, DeviceConfig, ExpectedImage, MAX_IMAGES, Personality, Refusal,
    Stuck,
};

/// Reads the text; what it does not say is as in [`DeviceConfig::default`].
///
/// # Errors
/// The first line that cannot be used.
pub fn parse(text: &str) -> Result<DeviceConfig, BadLine> {
    let mut config = DeviceConfig::default();
    let mut count = 0usize;
    each_line(text, |words| {
        let key = words.next()?;
        let mut value = || words.next();
        match key {
            "image" => {
                let image = ExpectedImage {
                    size: number(value()?)?,
                    sha256: Digest::from_hex(value()?)?,
                    marker: None,
                };
                *config.images.get_mut(count)? = image;
                count += 1;
            }
            "personality" => {
                config.personality = match value()? {
                    "documented" => Personality::Documented,
                    "rom-2.1.0" => Personality::Rom2_1_0,
                    "rom-2.1.2" => Personality::Rom2_1_2,
                    _ => return None,
                };
                if config.personality == Personality::Documented {
                    config.activation_clear = ActivationClear::Zero;
                }
            }
            "core" => {
                config.core = match value()? {
                    "v1p4" => CoreVersion::V1p4,
                    "v1p5" => CoreVersion::V1p5,
                    _ => return None,
                };
            }
            "rate" => config.consume_rate = number(value()?)?,
            "verify_ms" => config.verify_time = Duration::from_millis(number(value()?)?),
            "accept_any" => config.accept_any = true,
            "refuse" => {
                config.faults.refuse = Some(Refusal {
                    index: number(value()?)?,
                    reason: number(value()?)?,
                });
            }
            "stuck" => {
                let place = value()?;
                if place == "startup" {
                    config.faults.stuck = Some(Stuck::Startup);
                    return Some(());
                }
                let index = number(value()?)?;
                config.faults.stuck = Some(match place {
                    "asking" => Stuck::Asking(index),
                    "draining" => Stuck::Draining {
                        index,
                        after: number(value()?)?,
                    },
                    "pending" => Stuck::Pending(index),
                    "activating" => Stuck::Activating(index),
                    "verifying" => Stuck::Verifying(index),
                    _ => return None,
                });
            }
            _ => return None,
        }
        Some(())
    })?;
    if count > 0 {
        config.count = count.min(MAX_IMAGES) as u8;
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read() {
        let digest = "00ff102030405060708090a0b0c0d0e0f0112233445566778899aabbccddeeff";
        let text = format!(
            "image 5 {digest}\nimage 4002 {digest}\npersonality documented\ncore v1p4\nrate 1000\n\
             verify_ms 3\nrefuse 1 6\nstuck draining 0 4096\n"
        );
        let config = parse(&text).unwrap();
        assert_eq!(config.count, 2);
        assert_eq!(config.images[1].size, 4002);
        assert_eq!(config.images[1].sha256.0[1], 0xff);
        assert_eq!(config.core, CoreVersion::V1p4);
        assert_eq!(config.faults.refuse.unwrap().reason, 6);
        assert_eq!(
            config.faults.stuck,
            Some(Stuck::Draining {
                index: 0,
                after: 4096
            })
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        for text in [
            "rate fast",
            "image 5",
            "core v2",
            "stuck somewhere 1",
            "what",
        ] {
            assert_eq!(parse(text), Err(BadLine { line: 1 }), "{text}");
        }
    }
}
