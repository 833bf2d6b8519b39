//! Other implementations agree: vsss-rs about shares, ciborium about the wire, and Python's `cryptography` with
//! `hashlib` about digests and the encryption of extra shares.

mod common;

use bootstore::schemes::v0::{Message, RemoteError, Request, Response};
use bootstore::trust_quorum::extra::EncryptedShares;
use bootstore::trust_quorum::shamir::{self, Polynomial};
use bootstore::trust_quorum::{
    Dealer, LearnedSharePkg, RackSecret, SHARE_LEN, SHARES, Share, SharePkg, extra, threshold,
};
use bootstore::wire::framing::write_frame;
use bootstore::wire::{FRAME_MAX, Identify, Msg};
use bootstore::{Baseboard, BaseboardKind, NetworkConfig, RackUuid, RequestId};
use common::serde_shapes::{self as peer, Uuid};
use common::{hex, id, ids, rng, unhex};
use sha3::{Digest as _, Sha3_256};
use vsss_rs::combine_shares;
use vsss_rs::curve25519::WrappedScalar;
use vsss_rs::curve25519_dalek::scalar::Scalar;

fn share(octets: &[u8]) -> Share {
    Share::from_bytes(<[u8; SHARE_LEN]>::try_from(octets).unwrap()).unwrap()
}

#[test]
fn our_shares_combine_in_vsss_rs() {
    let mut rng = rng(1);
    for members in 2..=32 {
        let k = threshold(members);
        let secret = RackSecret::random(&mut rng);
        let polynomial = Polynomial::random(&secret, k, &mut rng).unwrap();
        // Shares from both ends and the middle.
        let xs = (1..=255u8).step_by(255 / k).take(k);
        let shares: Vec<Vec<u8>> = xs
            .map(|x| polynomial.share(x).unwrap().expose().to_vec())
            .collect();
        assert_eq!(shares.len(), k);
        let combined: WrappedScalar = combine_shares(&shares).unwrap();
        assert_eq!(combined.0.to_bytes(), *secret.expose());
    }
}

#[test]
fn shares_of_vsss_rs_combine_here() {
    let mut rng = rng(2);
    for members in 2..=32 {
        let k = threshold(members);
        let secret = RackSecret::random(&mut rng);
        let scalar = Scalar::from_canonical_bytes(*secret.expose()).unwrap();
        let shares = vsss_rs::shamir::split_secret::<WrappedScalar, u8, Vec<u8>>(
            k,
            SHARES,
            WrappedScalar(scalar),
            &mut rng,
        )
        .unwrap();
        let shares: Vec<Share> = shares.iter().map(|octets| share(octets)).collect();
        for skip in [0, 100, SHARES - k] {
            let some = shares.iter().skip(skip);
            assert_eq!(shamir::combine(some, k), Ok(secret.clone()));
        }
        // One share fewer gives another secret.
        assert_ne!(shamir::combine(shares.iter(), k - 1), Ok(secret));
    }
}

#[test]
fn extra_shares_are_encrypted_as_python_does() {
    // Secret 00..1e, polynomial secret + c·x with c = 07 thirty-one times; member 1 of 3, shares 87 to 170.
    let mut octets = [0; 32];
    for (octet, value) in octets.iter_mut().zip(0..31) {
        *octet = value;
    }
    let secret = RackSecret::from_bytes(octets).unwrap();
    let mut c = [7; 32];
    c[31] = 0;
    let (s, c) = (
        Scalar::from_canonical_bytes(octets).unwrap(),
        Scalar::from_canonical_bytes(c).unwrap(),
    );
    let at = |x: u8| {
        let mut octets = [x; SHARE_LEN];
        octets[1..].copy_from_slice((s + c * Scalar::from(x)).as_bytes());
        share(&octets)
    };
    assert_eq!(
        hex(at(86).expose()),
        "565a5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a02"
    );
    assert_eq!(
        hex(&at(86).digest()),
        "8362a647ff64019d076e39d2fd4d243e1777784461b632b1ae46002b2bf6217f"
    );
    let rack = RackUuid(core::array::from_fn(|index| index as u8));
    let (salt, mut nonce) = ([0x5a; 32], [0x11; 12]);
    nonce[11] = 1;
    let mut shares = EncryptedShares::new();
    for x in 87..=170 {
        shares.extend_from_slice(at(x).expose()).unwrap();
    }
    extra::encrypt(&secret, &rack, &salt, &nonce, &mut shares).unwrap();
    assert_eq!(shares.len(), 2788);
    assert_eq!(
        hex(&Sha3_256::digest(&shares)),
        "3f8c9b47419d8cfdaecda90f35bfb9295d8eaed5cd33bc768a3b3d6446023b26"
    );
    for index in [0, 50, 83] {
        assert_eq!(
            extra::decrypt_one(&secret, &rack, &salt, &nonce, &shares, index),
            Ok(at(87 + index as u8))
        );
    }
}

