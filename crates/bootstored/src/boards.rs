//! Answers boards that ask for the network configuration over UDP.

use bootstore::NetworkConfig;
use bootstore::board::{DATAGRAM_LEN, answer};
use tokio::net::UdpSocket;
use tokio::sync::watch;

/// Answers queries with the newest configuration until the socket fails.
pub async fn serve(socket: UdpSocket, config: watch::Receiver<Option<NetworkConfig>>) {
    let (mut query, mut reply) = ([0; DATAGRAM_LEN + 1], [0; DATAGRAM_LEN]);
    loop {
        let (len, from) = match socket.recv_from(&mut query).await {
            Ok(received) => received,
            // Linux reports ICMP errors of earlier answers here.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => continue,
            Err(error) => {
                eprintln!("bootstored: boards get no more answers: {error}");
                return;
            }
        };
        let query = query.get(..len).unwrap_or(&[]);
        let len = answer(config.borrow().as_ref(), query, &mut reply);
        if let Some(answer) = len.and_then(|len| reply.get(..len)) {
            // A lost answer is asked for again.
            let _ = socket.send_to(answer, from).await;
        }
    }
}
