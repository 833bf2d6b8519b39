//! Who this board is: its own certificate with the key, and the roots of those who sign vouchers for it. All of it was fixed when the image was built.

use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot_tls::{Identity, Signer};
use p256::ecdsa::SigningKey;

mod compiled {
    include!(concat!(env!("OUT_DIR"), "/board.rs"));
}

pub use compiled::{CHAIN, VOUCHERS};

static mut KEY: MaybeUninit<SigningKey> = MaybeUninit::uninit();

/// The key that the owner certifies: it is derived from the key of the IDevID, as a device derives one key from another. `None` for an image without.
#[cfg(feature = "ldevid")]
pub fn local_key() -> Option<SigningKey> {
    let secret = compiled::KEY.as_ref()?;
    let mut octets = [0; 38];
    for (to, from) in octets.iter_mut().zip(secret.iter().chain(b"LDevID")) {
        *to = *from;
    }
    SigningKey::from_slice(&netboot_ipxe::sha256(&octets)?.0).ok()
}

/// The board's own certificate and its key, for servers that ask; `None` for an image without.
///
/// # Safety
/// To be called once.
pub unsafe fn identity() -> Option<Identity<'static>> {
    let key = SigningKey::from_slice(compiled::KEY.as_ref()?).ok()?;
    // SAFETY: called once, so this is the only reference.
    let key = unsafe { (*addr_of_mut!(KEY)).write(key) };
    Some(Identity {
        chain: CHAIN,
        signer: Signer::P256(key),
    })
}
