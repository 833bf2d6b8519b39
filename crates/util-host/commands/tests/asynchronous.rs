//! The futures: right answers over a bad link, and futures that are dropped in the middle.

#[path = "../examples/tokio.rs"]
#[allow(dead_code, reason = "the example's main function")]
mod example;

use caliptra_util_host_commands::types::{
    GetDeviceIdRequest, HashAlgorithm, HashFinalizeRequest, HashInitRequest,
};
use caliptra_util_host_session::{AsyncSession, SessionConfig};
use caliptra_util_host_transport::aio::{AsyncDatagram, Framing};
use sha2::{Digest, Sha384};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use util_device::server::{Link, UdpServer};
use util_device::{Device, DeviceConfig};

#[tokio::test(flavor = "current_thread")]
async fn answers_are_right_over_a_bad_link_and_after_dropped_futures() {
    let link = Link {
        seed: 7,
        lose_answer: 20,
        double: 30,
        damage: 20,
        late: 30,
        late_ms: 30,
        lose_request: 10,
    };
    let server =
        UdpServer::start("127.0.0.1:0", Device::new(DeviceConfig::default()), link).unwrap();
    let clock = example::Clock(Box::pin(tokio::time::sleep(Duration::ZERO)));
    let socket = example::Socket::open(server.address()).unwrap();
    let transport = AsyncDatagram::<_, _>::new(socket, clock, Framing::UdpMailbox);
    let config = SessionConfig {
        command_timeout_ms: 20,
        max_retries: 6,
        ..SessionConfig::default()
    };
    let mut session = Box::new(AsyncSession::new(transport, config));
    let mut dropped = 0;
    for number in 0..200u64 {
        if number % 10 == 3 {
            // Polled once, so that the request is sent, and then dropped.
            let mut future = pin!(session.execute(&GetDeviceIdRequest {}));
            let pending = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
            dropped += u64::from(pending);
        }
        let data = number.to_le_bytes();
        let begun = session
            .execute(&HashInitRequest {
                algorithm: HashAlgorithm::Sha384,
                data: &data,
            })
            .await;
        let Ok(context) = begun else { continue };
        let ended = session
            .execute(&HashFinalizeRequest {
                context: &context,
                data: b"end",
            })
            .await;
        let Ok(digest) = ended else { continue };
        let right = Sha384::new()
            .chain_update(data)
            .chain_update(b"end")
            .finalize();
        assert_eq!(
            digest.data,
            &right[..],
            "command {number} got another's answer"
        );
    }
    let stats = session.stats;
    assert!(
        stats.commands_succeeded > 350 && dropped > 0,
        "{stats:?}, {dropped} dropped"
    );
    tokio::time::sleep(Duration::from_millis(60)).await;
    // A future that is dropped before it was polled to the end of its sending may or may not have sent.
    let seen = server.counters().from_host.load(Ordering::SeqCst);
    assert!(
        seen <= stats.commands_sent && seen + dropped >= stats.commands_sent,
        "{seen} {stats:?}"
    );
}