fn to_peer(board: &Baseboard) -> peer::Baseboard {
    let (identifier, model) = (board.identifier.to_string(), board.model.to_string());
    match board.kind {
        BaseboardKind::Gimlet => peer::Baseboard::Gimlet { identifier, model },
        BaseboardKind::Pc => peer::Baseboard::Pc { identifier, model },
    }
}

fn common_to_peer(pkg: &bootstore::trust_quorum::SharePkgCommon) -> peer::SharePkgCommon {
    peer::SharePkgCommon {
        rack_uuid: Uuid(pkg.rack_uuid.0),
        epoch: pkg.epoch,
        threshold: pkg.threshold,
        share: pkg.share.expose().to_vec(),
        share_digests: pkg.share_digests.digests().to_vec(),
    }
}

fn pkg_to_peer(pkg: &SharePkg) -> peer::SharePkg {
    peer::SharePkg {
        common: common_to_peer(&pkg.common),
        initial_membership: pkg.initial_membership.iter().map(to_peer).collect(),
        salt: pkg.salt,
        nonce: pkg.nonce,
        encrypted_shares: pkg.encrypted_shares.to_vec(),
    }
}

/// Every message, in both forms.
fn messages(members: usize) -> Vec<(Msg, peer::Msg)> {
    let rack_uuid = RackUuid([1; 16]);
    let dealer = Dealer::new(rack_uuid, &ids(members), &mut rng(3)).unwrap();
    let pkg = dealer.package(members - 1).unwrap();
    let request = RequestId([2; 16]);
    let mut all = vec![
        (Msg::Ping, peer::Msg::Ping),
        (
            Msg::NetworkConfig(NetworkConfig::new(u64::MAX, &[0, 23, 24, 255]).unwrap()),
            peer::Msg::NetworkConfig(peer::NetworkConfig {
                generation: u64::MAX,
                blob: vec![0, 23, 24, 255],
            }),
        ),
    ];
    let requests = [
        (
            Request::Init(pkg.clone()),
            peer::RequestType::Init(pkg_to_peer(&pkg)),
        ),
        (
            Request::GetShare { rack_uuid },
            peer::RequestType::GetShare {
                rack_uuid: Uuid([1; 16]),
            },
        ),
        (Request::Learn, peer::RequestType::Learn),
    ];
    for (ours, theirs) in requests {
        let id = Uuid(request.0);
        all.push((
            Msg::Fsm(Message::Request {
                id: request,
                request: ours,
            }),
            peer::Msg::Fsm(peer::FsmMsg::Req(peer::Request { id, type_: theirs })),
        ));
    }
    let learned = LearnedSharePkg {
        common: pkg.common.clone(),
    };
    let error = |ours, theirs| (Response::Error(ours), peer::ResponseType::Error(theirs));
    let (expected, got) = (RackUuid([3; 16]), RackUuid([4; 16]));
    let responses = [
        (Response::InitAck, peer::ResponseType::InitAck),
        (
            Response::Share(pkg.common.share.clone()),
            peer::ResponseType::Share(pkg.common.share.expose().to_vec()),
        ),
        (
            Response::LearnPkg(learned),
            peer::ResponseType::LearnPkg(peer::LearnedSharePkg {
                common: common_to_peer(&pkg.common),
            }),
        ),
        error(
            RemoteError::AlreadyInitialized,
            peer::Error::AlreadyInitialized,
        ),
        error(RemoteError::NotInitialized, peer::Error::NotInitialized),
        error(RemoteError::StillLearning, peer::Error::StillLearning),
        error(
            RemoteError::CannotSpareAShare,
            peer::Error::CannotSpareAShare,
        ),
        error(
            RemoteError::RackUuidMismatch { expected, got },
            peer::Error::RackUuidMismatch {
                expected: Uuid(expected.0),
                got: Uuid(got.0),
            },
        ),
    ];
    for (ours, theirs) in responses {
        all.push((
            Msg::Fsm(Message::Response {
                request_id: request,
                response: ours,
            }),
            peer::Msg::Fsm(peer::FsmMsg::Rsp(peer::Response {
                request_id: Uuid(request.0),
                type_: theirs,
            })),
        ));
    }
    all
}

#[test]
fn ciborium_writes_and_reads_every_message_like_we_do() {
    for members in [2, 3, 16, 32] {
        for (ours, theirs) in messages(members) {
            let mut buffer = vec![0; FRAME_MAX];
            let len = ours.encode(&mut buffer).unwrap();
            let octets = peer::encode(&theirs);
            assert_eq!(hex(&buffer[..len]), hex(&octets));
            assert_eq!(Msg::decode(&octets).as_ref(), Ok(&ours));
            assert_eq!(peer::decode::<peer::Msg>(&buffer[..len]), theirs);
            // A cut item is never taken for a whole one.
            let step = (len / 200).max(1);
            for cut in (0..len).step_by(step) {
                assert!(Msg::decode(&octets[..cut]).is_err());
            }
        }
    }
}

