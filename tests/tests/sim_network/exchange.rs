//! Single HTTP requests with their whole answer: over TCP, over a verified channel and over one that has proved nothing.

use super::{Memory, Net, assert_delivered, configured, station_of, uri};
use image_server::{HttpFault, Post, Rule, SharedWorld};
use netboot::{ExchangeRequest, Method, NetError, Protection};
use netboot_core::{Duration, Instant, Uri};
use netboot_ipxe::{Delivery, ExecError, IpxeInterface, NetworkConfig};
use netboot_tls::TlsError;
use test_pki::Pki;
use testbed::plan::{CLIENT, FILE_NAMES};
use testbed::{Https, Plan, Protocol};

const JSON: &str = "application/yang-data+json";

fn request<'r>(method: Method, uri: &'r Uri, body: &'r [u8]) -> ExchangeRequest<'r> {
    ExchangeRequest {
        method,
        uri,
        accept: JSON,
        media_type: JSON,
        body,
        protection: Protection::Verified,
    }
}

fn echo() -> Post {
    Post {
        status: 200,
        media_type: "Application/YANG-data+json; charset=utf-8".into(),
        accept: None,
        content: None,
        then: None,
    }
}

/// A station and an HTTPS server; `trusted` says whether the station knows the server's root.
fn https(trusted: bool) -> (SharedWorld, Net) {
    let mut https = Https::new(Pki::with_intermediate(21));
    https.trusted = trusted;
    let plan = Plan {
        protocol: Protocol::Https,
        https: Some(https),
        ..Plan::default()
    };
    let change = |server: &mut image_server::ServerConfig| {
        server.http.posts.insert("/report".into(), echo());
    };
    let (world, mut net) = station_of(plan.server(), change, |_| ());
    if let Some(https) = &plan.https {
        net.use_tls(https.client());
    }
    net.ifconfig(&NetworkConfig::new(CLIENT.into(), 24))
        .unwrap();
    net.set_deadline(Instant::ZERO + Duration::from_secs(60));
    (world, net)
}

#[test]
fn get_brings_the_whole_answer() {
    let (_, mut net) = configured(|_| ());
    let image = Plan::default().images[2].bytes.clone();
    let mut buffer = vec![0; image.len()];
    let uri = uri("http", FILE_NAMES[2]);
    let answer = net
        .exchange(&request(Method::Get, &uri, &[]), &mut buffer)
        .unwrap();
    assert_eq!(
        (answer.status, answer.media_type.as_str()),
        (200, "application/octet-stream")
    );
    assert!(answer.body == &image[..]);
    // A buffer that is one octet too small.
    let mut small = vec![0; image.len() - 1];
    let failed = net.exchange(&request(Method::Get, &uri, &[]), &mut small);
    assert_eq!(failed.unwrap_err(), NetError::AnswerTooLong);
    // The next one is none the worse.
    let answer = net
        .exchange(&request(Method::Get, &uri, &[]), &mut buffer)
        .unwrap();
    assert!(answer.body == &image[..]);
}

#[test]
fn head_brings_no_body() {
    let (world, mut net) = configured(|_| ());
    let uri = uri("http", FILE_NAMES[0]);
    let answer = net
        .exchange(&request(Method::Head, &uri, &[]), &mut [])
        .unwrap();
    assert_eq!((answer.status, answer.body), (200, &[][..]));
    let served = world.borrow().server.served().to_vec();
    assert_eq!(served.last().unwrap().octets, 0);
}

/// Status 408 on a kept connection means that the server had given it up before the request came (RFC 9110, section 15.5.9). A request that may be sent
/// again is; content is the caller's. On a new connection 408 is an answer as any other.
#[test]
fn a_kept_connection_that_was_given_up_is_no_answer() {
    for (kept, method, expected) in [
        (true, Method::Get, 200),
        (true, Method::Head, 200),
        (true, Method::Post, 408),
        (false, Method::Get, 408),
    ] {
        let (world, mut net) = configured(|server| {
            server.http.posts.insert("/report".into(), echo());
        });
        let mut buffer = [0; 5_000];
        let image = uri("http", FILE_NAMES[2]);
        if kept {
            let first = request(Method::Get, &image, &[]);
            assert_eq!(net.exchange(&first, &mut buffer).unwrap().status, 200);
        }
        let late = HttpFault::Status(408, None);
        world.borrow_mut().server.faults_mut().http.once(late);
        let report = uri("http", "report");
        let place = match method {
            Method::Post => &report,
            _ => &image,
        };
        let answer = net.exchange(&request(method, place, b""), &mut buffer);
        assert_eq!(answer.unwrap().status, expected, "{kept} {method:?}");
    }
}

