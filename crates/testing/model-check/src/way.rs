//! One direction of a network that makes mistakes.

/// What can befall the datagram that would arrive next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is lost.
    Lose,
    /// It comes twice.
    Double,
    /// The one behind it overtakes it.
    Overtake,
}

/// The datagrams on their way in one direction, in the order in which they will arrive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Way<T>(Vec<T>);

impl<T> Default for Way<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Way<T> {
    /// Sends a datagram behind the others.
    pub fn send(&mut self, datagram: T) {
        self.0.push(datagram);
    }

    /// Puts a datagram before the others, as somebody does who is nearer.
    pub fn forge(&mut self, datagram: T) {
        self.0.insert(0, datagram);
    }

    /// Takes the datagram that arrives next.
    ///
    /// # Panics
    /// Panics when nothing is on its way.
    pub fn arrive(&mut self) -> T {
        self.0.remove(0)
    }

    /// The datagrams on their way.
    pub fn datagrams(&self) -> &[T] {
        &self.0
    }

    /// Whether nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What can happen now.
    pub fn mishaps(&self) -> &'static [Mishap] {
        match self.0.len() {
            0 => &[],
            1 => &[Mishap::Lose, Mishap::Double],
            _ => &[Mishap::Lose, Mishap::Double, Mishap::Overtake],
        }
    }

    /// Lets it happen.
    ///
    /// # Panics
    /// Panics when it is none of [`mishaps`](Self::mishaps).
    pub fn befall(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::Lose => {
                self.0.remove(0);
            }
            Mishap::Double => self.0.insert(0, self.0[0].clone()),
            Mishap::Overtake => self.0.swap(0, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mishap_befalls_the_next_datagram() {
        let after = |mishap| {
            let mut way = Way::default();
            way.send(2);
            way.send(3);
            way.forge(1);
            assert!(way.mishaps().contains(&mishap));
            way.befall(mishap);
            way.datagrams().to_vec()
        };
        assert_eq!(after(Mishap::Lose), [2, 3]);
        assert_eq!(after(Mishap::Double), [1, 1, 2, 3]);
        assert_eq!(after(Mishap::Overtake), [2, 1, 3]);
        let mut way = Way::default();
        assert!(way.is_empty() && way.mishaps().is_empty());
        way.send(1);
        assert!(!way.mishaps().contains(&Mishap::Overtake));
        assert_eq!(way.arrive(), 1);
    }
}
