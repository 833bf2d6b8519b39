//! Drives a DHCP client by hand, from DHCPDISCOVER to a bound lease: no socket, no clock, a server of forty lines.
//!
//! `cargo run -p netboot-dhcp --example by_hand`

use core::net::Ipv4Addr;
use netboot_core::{Duration, Instant};
use netboot_dhcp::client::TRANSMIT_MAX;
use netboot_dhcp::options::code;
use netboot_dhcp::packet::{Builder, Header, MessageType, Packet};
use netboot_dhcp::{Client, Config, DhcpError, Event};
use rand_core::RngCore;

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const LEASED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 50);

fn main() -> Result<(), DhcpError> {
    let mut rng = Counter(1);
    let mut now = Instant::ZERO;
    let mut client = Client::new(&Config::new([0x02, 0, 0, 0, 0, 1]))?;
    client.start(now, &mut rng);
    let mut buf = [0; TRANSMIT_MAX];
    loop {
        // 1. Send everything that is due. The server answers after 5 ms.
        while let Some(sent) = client.poll_transmit(now, &mut rng, &mut buf) {
            let request =
                Packet::parse(&buf[..sent.len]).expect("the client's messages are well-formed");
            println!("{now} {:?} to {}", request.message, sent.destination);
            let mut answer = [0; 600];
            if let Some(len) = serve(&request, &mut answer) {
                now += Duration::from_millis(5);
                client.handle(now, &mut rng, SERVER, &answer[..len])?;
            }
        }
        // 2. Take the events.
        while let Some(event) = client.poll(now) {
            println!("{now} {event:?}");
            match event {
                // A real port sends ARP probes here. Nobody else has the address in this example.
                Event::ProbeAddress(_) => client.probe_result(now, None),
                Event::Bound => {
                    let lease = client.lease().expect("a bound client has a lease");
                    println!("address {} from {}", lease.address, lease.server_id);
                    return Ok(());
                }
                Event::Failed(error) => return Err(error),
                Event::Renewed | Event::BootInfo | Event::Lost(_) => {}
            }
        }
        // 3. Sleep until the next deadline. Nothing else arrives in this example.
        now = client.poll_timeout().unwrap_or(now);
        client.handle_timeout(now, &mut rng);
    }
}

/// Answers DHCPDISCOVER and DHCPREQUEST as a server does that has one address.
fn serve(request: &Packet<'_>, buf: &mut [u8]) -> Option<usize> {
    let message = match request.message {
        MessageType::Discover => MessageType::Offer,
        MessageType::Request => MessageType::Ack,
        _ => return None,
    };
    let header = Header {
        reply: true,
        yiaddr: LEASED,
        siaddr: SERVER,
        ..request.header
    };
    let mut answer = Builder::new(buf, &header, message, b"", b"fw.bin");
    answer.address(code::SERVER_ID, SERVER);
    answer.address(code::SUBNET_MASK, Ipv4Addr::new(255, 255, 255, 0));
    answer.address(code::ROUTERS, SERVER);
    answer.option(code::LEASE_TIME, &3600_u32.to_be_bytes());
    answer.finish()
}

/// Numbers for an example. A product has a source of random numbers here.
struct Counter(u32);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        octets.fill_with(|| (self.next_u32() >> 24) as u8);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(octets);
        Ok(())
    }
}