#[test]
fn statuses_are_answers_and_redirects_are_the_callers() {
    let (_, mut net) = configured(|server| {
        let moved = HttpFault::Redirect(307, "http://10.0.2.9/elsewhere".into());
        server.faults.http.add(Rule::new(moved).named("moved"));
        let busy = HttpFault::Status(503, Some(120));
        server.faults.http.add(Rule::new(busy).named("busy"));
    });
    let mut buffer = [0; 200];
    let mut ask = |path: &str| {
        let uri = uri("http", path);
        let answer = net
            .exchange(&request(Method::Get, &uri, &[]), &mut buffer)
            .unwrap();
        (
            answer.status,
            answer.location.to_string(),
            answer.retry_after,
        )
    };
    assert_eq!(ask("missing"), (404, String::new(), None));
    assert_eq!(
        ask("moved"),
        (307, "http://10.0.2.9/elsewhere".into(), None)
    );
    assert_eq!(ask("busy"), (503, String::new(), Some(120)));
}

#[test]
fn post_sends_more_than_any_buffer_holds() {
    let (world, mut net) = configured(|server| {
        server.http.posts.insert("/report".into(), echo());
    });
    let uri = uri("http", "report");
    for len in [0, 1, 1_023, 1_024, 1_025, 5_000, 40_000] {
        let body: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
        let mut buffer = vec![0; 50_000];
        let answer = net
            .exchange(&request(Method::Post, &uri, &body), &mut buffer)
            .unwrap();
        assert_eq!(answer.status, 200, "{len}");
        assert_eq!(
            answer.media_type,
            "application/yang-data+json; charset=utf-8"
        );
        assert!(answer.body == body, "{len}");
    }
    // All over one connection.
    assert_eq!(world.borrow().server.served().len(), 7);
    assert_eq!(
        net.exchange(&request(Method::Get, &uri, &[]), &mut [0; 64])
            .unwrap()
            .status,
        404
    );
}

#[test]
fn a_refusal_ends_the_sending() {
    // The server does not take the content of a POST to this path, and answers while it is sent.
    let (_, mut net) = configured(|_| ());
    let uri = uri("http", FILE_NAMES[0]);
    let body = vec![7; 30_000];
    let mut buffer = [0; 100];
    let answer = net
        .exchange(&request(Method::Post, &uri, &body), &mut buffer)
        .unwrap();
    assert_eq!(answer.status, 405);
}

/// A server that has answered early reads the rest of the content, and would take the next request for a part of it.
#[test]
fn an_answer_that_comes_before_the_content_was_sent_spoils_no_later_request() {
    for len in [1, 1_000, 30_000, 60_000] {
        let (_, mut net) = configured(|server| {
            server.http.posts.insert("/report".into(), echo());
            server.http.answers_early = true;
        });
        let (report, file) = (uri("http", "report"), uri("http", FILE_NAMES[0]));
        let body = vec![7; len];
        let mut buffer = vec![0; 100_000];
        for _ in 0..2 {
            let posted = net.exchange(&request(Method::Post, &report, &body), &mut buffer);
            assert_eq!(posted.unwrap().status, 200, "{len}");
            let got = net.exchange(&request(Method::Head, &file, &[]), &mut buffer);
            assert_eq!(got.unwrap().status, 200, "{len}");
        }
    }
}

#[test]
fn a_silent_server_is_given_up() {
    let (world, mut net) = configured(|server| {
        server.faults.http.always(HttpFault::NeverAnswer);
    });
    let uri = uri("http", FILE_NAMES[0]);
    let mut buffer = [0; 64];
    let failed = net.exchange(&request(Method::Get, &uri, &[]), &mut buffer);
    assert_eq!(failed.unwrap_err(), NetError::NoResponse);
    let took = world.borrow().now.since(Instant::ZERO);
    assert!(took < Duration::from_secs(65), "{took:?}");
}

#[test]
fn a_verified_channel_takes_a_report() {
    let (world, mut net) = https(true);
    let uri = uri("https", "report");
    let body = vec![3; 9_000];
    for _ in 0..2 {
        let mut buffer = vec![0; 10_000];
        let answer = net
            .exchange(&request(Method::Post, &uri, &body), &mut buffer)
            .unwrap();
        assert!((answer.status, answer.body) == (200, &body[..]));
    }
    // The second one needs no second handshake.
    assert_eq!(world.borrow().server.tls_connections().len(), 1);
}

