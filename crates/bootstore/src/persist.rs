//! What a node stores, in octets: compact CBOR, in a [`crate::ledger`] record.
//!
//! The form is this crate's own. Octets are byte strings here, which halves the size on the wire.

use crate::network_config::{BLOB_MAX, NetworkConfig};
use crate::schemes::v0::state::InitialMember;
use crate::schemes::v0::{LEARNERS_MAX, State};
use crate::trust_quorum::extra::EncryptedShares;
use crate::trust_quorum::{
    DigestSet, LearnedSharePkg, MEMBERS_MAX, Members, SHARE_LEN, SHARES, Share, SharePkg,
    SharePkgCommon,
};
use crate::wire::WireError;
use crate::wire::cbor::{Reader, Writer};
use crate::wire::identify::{read_baseboard, write_baseboard};
use crate::{Baseboard, RackUuid};
use heapless::Vec;
use zeroize::Zeroizing;

/// Greatest number of octets of a stored [`State`].
pub const STATE_MAX: usize = 28 * 1024;
/// Greatest number of octets of a stored [`NetworkConfig`].
pub const NETWORK_MAX: usize = BLOB_MAX + 32;

/// Version of the form.
const VERSION: u64 = 1;

/// Writes a state and returns the number of octets, at most [`STATE_MAX`].
///
/// # Errors
/// [`WireError::Buffer`]
pub fn encode_state(state: &State, buffer: &mut [u8]) -> Result<usize, WireError> {
    let mut w = Writer::new(buffer);
    match state {
        State::Uninitialized => {
            w.array(2)?.uint(VERSION)?.uint(0)?;
        }
        State::InitialMember(member) => {
            w.array(9)?.uint(VERSION)?.uint(1)?;
            write_common(&mut w, &member.pkg.common)?;
            w.array(member.pkg.initial_membership.len())?;
            for id in &member.pkg.initial_membership {
                write_baseboard(&mut w, id)?;
            }
            w.bytes(&member.pkg.salt)?
                .bytes(&member.pkg.nonce)?
                .bytes(&member.pkg.encrypted_shares)?;
            w.array(member.distributed_shares.len())?;
            for (learner, index) in &member.distributed_shares {
                w.array(2)?;
                write_baseboard(&mut w, learner)?;
                w.uint(u64::from(*index))?;
            }
            w.bool(member.init_pending)?;
        }
        State::Learning => {
            w.array(2)?.uint(VERSION)?.uint(2)?;
        }
        State::Learned(pkg) => {
            w.array(3)?.uint(VERSION)?.uint(3)?;
            write_common(&mut w, &pkg.common)?;
        }
    }
    Ok(w.len())
}

/// Reads a state that the node `own` stored.
///
/// # Errors
/// [`WireError`], also when the state is another board's.
pub fn decode_state(own: &Baseboard, octets: &[u8]) -> Result<State, WireError> {
    let mut r = Reader::new(octets);
    let len = r.array()?;
    if r.u64()? != VERSION {
        return Err(r.unknown_variant());
    }
    let state = match (len, r.u64()?) {
        (2, 0) => State::Uninitialized,
        (9, 1) => State::InitialMember(read_member(&mut r, own)?),
        (2, 2) => State::Learning,
        (3, 3) => {
            let common = read_common(&mut r)?;
            common.check()?;
            State::Learned(LearnedSharePkg { common })
        }
        _ => return Err(r.unknown_variant()),
    };
    r.end()?;
    Ok(state)
}

fn read_member(r: &mut Reader<'_>, own: &Baseboard) -> Result<InitialMember, WireError> {
    let common = read_common(r)?;
    let count = r.array()?;
    if count > MEMBERS_MAX as u64 {
        return Err(r.out_of_bounds());
    }
    let mut initial_membership = Members::new();
    for _ in 0..count {
        let id = read_baseboard(r)?;
        initial_membership.push(id).map_err(|_| r.out_of_bounds())?;
    }
    let pkg = SharePkg {
        common,
        initial_membership,
        salt: r.bytes_exact()?,
        nonce: r.bytes_exact()?,
        encrypted_shares: EncryptedShares::from_slice(r.bytes()?).map_err(|_| r.out_of_bounds())?,
    };
    pkg.check(own, own)?;
    let mut distributed_shares: Vec<(Baseboard, u8), LEARNERS_MAX, u8> = Vec::new();
    for _ in 0..r.array()? {
        r.array_of(2)?;
        let learner = read_baseboard(r)?;
        let index = r.u8()?;
        // Indices are given out in order, and a share must never be given to two boards.
        if usize::from(index) != distributed_shares.len()
            || distributed_shares.iter().any(|(id, _)| *id == learner)
        {
            return Err(r.out_of_bounds());
        }
        distributed_shares
            .push((learner, index))
            .map_err(|_| r.out_of_bounds())?;
    }
    Ok(InitialMember {
        pkg,
        distributed_shares,
        init_pending: r.bool()?,
    })
}

fn write_common(w: &mut Writer<'_>, common: &SharePkgCommon) -> Result<(), WireError> {
    w.array(5)?
        .bytes(&common.rack_uuid.0)?
        .uint(common.epoch.into())?
        .uint(common.threshold.into())?
        .bytes(common.share.expose())?
        .bytes(common.share_digests.digests().as_flattened())?;
    Ok(())
}

fn read_common(r: &mut Reader<'_>) -> Result<SharePkgCommon, WireError> {
    r.array_of(5)?;
    let rack_uuid = RackUuid(r.bytes_exact()?);
    let epoch = r.u32()?;
    let threshold = r.u8()?;
    let share = Zeroizing::new(r.bytes_exact::<SHARE_LEN>()?);
    let share = Share::from_bytes(*share)?;
    let flat = r.bytes()?;
    let (chunks, rest) = flat.as_chunks::<32>();
    let digests: &[[u8; 32]; SHARES] = chunks.try_into().map_err(|_| r.out_of_bounds())?;
    if !rest.is_empty() {
        return Err(r.out_of_bounds());
    }
    Ok(SharePkgCommon {
        rack_uuid,
        epoch,
        threshold,
        share,
        share_digests: DigestSet::from_sorted(*digests)?,
    })
}

/// Writes a network configuration and returns the number of octets, at most [`NETWORK_MAX`].
///
/// # Errors
/// [`WireError::Buffer`]
pub fn encode_network(config: &NetworkConfig, buffer: &mut [u8]) -> Result<usize, WireError> {
    let mut w = Writer::new(buffer);
    w.array(3)?.uint(VERSION)?.uint(config.generation)?;
    w.bytes(&config.blob)?;
    Ok(w.len())
}

/// Reads a network configuration.
///
/// # Errors
/// [`WireError`]
pub fn decode_network(octets: &[u8]) -> Result<NetworkConfig, WireError> {
    let (generation, blob) = read_network(octets)?;
    let bounds = WireError::Bounds { at: octets.len() };
    NetworkConfig::new(generation, blob).ok_or(bounds)
}

/// Reads the generation of a network configuration, and the configuration itself where it lies.
///
/// # Errors
/// [`WireError`]
pub fn read_network(octets: &[u8]) -> Result<(u64, &[u8]), WireError> {
    let mut r = Reader::new(octets);
    r.array_of(3)?;
    if r.u64()? != VERSION {
        return Err(r.unknown_variant());
    }
    let generation = r.u64()?;
    let blob = r.bytes()?;
    if blob.len() > BLOB_MAX {
        return Err(r.out_of_bounds());
    }
    r.end()?;
    Ok((generation, blob))
}
