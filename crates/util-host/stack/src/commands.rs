//! Every command of the library, in an order in which the device carries them out.

use crate::measure::depth;
use crate::registers::{Notes, Observed, Repeated};
use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::{
    AesMode, CaliptraCommandId, DeviceKey, HashAlgorithm, KeyUsage, ProdDebugUnlockTokenRequest,
    Provision, SignatureAlgorithm,
};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_osal::NoClock;
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::mailbox::registers::{MailboxRegisters, RegisterMailbox};
use caliptra_util_host_transport::{Mailbox, MailboxDriver as _};
use core::ptr::addr_of_mut;
use util_device::{Device, DeviceConfig, MAX_ANSWER, MailboxModel};

static mut NOTES: Notes = Notes::new();

/// Carries out all commands, once with the device and once from what was written down, and measures the second time.
pub fn run() -> CaliptraResult<()> {
    // SAFETY: called once, so this is the only reference.
    let notes = unsafe { &mut *addr_of_mut!(NOTES) };
    let mut device = Device::new(DeviceConfig::default());
    // Two frames for the one part that is asked for, and more for the rest.
    device.write_log(&[b'f'; 1_000]);
    device.write_log(b"\0frame\0");
    let model = &mut MailboxModel::new(device);
    through(Observed { model, notes }, false)?;
    through(Repeated::new(notes), true)
}

fn through<R: MailboxRegisters>(registers: R, tell: bool) -> CaliptraResult<()> {
    let mut buffer = [0; MAX_ANSWER];
    let mut driver = RegisterMailbox::new(registers, NoClock, &mut buffer);
    driver.set_timeouts(0, 1_000);
    let mut transport = Mailbox::new(&mut driver);
    let mut session = CaliptraSession::new(1, &mut transport)?;
    session.connect()?;
    let session = &mut session;
    about(session, tell)?;
    keys(session, tell)?;
    ciphers(session, tell)?;
    gcm(session, tell)?;
    curves(session, tell)?;
    evidence(session, tell)?;
    provisioning(session, tell)?;
    refused(session, tell)
}

/// Measures `function`, whose name is printed.
macro_rules! measured {
    ($tell:expr, $function:ident($($argument:expr),* $(,)?)) => {
        depth($tell, stringify!($function), || $function($($argument),*))
    };
}

#[inline(never)]
fn about(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    let mut out = [0; 4096];
    measured!(tell, caliptra_cmd_get_firmware_version(session, 1))?;
    measured!(tell, caliptra_cmd_get_device_capabilities(session))?;
    measured!(tell, caliptra_cmd_get_device_id(session))?;
    measured!(tell, caliptra_cmd_get_device_info(session, 0))?;
    measured!(tell, caliptra_cmd_debug_get_log(session, &mut out))?;
    measured!(tell, caliptra_cmd_debug_drain_log(session, |_| ()))?;
    measured!(tell, caliptra_cmd_debug_clear_log(session))?;
    let version = CaliptraCommandId::GetFirmwareVersion as u32;
    let request = 0u32.to_le_bytes();
    measured!(tell, caliptra_cmd_raw(session, version, &request, &mut out))?;
    Ok(())
}

#[inline(never)]
fn keys(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    let sha = HashAlgorithm::Sha384;
    let (data, mut out) = ([7; 5_000], [0; 5_000]);
    let mut context = measured!(tell, caliptra_cmd_hash_init(session, sha, &data))?;
    measured!(tell, caliptra_cmd_hash_update(session, &mut context, &data))?;
    measured!(
        tell,
        caliptra_cmd_hash_finalize(session, context, &data, &mut out)
    )?;
    measured!(
        tell,
        caliptra_cmd_hash_one_shot(session, sha, &data, &mut out)
    )?;
    let cmk = measured!(tell, caliptra_cmd_import(session, KeyUsage::Hmac, &[7; 48]))?;
    measured!(
        tell,
        caliptra_cmd_hmac(session, &cmk, sha, b"message", &mut out)
    )?;
    let usage = KeyUsage::Aes;
    measured!(
        tell,
        caliptra_cmd_hmac_kdf_counter(session, &cmk, sha, usage, 32, b"label")
    )?;
    measured!(tell, caliptra_cmd_key_status(session))?;
    measured!(tell, caliptra_cmd_delete(session, &cmk))?;
    measured!(tell, caliptra_cmd_random_generate(session, &mut out))?;
    measured!(tell, caliptra_cmd_random_stir(session, b"entropy"))
}

#[inline(never)]
fn ciphers(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    let (data, mut out) = ([7; 64], [0; 64]);
    let cmk = caliptra_cmd_import(session, KeyUsage::Aes, &[3; 32])?;
    let mode = AesMode::Cbc;
    let (mut context, iv, _) = measured!(
        tell,
        caliptra_cmd_aes_encrypt_init(session, &cmk, mode, &data, &mut out)
    )?;
    let cipher = out;
    measured!(
        tell,
        caliptra_cmd_aes_encrypt_update(session, &mut context, &data, &mut out)
    )?;
    let (mut context, _) = measured!(
        tell,
        caliptra_cmd_aes_decrypt_init(session, &cmk, mode, &iv, &cipher, &mut out)
    )?;
    measured!(
        tell,
        caliptra_cmd_aes_decrypt_update(session, &mut context, &data, &mut out)
    )?;
    Ok(())
}

