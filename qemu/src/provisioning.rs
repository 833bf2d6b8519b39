//! Secure zero-touch provisioning (RFC 8572): who this board is, and the memory for asking who owns it. The certificates were fixed when the image was built.

use crate::https::{HAS_TRUST, TRUST};
use crate::identity::{CHAIN, VOUCHERS};
use crate::place::put;
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot_app::provisioning::{ANSWER, Provisioning, SERVERS};
use netboot_sztp::{About, Assertion, Config, Credentials};
use netboot_tls::verify::{Trust, TrustPolicy};
use rom_parts::settings::Settings;

static mut ANSWERS: [u8; ANSWER] = [0; ANSWER];
static mut LIST: [u8; SERVERS] = [0; SERVERS];
static mut PROVISIONING: MaybeUninit<Provisioning<'static>> = MaybeUninit::uninit();

/// What the board keeps. QEMU's machine has no flash to write to, so this is lost at power-off.
#[cfg(feature = "ldevid")]
struct Kept {
    certificate: heapless::Vec<u8, { netboot_sztp::MAX_LOCAL_CERTIFICATE }>,
}

#[cfg(feature = "ldevid")]
impl netboot_app::provisioning::Store for Kept {
    fn is_enabled(&mut self) -> bool {
        true
    }

    fn set_enabled(&mut self, _: bool) -> bool {
        false
    }

    fn keep_certificate(&mut self, certificate: &[u8]) -> bool {
        self.certificate.clear();
        self.certificate.extend_from_slice(certificate).is_ok()
    }
}

#[cfg(feature = "ldevid")]
static mut KEPT: Kept = Kept {
    certificate: heapless::Vec::new(),
};
#[cfg(feature = "ldevid")]
static mut CONFIGURATION: [u8; 4096] = [0; 4096];
#[cfg(feature = "ldevid")]
static mut LOCAL_KEY: MaybeUninit<p256::ecdsa::SigningKey> = MaybeUninit::uninit();

/// What the boot application needs.
///
/// # Safety
/// To be called once.
#[inline(never)]
// The result lies in a static.
#[allow(clippy::mut_from_ref)]
pub unsafe fn provisioning(settings: &'static Settings) -> &'static mut Provisioning<'static> {
    // SAFETY: called once, so these are the only references.
    let (answers, list, place) = unsafe {
        (
            &mut *addr_of_mut!(ANSWERS),
            &mut *addr_of_mut!(LIST),
            &mut *addr_of_mut!(PROVISIONING),
        )
    };
    let board = &settings.sources.board;
    let config = Config {
        credentials: Credentials {
            serial_number: &board.serial,
            idevid: CHAIN.first().copied().unwrap_or_default(),
            vouchers: Trust {
                policy: TrustPolicy::Pinned {
                    roots: VOUCHERS,
                    keys: &[],
                },
                ..TRUST
            },
            assertions: &[Assertion::Verified, Assertion::Logged],
        },
        about: About {
            hw_model: &board.product,
            os_name: env!("CARGO_PKG_NAME"),
            os_version: env!("CARGO_PKG_VERSION"),
        },
        has_anchors: HAS_TRUST,
    };
    let provisioning = put(place, || Provisioning::new(config, answers, list));
    #[cfg(feature = "ldevid")]
    {
        // SAFETY: called once, so these are the only references.
        let (kept, space, place) = unsafe {
            (
                &mut *addr_of_mut!(KEPT),
                &mut *addr_of_mut!(CONFIGURATION),
                &mut *addr_of_mut!(LOCAL_KEY),
            )
        };
        provisioning.use_store(kept);
        if let Some(key) = crate::identity::local_key() {
            provisioning.use_local_key(place.write(key), space);
        }
    }
    for server in &settings.sources.bootstrap_servers {
        // There is room for the two of them.
        let _ = provisioning.add_server(server);
    }
    provisioning
}