#[test]
fn ciborium_writes_and_reads_an_identity_like_we_do() {
    let addr = "[fd00::1:2]:12346".parse().unwrap();
    for board in [
        id(7),
        Baseboard::new(BaseboardKind::Gimlet, "s", "").unwrap(),
        Baseboard::pc(&"s".repeat(64), &"m".repeat(32)).unwrap(),
    ] {
        let ours = Identify {
            id: board.clone(),
            addr,
        };
        let theirs = peer::Identify {
            id: to_peer(&board),
            addr: (addr.ip().octets(), addr.port()),
        };
        let mut buffer = [0; 512];
        let len = ours.encode(&mut buffer).unwrap();
        assert_eq!(hex(&buffer[..len]), hex(&peer::encode(&theirs)));
        assert_eq!(Identify::decode(&peer::encode(&theirs)), Ok(ours));
        assert_eq!(peer::decode::<peer::Identify>(&buffer[..len]), theirs);
    }
}

#[test]
fn the_golden_vectors_of_the_reference() {
    let mut buffer = vec![0; FRAME_MAX];
    let identify = Identify {
        id: Baseboard::pc("a", "0").unwrap(),
        addr: "[::1]:12346".parse().unwrap(),
    };
    let len = identify.encode(&mut buffer).unwrap();
    let golden = "a2626964a364747970656270636a6964656e7469666965726161656d6f64656c6130646164647282\
                  900000000000000000000000000000000119303a";
    assert_eq!(buffer[..len], unhex(golden));
    assert_eq!(Identify::decode(&unhex(golden)), Ok(identify));

    let uuid = "00000000000000000000000000000001";
    let one = RequestId({
        let mut id = [0; 16];
        id[15] = 1;
        id
    });
    let request = |request| Msg::Fsm(Message::Request { id: one, request });
    let response = |response| {
        Msg::Fsm(Message::Response {
            request_id: one,
            response,
        })
    };
    let rsp = format!("a16346736da163527370a26a726571756573745f696450{uuid}65747970655f");
    let vectors = [
        ("6450696e67".to_string(), Msg::Ping),
        (
            "a16d4e6574776f726b436f6e666967a26a67656e65726174696f6e0164626c6f6283010218c8".into(),
            Msg::NetworkConfig(NetworkConfig::new(1, &[1, 2, 200]).unwrap()),
        ),
        (
            format!(
                "a16346736da163526571a262696450{uuid}65747970655fa1684765745368617265\
                 a1697261636b5f7575696450{uuid}"
            ),
            request(Request::GetShare {
                rack_uuid: RackUuid(one.0),
            }),
        ),
        (
            format!("a16346736da163526571a262696450{uuid}65747970655f654c6561726e"),
            request(Request::Learn),
        ),
        (
            format!("{rsp}67496e697441636b"),
            response(Response::InitAck),
        ),
        (
            format!("{rsp}a1654572726f727143616e6e6f745370617265415368617265"),
            response(Response::Error(RemoteError::CannotSpareAShare)),
        ),
    ];
    for (golden, msg) in vectors {
        let len = msg.encode(&mut buffer).unwrap();
        assert_eq!(hex(&buffer[..len]), golden);
        assert_eq!(Msg::decode(&unhex(&golden)), Ok(msg));
    }
}

#[test]
fn every_frame_fits_its_bound() {
    // The longest names make the largest package.
    for members in [2, 3, 17, 32] {
        let names: Vec<_> = (0..members)
            .map(|number| Baseboard::pc(&format!("{number:064}"), &"m".repeat(32)).unwrap())
            .collect();
        let dealer = Dealer::new(RackUuid([0xff; 16]), &names, &mut rng(4)).unwrap();
        let msg = Msg::Fsm(Message::Request {
            id: RequestId([0xff; 16]),
            request: Request::Init(dealer.package(0).unwrap()),
        });
        let mut buffer = vec![0; FRAME_MAX];
        let len = write_frame(&mut buffer, |content| msg.encode(content)).unwrap();
        assert!(len < 30_000, "{members} members: {len}");
    }
}

#[test]
fn secrets_never_show() {
    let mut rng = rng(5);
    let dealer = Dealer::new(RackUuid([1; 16]), &ids(3), &mut rng).unwrap();
    let pkg = dealer.package(0).unwrap();
    let shown = format!("{:?} {:?} {:?}", dealer, pkg, dealer.secret());
    let numbers = |octets: &[u8]| format!("{octets:?}").trim_matches(['[', ']']).to_string();
    for secret in [
        &dealer.secret().expose()[..4],
        &pkg.common.share.expose()[1..5],
    ] {
        assert!(!shown.contains(&numbers(secret)));
        assert!(!shown.contains(&hex(secret)));
    }
    assert!(shown.contains("Share(x 1, ..)"), "{shown}");
}
