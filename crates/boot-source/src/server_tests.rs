//! Tests of the server with a source that says that it has delivered an image, and has not.

use crate::config::{ResponderConfig, SharedConfig};
use crate::error::BootSourceError;
use crate::id::FirmwareId;
use crate::mailbox::Mailbox;
use crate::message::{BootFlags, Cleanup, Message, PROTOCOL_VERSION};
use crate::provider::{ImageMetadata, ImageSource};
use crate::server::{Served, Server};
use crate::status::Status;
use netboot_core::{Duration, Instant};
use netboot_ipxe::Deliver;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Messages of the MCU ROM, and the answers to them.
#[derive(Default)]
struct Desk {
    requests: VecDeque<Vec<u8>>,
    answers: Vec<Vec<u8>>,
}

impl Mailbox for Rc<RefCell<Desk>> {
    fn send(&mut self, message: &[u8]) -> bool {
        self.borrow_mut().answers.push(message.to_vec());
        true
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        let message = self.borrow_mut().requests.pop_front()?;
        into[..message.len()].copy_from_slice(&message);
        Some(message.len())
    }

    fn capacity(&self) -> usize {
        64
    }
}

/// A source that stops in the middle of an image of 20 octets without an error.
struct Short {
    now: Instant,
    /// Octets that it delivers, or `None` when it does not even begin.
    octets: Option<usize>,
}

impl ImageSource for Short {
    type Error = BootSourceError;

    fn initiate_boot(&mut self, _: BootFlags) -> Result<(), BootSourceError> {
        Ok(())
    }

    fn image_metadata(&mut self, _: FirmwareId) -> Result<ImageMetadata, BootSourceError> {
        Ok(ImageMetadata {
            size: 20,
            checksum: None,
            version: 0,
            flags: 0,
        })
    }

    fn download(
        &mut self,
        _: FirmwareId,
        delivery: &mut dyn Deliver,
    ) -> Result<(), BootSourceError> {
        let Some(octets) = self.octets else {
            return Ok(());
        };
        let sink = |_| BootSourceError::Sink;
        delivery.begin(self.now, 20).map_err(sink)?;
        delivery.write(self.now, &[7; 20][..octets]).map_err(sink)
    }

    fn finalize(&mut self, _: Status) -> Cleanup {
        Cleanup::default()
    }

    fn now(&mut self) -> Instant {
        self.now
    }

    fn idle(&mut self, span: Duration) {
        self.now += span;
    }

    fn status_of(_: &BootSourceError) -> Status {
        Status::CORRUPTED_DATA
    }
}

/// The MCU ROM is told at once, and does not wait for the rest until its patience ends.
#[test]
fn a_source_that_does_not_deliver_all_has_failed() {
    for octets in [None, Some(0), Some(8)] {
        let config = ResponderConfig {
            shared: SharedConfig::new(8),
            ..ResponderConfig::default()
        };
        let (mut chunk, mut message) = ([0; 8], [0; 64]);
        let desk = Rc::new(RefCell::new(Desk::default()));
        let begun = Instant::from_millis(5);
        let mut source = Short { now: begun, octets };
        let mut server = Server::new(config, desk.clone(), &mut chunk, &mut message).unwrap();
        let mut served = Vec::new();
        for request in [
            Message::Initiate {
                version: PROTOCOL_VERSION,
                flags: BootFlags::default(),
                specific: &[],
            },
            Message::MetadataRequest { id: 1 },
            Message::Download { id: 1 },
        ] {
            let mut octets = [0; 64];
            let len = request.emit(&mut octets).unwrap();
            desk.borrow_mut().requests.push_back(octets[..len].to_vec());
            served.push(server.step(&mut source));
        }
        let id = FirmwareId(1);
        assert_eq!(
            served,
            [Served::Answered, Served::Answered, Served::Failed(id)]
        );
        assert_eq!(source.now, begun, "{octets:?}");
        let answers = &desk.borrow().answers;
        let last = answers.last().unwrap();
        assert_eq!(last[..2], [0x83, 0xff], "{octets:?}");
    }
}