#[test]
fn an_unknown_server_is_spoken_to_provisionally_only_when_asked_for() {
    let (world, mut net) = https(false);
    let uri = uri("https", "report");
    let body = b"{}".to_vec();
    let mut buffer = [0; 100];
    let verified = request(Method::Post, &uri, &body);
    let refused = net.exchange(&verified, &mut buffer).unwrap_err();
    assert!(
        matches!(refused, NetError::Tls(TlsError::Certificate(_))),
        "{refused}"
    );
    let provisional = ExchangeRequest {
        protection: Protection::Provisional,
        ..verified
    };
    let answer = net.exchange(&provisional, &mut buffer).unwrap();
    assert_eq!((answer.status, answer.body), (200, &body[..]));
    // The open channel has proved nothing: neither a verified exchange nor an image goes over it.
    let refused = net.exchange(&verified, &mut buffer).unwrap_err();
    assert!(
        matches!(refused, NetError::Tls(TlsError::Certificate(_))),
        "{refused}"
    );
    net.exchange(&provisional, &mut buffer).unwrap();
    let image = super::uri("https", FILE_NAMES[0]);
    let refused = net.imgfetch(&image, None, None).unwrap_err();
    assert!(
        matches!(refused, NetError::Tls(TlsError::Certificate(_))),
        "{refused}"
    );
    assert_eq!(world.borrow().server.tls_connections().len(), 5);
}

/// What was opened before anybody asked for it is closed by an exchange and by `exit`. A fetch after that opens it anew.
#[test]
fn a_transfer_that_was_opened_early_does_not_outlive_its_connection() {
    for scheme in ["tftp", "http"] {
        for ends_by_exit in [false, true] {
            let (_, mut net) = configured(|_| ());
            let file = uri(scheme, FILE_NAMES[2]);
            net.prefetch(&file, None);
            if ends_by_exit {
                net.exit();
                net.ifconfig(&NetworkConfig::new(CLIENT.into(), 24))
                    .unwrap();
            } else {
                let other = uri("http", FILE_NAMES[0]);
                let mut buffer = vec![0; 1 << 20];
                net.exchange(&request(Method::Get, &other, &[]), &mut buffer)
                    .unwrap();
            }
            let mut delivery = Delivery::new(Memory::default());
            let chained = net.chain(&file, &mut delivery);
            assert_eq!(chained, Ok(()), "{scheme}, exit: {ends_by_exit}");
            assert_delivered(&mut delivery, &Plan::default().images[2].bytes);
        }
    }
}

/// A handle names one transfer. After that ended the handle is stale, and nothing is delivered.
#[test]
fn a_handle_does_not_outlive_its_transfer() {
    let (_, mut net) = configured(|_| ());
    let file = uri("http", FILE_NAMES[2]);
    let handle = net.imgfetch(&file, None, None).unwrap();
    let image = net.imgload(&handle).unwrap();
    net.exit();
    let mut delivery = Delivery::new(Memory::default());
    let executed = net.imgexec(image, &mut delivery);
    assert_eq!(executed, Err(ExecError::Transfer(NetError::StaleHandle)));
    assert!(!delivery.has_begun());
}

#[test]
fn a_server_proves_itself_by_the_root_that_a_request_names_and_by_no_other() {
    // The station itself trusts nobody.
    let (world, mut net) = https(false);
    let uri = uri("https", "report");
    let body = b"{}".to_vec();
    let mut buffer = [0; 100];
    let root = Pki::with_intermediate(21).root().unwrap();
    let other = Pki::with_intermediate(22).root().unwrap();
    let by = |anchor| ExchangeRequest {
        protection: Protection::Anchored(anchor),
        ..request(Method::Post, &uri, &body)
    };
    for _ in 0..2 {
        let answer = net.exchange(&by(&root), &mut buffer).unwrap();
        assert_eq!((answer.status, answer.body), (200, &body[..]));
    }
    assert_eq!(world.borrow().server.tls_connections().len(), 1);
    // The open channel proves nothing to a request with another root, and to one that trusts what the station trusts.
    for refused in [
        by(&other),
        request(Method::Post, &uri, &body),
        by(b"no certificate"),
    ] {
        net.exchange(&by(&root), &mut buffer).unwrap();
        let refused = net.exchange(&refused, &mut buffer).unwrap_err();
        assert!(
            matches!(refused, NetError::Tls(TlsError::Certificate(_))),
            "{refused}"
        );
    }
    // It is not the way for an image, either.
    net.exchange(&by(&root), &mut buffer).unwrap();
    let image = super::uri("https", FILE_NAMES[0]);
    let refused = net.imgfetch(&image, None, None).unwrap_err();
    assert!(
        matches!(refused, NetError::Tls(TlsError::Certificate(_))),
        "{refused}"
    );
}