#[inline(never)]
fn gcm(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    let cmk = caliptra_cmd_import(session, KeyUsage::Aes, &[9; 32])?;
    let (mut context, iv) = measured!(
        tell,
        caliptra_cmd_aes_gcm_encrypt_init(session, &cmk, b"aad")
    )?;
    let (mut cipher, mut out) = ([0; 64], [0; 64]);
    let len = measured!(
        tell,
        caliptra_cmd_aes_gcm_encrypt_update(session, &mut context, &[7; 20], &mut cipher)
    )?;
    let rest = cipher.get_mut(len..).unwrap_or_default();
    let (end, tag) = measured!(
        tell,
        caliptra_cmd_aes_gcm_encrypt_final(session, context, &[7; 20], rest)
    )?;
    let cipher = cipher.get(..len + end).unwrap_or_default();
    let (first, second) = cipher.split_at(16);
    let mut context = measured!(
        tell,
        caliptra_cmd_aes_gcm_decrypt_init(session, &cmk, &iv, b"aad")
    )?;
    measured!(
        tell,
        caliptra_cmd_aes_gcm_decrypt_update(session, &mut context, first, &mut out)
    )?;
    measured!(
        tell,
        caliptra_cmd_aes_gcm_decrypt_final(session, context, &tag, second, &mut out)
    )?;
    Ok(())
}

#[inline(never)]
fn curves(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    let cmk = caliptra_cmd_import(session, KeyUsage::Ecdsa, &[0x11; 48])?;
    let public = measured!(tell, caliptra_cmd_ecdsa_public_key(session, &cmk))?;
    let signature = measured!(tell, caliptra_cmd_ecdsa_sign(session, &cmk, b"abc"))?;
    measured!(
        tell,
        caliptra_cmd_ecdsa_verify(session, &cmk, &signature, b"abc")
    )?;
    let mut digest = [0; 48];
    caliptra_cmd_hash_one_shot(session, HashAlgorithm::Sha384, b"abc", &mut digest)?;
    measured!(
        tell,
        caliptra_cmd_ecdsa_verify_digest(session, &public.x, &public.y, &signature, &digest)
    )?;
    let (context, _) = measured!(tell, caliptra_cmd_ecdh_generate(session))?;
    let mut peer = [0; 96];
    let coordinates = public.x.iter().chain(&public.y);
    peer.iter_mut()
        .zip(coordinates)
        .for_each(|(to, from)| *to = *from);
    measured!(
        tell,
        caliptra_cmd_ecdh_finish(session, context, KeyUsage::Hmac, &peer)
    )?;
    Ok(())
}

#[inline(never)]
fn evidence(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    let (nonce, mut out) = ([0x42; 32], [0; 1024]);
    let ecc = SignatureAlgorithm::EccP384;
    measured!(tell, caliptra_cmd_get_attestation_formats(session))?;
    measured!(
        tell,
        caliptra_cmd_get_attestation(session, 1, ecc, 0, &nonce, &mut out)
    )?;
    measured!(
        tell,
        caliptra_cmd_export_attested_csr(session, DeviceKey::LdevId, ecc, &nonce, &mut out)
    )?;
    Ok(())
}

#[inline(never)]
fn provisioning(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    let mut out = [0; 4];
    measured!(tell, caliptra_cmd_fuse_write(session, 26, 0b1010, 0xF))?;
    measured!(tell, caliptra_cmd_fuse_read(session, 3, 2, &mut out))?;
    measured!(tell, caliptra_cmd_fuse_lock(session, 3))?;
    measured!(tell, caliptra_cmd_get_auth_challenge(session))?;
    let svn = Provision::MinSvn { target: 0, svn: 5 };
    measured!(tell, caliptra_cmd_provision(session, svn, &[7; 200]))?;
    let challenge = measured!(tell, caliptra_cmd_prod_debug_unlock_req(session, 2))?;
    let token = ProdDebugUnlockTokenRequest {
        unique_device_identifier: &challenge.unique_device_identifier,
        unlock_level: 2,
        challenge: &challenge.challenge,
        ecc_public_key: &[0; 96],
        mldsa_public_key: &[0; 2592],
        ecc_signature: &[0; 96],
        mldsa_signature: &[0; 4628],
    };
    measured!(tell, caliptra_cmd_prod_debug_unlock_token(session, &token))
}

/// What the contract gives no mailbox code: nothing may be sent.
#[inline(never)]
fn refused(session: &mut CaliptraSession<'_>, tell: bool) -> CaliptraResult<()> {
    fn declined<T>(result: CaliptraResult<T>) -> CaliptraResult<()> {
        match result {
            Err(CaliptraApiError::NotSupported) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(CaliptraApiError::CommandFailed("the mailbox sent it")),
        }
    }
    let mut out = [0; 64];
    let ecc = SignatureAlgorithm::EccP384;
    declined(measured!(
        tell,
        caliptra_cmd_get_idevid_cert(session, &mut out)
    ))?;
    declined(measured!(
        tell,
        caliptra_cmd_get_ldevid_cert(session, &mut out)
    ))?;
    declined(measured!(
        tell,
        caliptra_cmd_get_fmc_alias_cert(session, &mut out)
    ))?;
    declined(measured!(
        tell,
        caliptra_cmd_get_rt_alias_cert(session, &mut out)
    ))?;
    declined(measured!(
        tell,
        caliptra_cmd_get_cert_chain(session, 0, &mut out)
    ))?;
    declined(measured!(
        tell,
        caliptra_cmd_store_certificate(session, 0, b"DER")
    ))?;
    declined(measured!(
        tell,
        caliptra_cmd_export_idevid_csr(session, ecc, &mut out)
    ))?;
    declined(measured!(
        tell,
        caliptra_cmd_debug_echo(session, b"echo", &mut out)
    ))?;
    declined(measured!(tell, caliptra_cmd_debug_get_status(session)))
}
