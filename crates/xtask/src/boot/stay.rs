//! A boot whose board stays up, for a person to ask it with `caliptra-util`.

use anyhow::Result;
use std::io::stdin;
use testbed::Plan;
use testbed::qemu::{QemuOptions, QemuOutcome};
use testbed::stay::{self, Endpoints, PORT};

/// Boots, says where the board answers, and waits for Enter, or for the end of the standard input.
pub fn boot(
    plan: &Plan,
    options: &QemuOptions,
    on_line: &mut dyn FnMut(&str),
) -> Result<QemuOutcome> {
    stay::boot(plan, options, PORT, on_line, &mut |at| {
        println!("{}", invitation(at));
        let mut line = String::new();
        stdin().read_line(&mut line)?;
        Ok(())
    })
}

/// What a person may do with a board that stays up.
fn invitation(at: &Endpoints) -> String {
    format!(
        "\nThe board stays up. Ask it in another terminal what it runs:\n  \
         cargo run -p caliptra-util -- -t {} info\n  \
         cargo run -p caliptra-util -- -t '{}' info\n\
         Enter powers it off.",
        at.mailbox_uri(),
        at.mctp_uri()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invitation_has_both_addresses() {
        let at = Endpoints {
            mailbox: "127.0.0.1:62222".parse().unwrap(),
            mctp: "/tmp/x/mctp.sock".into(),
            endpoint: 9,
        };
        let text = invitation(&at);
        assert!(text.contains(" -t udp://127.0.0.1:62222 info"), "{text}");
        assert!(
            text.contains(" -t 'mctp+unix:/tmp/x/mctp.sock?eid=9' info"),
            "{text}"
        );
    }
}
