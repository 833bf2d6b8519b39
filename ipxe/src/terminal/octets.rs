//! Octets in a fixed store, put in and taken out anywhere.

use core::ops::Range;
use heapless::VecView;

/// Puts octets before the one at `at`. Returns whether there was room for all of them; without room nothing changes.
pub(super) fn insert(store: &mut VecView<u8>, at: usize, octets: &[u8]) -> bool {
    let old = store.len();
    if store.extend_from_slice(octets).is_err() {
        return false;
    }
    let at = at.min(old);
    // Those behind the place move up, the last one first.
    for from in (at..old).rev() {
        set(store, from + octets.len(), store.get(from).copied());
    }
    for (to, octet) in (at..).zip(octets) {
        set(store, to, Some(*octet));
    }
    true
}

/// Takes octets out.
pub(super) fn remove(store: &mut VecView<u8>, range: Range<usize>) {
    let mut to = range.start;
    for from in range.end.max(range.start)..store.len() {
        set(store, to, store.get(from).copied());
        to += 1;
    }
    store.truncate(to);
}

fn set(store: &mut VecView<u8>, at: usize, octet: Option<u8>) {
    if let (Some(place), Some(octet)) = (store.get_mut(at), octet) {
        *place = octet;
    }
}

/// Replaces the store's text by the start of `text`, as many whole characters of it as fit.
pub(super) fn replace(store: &mut VecView<u8>, text: &str) {
    store.clear();
    for character in text.chars() {
        let octets = &mut [0; 4];
        let octets = character.encode_utf8(octets).as_bytes();
        if store.extend_from_slice(octets).is_err() {
            return;
        }
    }
}

/// The store's text. All that writes into a store puts whole characters into it.
pub(super) fn text(store: &[u8]) -> &str {
    core::str::from_utf8(store).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use heapless::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_store_is_a_vector_with_an_end(
            operations in prop::collection::vec((any::<bool>(), 0..12usize, 0..12usize), 0..60),
        ) {
            let mut store = Vec::<u8, 10>::new();
            let mut model = std::vec::Vec::new();
            for (puts, first, second) in operations {
                if puts {
                    let octets: std::vec::Vec<u8> = (0..second as u8).map(|octet| octet + first as u8).collect();
                    let fits = model.len() + octets.len() <= 10;
                    prop_assert_eq!(insert(&mut store, first, &octets), fits);
                    if fits {
                        let at = first.min(model.len());
                        model.splice(at..at, octets);
                    }
                } else {
                    let end = second.clamp(first.min(model.len()), model.len());
                    remove(&mut store, first.min(model.len())..second);
                    model.drain(first.min(model.len())..end);
                }
                prop_assert_eq!(store.as_slice(), model.as_slice());
            }
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut store = Vec::<u8, 4>::new();
        replace(&mut store, "aéb€");
        assert_eq!(text(&store), "aéb");
        replace(&mut store, "ab€");
        assert_eq!(text(&store), "ab");
    }
}
