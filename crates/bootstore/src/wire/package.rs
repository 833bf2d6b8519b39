//! Share packages in octets.

use super::cbor::{Reader, Writer};
use super::error::WireError;
use super::identify::{read_baseboard, write_baseboard};
use crate::RackUuid;
use crate::trust_quorum::{
    DigestSet, LearnedSharePkg, MEMBERS_MAX, Members, SHARE_LEN, SHARES, Share, SharePkg,
    SharePkgCommon,
};
use zeroize::Zeroizing;

pub(super) fn write_share_pkg(w: &mut Writer<'_>, pkg: &SharePkg) -> Result<(), WireError> {
    w.map(5)?.str("common")?;
    write_common(w, &pkg.common)?;
    w.str("initial_membership")?
        .array(pkg.initial_membership.len())?;
    for member in &pkg.initial_membership {
        write_baseboard(w, member)?;
    }
    w.str("salt")?.octets(&pkg.salt)?;
    w.str("nonce")?.octets(&pkg.nonce)?;
    w.str("encrypted_shares")?.octets(&pkg.encrypted_shares)?;
    Ok(())
}

pub(super) fn read_share_pkg(reader: &mut Reader<'_>) -> Result<SharePkg, WireError> {
    let (mut common, mut members, mut salt, mut nonce, mut encrypted) =
        (None, None, None, None, None);
    reader.fields(5, |r, key| match key {
        "common" => {
            r.unset(&common)?;
            common = Some(read_common(r)?);
            Ok(())
        }
        "initial_membership" => {
            r.unset(&members)?;
            members = Some(read_members(r)?);
            Ok(())
        }
        "salt" => {
            let value = r.octets()?;
            r.set(&mut salt, value)
        }
        "nonce" => {
            let value = r.octets()?;
            r.set(&mut nonce, value)
        }
        "encrypted_shares" => {
            r.unset(&encrypted)?;
            encrypted = Some(r.octets_up_to()?);
            Ok(())
        }
        _ => Err(r.wrong_fields()),
    })?;
    match (common, members, salt, nonce, encrypted) {
        (
            Some(common),
            Some(initial_membership),
            Some(salt),
            Some(nonce),
            Some(encrypted_shares),
        ) => Ok(SharePkg {
            common,
            initial_membership,
            salt,
            nonce,
            encrypted_shares,
        }),
        _ => Err(reader.wrong_fields()),
    }
}

pub(super) fn write_learned(w: &mut Writer<'_>, pkg: &LearnedSharePkg) -> Result<(), WireError> {
    w.map(1)?.str("common")?;
    write_common(w, &pkg.common)
}

pub(super) fn read_learned(reader: &mut Reader<'_>) -> Result<LearnedSharePkg, WireError> {
    let mut common = None;
    reader.fields(1, |r, key| match key {
        "common" => {
            r.unset(&common)?;
            common = Some(read_common(r)?);
            Ok(())
        }
        _ => Err(r.wrong_fields()),
    })?;
    let common = common.ok_or_else(|| reader.wrong_fields())?;
    Ok(LearnedSharePkg { common })
}

pub(super) fn read_share(reader: &mut Reader<'_>) -> Result<Share, WireError> {
    let octets = Zeroizing::new(reader.octets::<SHARE_LEN>()?);
    Ok(Share::from_bytes(*octets)?)
}

fn write_common(w: &mut Writer<'_>, common: &SharePkgCommon) -> Result<(), WireError> {
    w.map(5)?.str("rack_uuid")?.bytes(&common.rack_uuid.0)?;
    w.str("epoch")?.uint(common.epoch.into())?;
    w.str("threshold")?.uint(common.threshold.into())?;
    w.str("share")?.octets(common.share.expose())?;
    w.str("share_digests")?.array(SHARES)?;
    for digest in common.share_digests.digests() {
        w.octets(digest)?;
    }
    Ok(())
}

fn read_common(reader: &mut Reader<'_>) -> Result<SharePkgCommon, WireError> {
    let (mut rack_uuid, mut epoch, mut threshold, mut share, mut digests) =
        (None, None, None, None, None);
    reader.fields(5, |r, key| match key {
        "rack_uuid" => {
            let value = RackUuid(r.bytes_exact()?);
            r.set(&mut rack_uuid, value)
        }
        "epoch" => {
            let value = r.u32()?;
            r.set(&mut epoch, value)
        }
        "threshold" => {
            let value = r.u8()?;
            r.set(&mut threshold, value)
        }
        "share" => {
            let value = read_share(r)?;
            r.set(&mut share, value)
        }
        "share_digests" => {
            r.unset(&digests)?;
            digests = Some(read_digests(r)?);
            Ok(())
        }
        _ => Err(r.wrong_fields()),
    })?;
    match (rack_uuid, epoch, threshold, share, digests) {
        (Some(rack_uuid), Some(epoch), Some(threshold), Some(share), Some(share_digests)) => {
            Ok(SharePkgCommon {
                rack_uuid,
                epoch,
                threshold,
                share,
                share_digests,
            })
        }
        _ => Err(reader.wrong_fields()),
    }
}

fn read_digests(reader: &mut Reader<'_>) -> Result<DigestSet, WireError> {
    reader.array_of(SHARES as u64)?;
    let mut digests = [[0; 32]; SHARES];
    for digest in &mut digests {
        *digest = reader.octets()?;
    }
    Ok(DigestSet::from_sorted(digests)?)
}

fn read_members(reader: &mut Reader<'_>) -> Result<Members, WireError> {
    let len = reader.array()?;
    if len > MEMBERS_MAX as u64 {
        return Err(reader.out_of_bounds());
    }
    let mut members = Members::new();
    for _ in 0..len {
        let member = read_baseboard(reader)?;
        members.push(member).map_err(|_| reader.out_of_bounds())?;
    }
    Ok(members)
}
