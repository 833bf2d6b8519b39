//! A test of whatever `memcpy` and `memmove` the program is linked with.

/// Copies and moves octets at each alignment and in many lengths, and tells whether every octet was where it belongs.
///
/// A ROM under test calls this once. It takes no flash where nobody calls it.
pub fn copies_are_right() -> bool {
    const MOST: usize = 100;
    unsafe extern "C" {
        fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8;
        fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8;
    }
    let source: [u8; MOST + 8] = core::array::from_fn(|at| at as u8 + 1);
    for len in 0..=MOST {
        for (to, from) in (0..8).flat_map(|to| (0..8).map(move |from| (to, from))) {
            let mut copied = [0u8; MOST + 16];
            let mut moved = [0u8; MOST + 16];
            moved[from..MOST + 8].copy_from_slice(&source[from..]);
            // One pointer for both ends: the second of two borrows would end the first.
            let ends = moved.as_mut_ptr();
            // SAFETY: both ends lie inside the arrays, and the arrays of the first call are two different ones.
            let results = unsafe {
                [
                    memcpy(copied[to..].as_mut_ptr(), source[from..].as_ptr(), len),
                    memmove(ends.add(to), ends.add(from), len),
                ]
            };
            let expected = |at: usize| match at.checked_sub(to) {
                Some(at) if at < len => source[from + at],
                _ => 0,
            };
            let right = copied
                .iter()
                .enumerate()
                .all(|(at, octet)| *octet == expected(at))
                && moved[to..to + len] == source[from..from + len];
            if !right || results != [copied[to..].as_mut_ptr(), moved[to..].as_mut_ptr()] {
                return false;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_copies_of_the_host_are_right() {
        assert!(super::copies_are_right());
    }
}
