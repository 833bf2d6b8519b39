//! The messages as serde sees them, for ciborium: an implementation of the wire that shares no code with the crate.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A UUID: a byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uuid(pub [u8; 16]);

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Uuid;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("16 octets")
            }
            fn visit_bytes<E: de::Error>(self, octets: &[u8]) -> Result<Uuid, E> {
                octets
                    .try_into()
                    .map(Uuid)
                    .map_err(|_| E::invalid_length(octets.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Baseboard {
    Gimlet { identifier: String, model: String },
    Pc { identifier: String, model: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identify {
    pub id: Baseboard,
    pub addr: ([u8; 16], u16),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Msg {
    Ping,
    Fsm(FsmMsg),
    NetworkConfig(NetworkConfig),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkConfig {
    pub generation: u64,
    pub blob: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FsmMsg {
    Req(Request),
    Rsp(Response),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: Uuid,
    pub type_: RequestType,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)]
pub enum RequestType {
    Init(SharePkg),
    GetShare { rack_uuid: Uuid },
    Learn,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    pub request_id: Uuid,
    pub type_: ResponseType,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ResponseType {
    InitAck,
    Share(Vec<u8>),
    LearnPkg(LearnedSharePkg),
    Error(Error),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Error {
    AlreadyInitialized,
    NotInitialized,
    StillLearning,
    CannotSpareAShare,
    RackUuidMismatch { expected: Uuid, got: Uuid },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharePkgCommon {
    pub rack_uuid: Uuid,
    pub epoch: u32,
    pub threshold: u8,
    pub share: Vec<u8>,
    pub share_digests: Vec<[u8; 32]>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharePkg {
    pub common: SharePkgCommon,
    pub initial_membership: Vec<Baseboard>,
    pub salt: [u8; 32],
    pub nonce: [u8; 12],
    pub encrypted_shares: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearnedSharePkg {
    pub common: SharePkgCommon,
}

/// An item in octets, as ciborium writes it.
pub fn encode(item: &impl Serialize) -> Vec<u8> {
    let mut octets = Vec::new();
    ciborium::into_writer(item, &mut octets).unwrap();
    octets
}

/// An item from octets, as ciborium reads it.
pub fn decode<T: for<'de> Deserialize<'de>>(octets: &[u8]) -> T {
    ciborium::from_reader(octets).unwrap()
}
