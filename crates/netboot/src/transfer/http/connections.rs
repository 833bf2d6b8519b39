//! The connections of the HTTP carrier, by number.

use super::connection::Connection;
use crate::board::Board;
use crate::station::Station;

/// One connection or, with the feature `parallel`, as many as there is memory for.
pub(super) struct Connections<'a> {
    /// The connection that every transfer begins on.
    pub first: Connection<'a>,
    /// Further ones.
    #[cfg(feature = "parallel")]
    more: heapless::Vec<Connection<'a>, { super::stripes::LANES - 1 }>,
}

impl<'a> Connections<'a> {
    pub const fn new(first: Connection<'a>) -> Self {
        Self {
            first,
            #[cfg(feature = "parallel")]
            more: heapless::Vec::new(),
        }
    }

    /// Gives a local port for a new connection, which no other connection has.
    pub fn free_port<B: Board>(&self, station: &mut Station<'_, B>) -> u16 {
        #[cfg(feature = "parallel")]
        {
            const TRIES: usize = 8;
            let mut port = 0;
            for _ in 0..TRIES {
                port = station.ephemeral_port();
                let taken = self.iter().any(|connection| {
                    let socket = station.stack.tcp_ref(connection.handle());
                    socket.local_endpoint().is_some_and(|own| own.port == port)
                });
                if !taken {
                    break;
                }
            }
            port
        }
        #[cfg(not(feature = "parallel"))]
        station.ephemeral_port()
    }
}

#[cfg(feature = "parallel")]
impl<'a> Connections<'a> {
    /// Adds a connection, unless there are as many as there may be.
    pub fn add(&mut self, connection: Connection<'a>) {
        let _ = self.more.push(connection);
    }

    /// Whether there are as many connections as there may be.
    pub fn is_full(&self) -> bool {
        self.more.is_full()
    }

    /// Number of connections.
    pub fn len(&self) -> usize {
        self.more.len().saturating_add(1)
    }

    /// The connection with this number. There is always one: a number beyond the last stands for the first.
    pub fn lane(&mut self, lane: u8) -> &mut Connection<'a> {
        let at = usize::from(lane).checked_sub(1);
        match at.and_then(|at| self.more.get_mut(at)) {
            Some(connection) => connection,
            None => &mut self.first,
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Connection<'a>> {
        core::iter::once(&self.first).chain(&self.more)
    }

    /// Octets of the smallest receive buffer of all connections.
    pub fn smallest_buffer<B: Board>(&self, station: &Station<'_, B>) -> usize {
        self.iter()
            .map(|connection| {
                let socket = station.stack.tcp_ref(connection.handle());
                socket.recv_capacity()
            })
            .min()
            .unwrap_or(0)
    }

    /// Cuts all further connections.
    pub fn disconnect_more<B: Board>(&mut self, station: &mut Station<'_, B>) {
        for connection in &mut self.more {
            connection.disconnect(station);
        }
    }
}
