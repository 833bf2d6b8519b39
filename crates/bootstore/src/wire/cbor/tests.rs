//! The reader and the writer against minicbor.

use super::*;
use minicbor::encode::write::Cursor;
use minicbor::{Decoder, Encoder};
use proptest::prelude::*;
use std::vec::Vec;

/// One item, or the head of one.
#[derive(Clone, Debug)]
enum Item {
    Uint(u64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Array(usize),
    Map(usize),
}

fn number() -> impl Strategy<Value = u64> {
    // Around each length of a head.
    let edges = [
        0u64,
        23,
        24,
        255,
        256,
        65_535,
        65_536,
        u64::from(u32::MAX),
        1 << 32,
        u64::MAX,
    ];
    prop_oneof![
        any::<u64>(),
        any::<u16>().prop_map(u64::from),
        proptest::sample::select(edges.to_vec())
    ]
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        number().prop_map(Item::Uint),
        any::<bool>().prop_map(Item::Bool),
        ".{0,40}".prop_map(Item::Text),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Item::Bytes),
        number().prop_map(|len| Item::Array(len as usize)),
        number().prop_map(|len| Item::Map(len as usize)),
    ]
}

proptest! {
    #[test]
    fn items_are_written_as_minicbor_writes_them(items in proptest::collection::vec(item(), 0..20)) {
        let (mut ours, mut theirs) = ([0; 8_192], [0; 8_192]);
        let mut writer = Writer::new(&mut ours);
        let mut encoder = Encoder::new(Cursor::new(&mut theirs[..]));
        for item in &items {
            match item {
                Item::Uint(value) => {
                    writer.uint(*value).unwrap();
                    encoder.u64(*value).unwrap();
                }
                Item::Bool(value) => {
                    writer.bool(*value).unwrap();
                    encoder.bool(*value).unwrap();
                }
                Item::Text(text) => {
                    writer.str(text).unwrap();
                    encoder.str(text).unwrap();
                }
                Item::Bytes(octets) => {
                    writer.bytes(octets).unwrap();
                    encoder.bytes(octets).unwrap();
                }
                Item::Array(len) => {
                    writer.array(*len).unwrap();
                    encoder.array(*len as u64).unwrap();
                }
                Item::Map(len) => {
                    writer.map(*len).unwrap();
                    encoder.map(*len as u64).unwrap();
                }
            }
        }
        let len = writer.len();
        prop_assert_eq!(len, encoder.writer().position());
        prop_assert_eq!(&ours[..len], &theirs[..len]);
        // A buffer that is one octet too small takes no part of the last item.
        if let Some(Item::Bytes(octets)) = items.last() {
            let mut small = [0; 400];
            let room = octets.len() + 1;
            let mut writer = Writer::new(&mut small[..room.saturating_sub(1).max(1)]);
            if !octets.is_empty() {
                prop_assert_eq!(writer.bytes(octets).err(), Some(WireError::Buffer));
            }
        }
    }

    /// Both read the same of any octets, and refuse the same.
    #[test]
    fn octets_are_read_as_minicbor_reads_them(
        first in any::<u8>(),
        rest in proptest::collection::vec(any::<u8>(), 0..40),
        which in 0..9,
    ) {
        let octets = [&[first][..], &rest].concat();
        let mut reader = Reader::new(&octets);
        let mut decoder = Decoder::new(&octets);
        macro_rules! same {
            ($ours:expr, $theirs:expr) => {{
                let (ours, theirs) = ($ours, $theirs);
                prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
                if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                    prop_assert_eq!(ours, theirs);
                    prop_assert_eq!(reader.position(), decoder.position());
                } else {
                    // Nothing was taken of what is no such item, up to a text that is none.
                    prop_assert!(reader.position() == 0 || which == 5);
                }
            }};
        }
        let definite = |len: Result<Option<u64>, minicbor::decode::Error>| match len {
            Ok(Some(len)) => Ok(len),
            Ok(None) | Err(_) => Err(()),
        };
        match which {
            0 => same!(reader.u64(), decoder.u64()),
            1 => same!(reader.u32(), decoder.u32()),
            2 => same!(reader.u16(), decoder.u16()),
            3 => same!(reader.u8(), decoder.u8()),
            4 => same!(reader.bool(), decoder.bool()),
            5 => same!(reader.str(), decoder.str()),
            6 => same!(reader.bytes(), decoder.bytes()),
            7 => same!(reader.array(), definite(decoder.array())),
            _ => same!(reader.map(), definite(decoder.map())),
        }
    }
}
