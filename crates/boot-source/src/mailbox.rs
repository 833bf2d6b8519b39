//! The mailbox between the two ROMs.

/// A way for whole messages between an MCU ROM and its boot source.
///
/// A mailbox may lose a message, bring it twice, and change the order: the two sides repeat what got lost and recognise what is
/// old ([`RequesterConfig`](crate::RequesterConfig)). It must not change the octets of a message, and it must not cut one
/// short. A mailbox without a length of its own may add octets at the end.
pub trait Mailbox {
    /// Sends a message. Returns `false` when there is no room at this moment; the caller tries again later.
    fn send(&mut self, message: &[u8]) -> bool;

    /// Takes the next message into the front of `into` and returns its length in octets; `None` when there is none. A
    /// message that is longer than `into` is dropped.
    fn receive(&mut self, into: &mut [u8]) -> Option<usize>;

    /// Octets of the longest message that the mailbox carries.
    fn capacity(&self) -> usize;
}

impl<M: Mailbox + ?Sized> Mailbox for &mut M {
    fn send(&mut self, message: &[u8]) -> bool {
        (**self).send(message)
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        (**self).receive(into)
    }

    fn capacity(&self) -> usize {
        (**self).capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mailbox that gives back what was put in last.
    #[derive(Default)]
    struct Echo(Option<Vec<u8>>);

    impl Mailbox for Echo {
        fn send(&mut self, message: &[u8]) -> bool {
            let free = self.0.is_none();
            if free {
                self.0 = Some(message.to_vec());
            }
            free
        }

        fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
            let message = self.0.take()?;
            into.get_mut(..message.len())?.copy_from_slice(&message);
            Some(message.len())
        }

        fn capacity(&self) -> usize {
            60
        }
    }

    fn is_the_same(mut mailbox: impl Mailbox) {
        let mut into = [0; 60];
        assert_eq!(mailbox.capacity(), 60);
        assert_eq!(mailbox.receive(&mut into), None);
        assert!(mailbox.send(&[1, 2, 3]));
        assert!(!mailbox.send(&[4]));
        assert_eq!(mailbox.receive(&mut into), Some(3));
        assert_eq!(into[..3], [1, 2, 3]);
    }

    #[test]
    fn a_borrowed_mailbox_is_the_mailbox() {
        is_the_same(Echo::default());
        is_the_same(&mut Echo::default());
        let mut lent: Box<dyn Mailbox> = Box::new(Echo::default());
        is_the_same(&mut *lent);
    }
}
