//! The syntax of name constraints, RFC 5280 section 4.2.1.10. rustls-webpki applies them; it also accepts some that
//! are malformed.

use super::der::{self, Reader, SEQUENCE, constructed, context};

/// `dNSName` in a `GeneralName`
pub(super) const DNS_NAME: u8 = context(2);
/// `iPAddress` in a `GeneralName`
pub(super) const IP_ADDRESS: u8 = context(7);

/// Whether the extension's value is well-formed and constrains something.
pub(super) fn check(value: &[u8]) -> Option<()> {
    let mut fields = Reader::new(der::only(value, SEQUENCE)?);
    let permitted = fields.optional(constructed(0))?.unwrap_or_default();
    let excluded = fields.optional(constructed(1))?.unwrap_or_default();
    let some = !permitted.is_empty() || !excluded.is_empty();
    if !some || !fields.is_empty() {
        return None;
    }
    subtrees(permitted)?;
    subtrees(excluded)
}

/// Number of subtrees in the extension's value, as far as it can be read.
pub(super) fn count(value: &[u8]) -> usize {
    let Some(fields) = der::only(value, SEQUENCE) else {
        return 0;
    };
    let mut lists = Reader::new(fields);
    let mut count = 0_usize;
    // Each takes octets, so they end.
    while let Some(list) = lists.value() {
        count = count.saturating_add(Reader::new(list.content).count());
    }
    count
}

fn subtrees(octets: &[u8]) -> Option<()> {
    let mut subtrees = Reader::new(octets);
    // Each takes octets, so they end.
    while !subtrees.is_empty() {
        let mut subtree = subtrees.nested(SEQUENCE)?;
        let base = subtree.value()?;
        // Neither a minimum nor a maximum.
        let right = subtree.is_empty()
            && match base.tag {
                DNS_NAME => !base.content.starts_with(b".") && !base.content.contains(&b'*'),
                IP_ADDRESS => is_network(base.content),
                _ => true,
            };
        if !right {
            return None;
        }
    }
    Some(())
}

/// An address and a mask of ones, then zeros.
fn is_network(octets: &[u8]) -> bool {
    let half = match octets.len() {
        8 => 4,
        32 => 16,
        _ => return false,
    };
    let mask = octets.iter().skip(half);
    let mut zeros = false;
    for octet in mask {
        let right = match zeros {
            true => *octet == 0,
            false => octet.leading_ones() + octet.trailing_zeros() >= 8,
        };
        if !right {
            return false;
        }
        zeros |= *octet != 0xFF;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_ones_then_zeros() {
        for (mask, right) in [
            ([255, 255, 255, 0], true),
            ([255, 240, 0, 0], true),
            ([0, 0, 0, 0], true),
            ([255, 255, 255, 255], true),
            ([255, 0, 255, 0], false),
            ([255, 241, 0, 0], false),
            ([240, 240, 0, 0], false),
        ] {
            let octets: Vec<u8> = [192, 0, 2, 0].into_iter().chain(mask).collect();
            assert_eq!(is_network(&octets), right, "{mask:?}");
        }
        assert!(!is_network(&[192, 0, 2, 0]));
        assert!(is_network(&[0xFF; 32]));
    }
}
