//! What goes wrong with an answer.

/// What goes wrong with one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The device is busy and does not carry the command out.
    Busy,
    /// The device carries the command out and answers with a wrong checksum, or an altered octet in a message.
    WrongChecksum,
    /// The answer comes so many milliseconds late.
    Late(u32),
    /// The answer has only so many octets. In the mailbox its checksum is right, so that only its length is wrong.
    Truncated(usize),
    /// The answer has so many octets too many.
    TooLong(usize),
    /// The device declines with this completion code.
    Completion(u32),
    /// The device carries the command out and no answer comes.
    Silent,
    /// The answer comes twice.
    Twice,
    /// `fips_status` of the answer says that the device is not in an approved state.
    NotApproved,
    /// The answer is random octets.
    Garbage,
}

/// An answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Octets of the answer.
    pub len: usize,
    /// Milliseconds until it is sent.
    pub delay_ms: u32,
    /// How often it is sent; 0 for never.
    pub copies: u8,
}

/// Faults for the commands to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    faults: [Option<Fault>; 32],
    first: usize,
}

impl Queue {
    /// Adds a fault behind the others. Gives whether there was room.
    pub(crate) fn push(&mut self, fault: Fault) -> bool {
        let len = self.faults.len();
        for step in 0..len {
            let place = self.faults.get_mut((self.first + step) % len);
            if let Some(place) = place.filter(|place| place.is_none()) {
                *place = Some(fault);
                return true;
            }
        }
        false
    }

    /// The fault for the next command.
    pub(crate) fn next(&mut self) -> Fault {
        let Some(fault) = self.faults.get_mut(self.first).and_then(Option::take) else {
            return Fault::None;
        };
        self.first = (self.first + 1) % self.faults.len();
        fault
    }
}
