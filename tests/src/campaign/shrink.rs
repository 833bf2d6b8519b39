//! The shortest list of faults that still fails.

use super::fault::Fault;

/// Leaves out faults one by one as long as `fails` says that the rest still fails. No fault of the list that is returned can be left
/// out.
pub fn shortest(faults: Vec<Fault>, mut fails: impl FnMut(&[Fault]) -> bool) -> Vec<Fault> {
    let mut left = faults;
    let mut at = 0;
    while at < left.len() {
        let mut fewer = left.clone();
        fewer.remove(at);
        if fails(&fewer) {
            left = fewer;
            at = 0;
        } else {
            at += 1;
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    #[test]
    fn what_is_not_needed_is_left_out() {
        let mut chance = Chance::new(1);
        let faults: Vec<_> = (0..200).map(|_| Fault::draw(&mut chance, 3)).collect();
        let has = |list: &[Fault], kind: usize| list.iter().any(|fault| fault.kind() == kind);
        for (one, other) in [(0, 7), (3, 3), (12, 5)] {
            let left = shortest(faults.clone(), |list| has(list, one) && has(list, other));
            let mut kinds: Vec<_> = left.iter().map(Fault::kind).collect();
            kinds.sort_unstable();
            let mut needed = vec![one, other];
            needed.sort_unstable();
            needed.dedup();
            assert_eq!(kinds, needed);
        }
        assert!(shortest(faults, |_| true).is_empty());
    }
}
