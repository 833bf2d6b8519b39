//! A simulated world: a client's end of a link, the link, and the server at the other end, in virtual time.

use crate::config::ServerConfig;
use crate::server::ImageServer;
use netboot_core::{Duration, Instant};
use netsim::{Link, LinkConfig, Side};
use std::cell::RefCell;
use std::rc::Rc;

/// A world that a simulated device and a simulated platform share.
pub type SharedWorld = Rc<RefCell<World>>;

/// The world. Time moves only in [`advance`](Self::advance).
pub struct World {
    /// The link between client and server.
    pub link: Link,
    /// The server.
    pub server: ImageServer,
    /// The time now.
    pub now: Instant,
    /// Whether the client looked for frames since this was last cleared: one that does not look is not to
    /// be woken by the frames that it leaves.
    pub looked: bool,
    /// When the server wants to be polled.
    server_due: Option<Instant>,
}

impl World {
    /// A world at time zero. The link's chance comes from the server's seed.
    pub fn new(server: ServerConfig, link: LinkConfig) -> Self {
        let now = Instant::ZERO;
        Self {
            link: Link::new(server.seed, link),
            server: ImageServer::new(server, now),
            now,
            looked: false,
            server_due: Some(now),
        }
    }

    /// A world for a device and a platform.
    pub fn shared(server: ServerConfig, link: LinkConfig) -> SharedWorld {
        Rc::new(RefCell::new(Self::new(server, link)))
    }

    /// The client sends a frame.
    pub fn client_send(&mut self, frame: &[u8]) {
        self.link.send(self.now, Side::Client, frame);
    }

    /// The next frame that has arrived at the client, without moving time.
    pub fn client_receive(&mut self) -> Option<Vec<u8>> {
        self.looked = true;
        let frame = self.link.receive(self.now, Side::Client);
        if frame.is_some() {
            return frame;
        }
        self.settle();
        self.link.receive(self.now, Side::Client)
    }

    /// Whether a frame waits at the client.
    pub fn client_has_frames(&self) -> bool {
        let next = self.link.next_arrival_at(Side::Client);
        next.is_some_and(|at| at <= self.now)
    }

    /// Moves time to `until`, or to the moment when a frame has arrived at the client, and not at all when
    /// one waits there already. Whether one waits.
    pub fn advance(&mut self, until: Instant) -> bool {
        loop {
            self.settle();
            if self.client_has_frames() {
                return true;
            }
            if self.now >= until {
                return false;
            }
            let events = self.link.next_arrival().into_iter().chain(self.server_due);
            let next = events.min().map_or(until, |at| at.min(until));
            self.now = next.max(self.now);
        }
    }

    /// Moves time to `until`; frames for the client pile up. For a client that is busy or switched off.
    pub fn run(&mut self, until: Instant) {
        loop {
            self.settle();
            if self.now >= until {
                return;
            }
            let arrival = self.link.next_arrival_at(Side::Server);
            let events = arrival.into_iter().chain(self.server_due);
            let next = events.min().map_or(until, |at| at.min(until));
            self.now = next.max(self.now);
        }
    }

    /// Lets the server handle what has happened by now, without moving time.
    fn settle(&mut self) {
        /// The server was polled and still is due: it waits for something that time must bring.
        const PAUSE: Duration = Duration::from_millis(1);
        loop {
            let mut arrived = false;
            while let Some(frame) = self.link.receive(self.now, Side::Server) {
                self.server.handle_owned(self.now, frame);
                arrived = true;
            }
            let polled = arrived || self.server_due.is_some_and(|at| at <= self.now);
            if polled {
                self.server.poll(self.now);
            }
            // Frames may have been injected since.
            while let Some(frame) = self.server.poll_transmit() {
                self.link.send_owned(self.now, Side::Server, frame);
            }
            if !polled {
                return;
            }
            self.server_due = self.server.poll_at(self.now);
            if let Some(due) = &mut self.server_due
                && *due <= self.now
            {
                *due = self.now + PAUSE;
            }
        }
    }
}
