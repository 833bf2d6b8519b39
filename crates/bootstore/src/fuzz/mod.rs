//! The fuzz bodies: what must hold for any octets.
//!
//! - [`octets()`]: every reader of octets from the network or from storage.
//! - [`machine()`]: a sequence of operations on a [`Node`](crate::node::Node) among hostile peers.
//!
//! A fuzzer outside of this workspace calls them with the feature `fuzz`; `cargo test` runs them on a corpus.

mod machine;
mod octets;
#[cfg(test)]
mod tests;

pub use machine::machine;
pub use octets::octets;

/// Takes an input apart. An input that is used up gives zeros.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn octet(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(len.min(self.0.len()));
        self.0 = tail;
        head
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
