//! `ztp`, and the scripts that a bootstrap server conveys (RFC 8572, section 6.1, `pre-configuration-script` and `post-configuration-script`).

use super::person::Screen;
use super::{Ending, Read, Reply};
use crate::app::{AppError, BootApp, Result, State};
use crate::observer::Observer;
use crate::provisioning::{Provisioning, Stage};
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Console, Instant};
use netboot_ipxe::IpxeInterface;
use netboot_ipxe::script::Ztp;
use netboot_sztp::{SztpError, Text};
use ocp_recovery::RegisterBus;

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Runs a script that a bootstrap server has conveyed in base64. A place without a host in it is one on that `server`. A script that
    /// boots the device has ended well.
    ///
    /// # Errors
    /// What ended the script, or `failed` for one that is not base64.
    #[inline(never)]
    pub(in crate::app) fn run_conveyed(
        &mut self,
        encoded: Text<'_>,
        server: Option<Uri>,
        failed: SztpError,
    ) -> Result {
        let Some(uri) = server.filter(|_| self.scripts.is_some()) else {
            return Err(self.fail(failed.into()));
        };
        let buffer = self.take_buffer()?;
        let limit = buffer.len();
        // The digits do not tell their number of octets exactly, but never fewer.
        let fits = encoded.place().1 / 4 * 3 <= limit.saturating_add(2);
        let result = match encoded.base64(buffer) {
            Some(len) => {
                let verified = true;
                self.run_demanded(buffer, &Read { len, uri, verified })
            }
            None if !fits => Err(self.script_too_long(limit)),
            None => Err(self.fail(failed.into())),
        };
        self.give_back(buffer);
        result
    }

    /// Runs the script in a buffer, and those that replace it. What it names is used as long as it runs.
    fn run_demanded(&mut self, buffer: &mut [u8], script: &Read) -> Result {
        self.sources.conveyed = true;
        let ending = self.run_whole(buffer, script);
        self.sources.conveyed = false;
        self.sources.images.clear();
        if matches!(ending?, Ending::Booted) {
            self.state = State::Done;
        }
        Ok(())
    }

    pub(super) fn ztp(&mut self, command: Ztp) -> Result<Reply> {
        if self.provisioning.is_none() {
            return Err(self.fail(AppError::NotSupported));
        }
        match command {
            Ztp::Status { verbose } => self.show_provisioning(verbose),
            Ztp::Enable => self.enable(true),
            Ztp::Disable if self.must_be_provisioned() => {
                return Err(self.fail(AppError::ProvisioningRequired));
            }
            Ztp::Disable => self.enable(false),
            Ztp::Run if !self.may_be_provisioned() => {
                return Err(self.fail(AppError::NotSupported));
            }
            Ztp::Run if !self.is_provisioned() => {
                return Err(self.fail(AppError::ProvisioningDisabled));
            }
            Ztp::Run => {
                if let Some(provisioning) = &mut self.provisioning {
                    provisioning.begin();
                }
                return Ok(Reply::AutoBoot);
            }
        }
        Ok(Reply::Done)
    }

    /// Says from now on whether bootstrap servers are asked, and for how long that holds.
    fn enable(&mut self, enabled: bool) {
        let provisioning = self.provisioning.as_mut();
        let stored = provisioning.is_some_and(|one| one.set_enabled(enabled));
        self.write(match enabled {
            true => "ztp enabled",
            false => "ztp disabled",
        });
        self.write(match stored {
            true => "\n",
            false => " until the next reset\n",
        });
    }

    /// `ztp status`: lines of pairs, as on the console.
    #[inline(never)]
    fn show_provisioning(&mut self, verbose: bool) {
        let (enabled, must) = (self.is_provisioned(), self.must_be_provisioned());
        let policy = self.config.policy;
        let (Some(scripts), Some(provisioning)) = (&mut self.scripts, &self.provisioning) else {
            return;
        };
        let mut out = Screen(scripts.terminal);
        let out: &mut dyn Console = &mut out;
        out.text("ztp");
        out.flag("enabled", enabled);
        out.flag("required", must);
        let status = provisioning.status();
        out.word(
            "stage",
            match status.stage {
                Stage::Idle => "idle",
                Stage::Asking => "asking",
                Stage::Installing => "installing",
                Stage::Done(end) => end.as_str(),
                Stage::Failed => "failed",
            },
        );
        out.number("asked", status.asked.into());
        out.number("rounds", status.rounds.into());
        if let Some(left) = policy.rounds_left(status.rounds) {
            out.number("rounds_left", left.into());
        }
        out.number("dhcp_servers", status.named_by_dhcp.into());
        if status.certified {
            out.flag("certified", true);
        }
        out.text("\n");
        show_server(out, provisioning);
        if let Some(error) = &status.error {
            out.text("ztp error");
            crate::console::write_error(out, error);
            out.text("\n");
        }
        if !verbose {
            return;
        }
        out.text("ztp times");
        for (key, time) in [("started_ms", status.started), ("ended_ms", status.ended)] {
            if let Some(time) = time {
                let since = time.since(Instant::ZERO);
                out.number(key, since.as_millis());
            }
        }
        out.text("\n");
        if let Some(provisioned) = &self.sources.provisioned {
            for place in &provisioned.places {
                out.text("ztp place");
                out.key("uri");
                out.uri(place);
                out.text("\n");
            }
        }
        for image in &self.report.images {
            out.text("ztp image");
            out.number("index", image.index.into());
            if let Some(uri) = &image.uri {
                out.number("octets", image.octets);
                out.number("ms", image.duration.as_millis());
                out.word("protocol", uri.scheme_name());
                out.key("uri");
                out.uri(uri);
            }
            out.text("\n");
        }
    }
}

/// Writes the line of the server that was asked last, and why it is believed.
fn show_server(out: &mut dyn Console, provisioning: &Provisioning<'_>) {
    let agent = &provisioning.agent;
    let Some((server, (named, redirects))) = agent.server().zip(agent.origin()) else {
        return;
    };
    out.text("ztp server");
    out.key("uri");
    out.uri(&server);
    out.word("named", named.as_str());
    out.number("redirects", redirects.into());
    let status = provisioning.status();
    if let Some(proven) = status.trusted_server {
        out.flag("proven", proven);
        out.flag("signed", status.signed);
    }
    out.text("\n");
}
